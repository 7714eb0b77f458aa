package detect

import (
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/sigma"
)

// field is one name that rules use, compiled to where it is read: a fact, an OCSF field or a member of the record.
type field struct {
	name string
	fact enrich.FactID
	kind fieldKind
	ocsf ocsf.FieldID
	path ocsf.Path
}

type fieldKind uint8

const (
	fromRecord fieldKind = iota
	fromFact
	fromOCSF
)

func compileField(name string) field {
	if id, ok := enrich.FactByName(name); ok {
		return field{name: name, kind: fromFact, fact: id}
	}
	if id, ok := ocsf.FieldByPath(name); ok {
		return field{name: name, kind: fromOCSF, ocsf: id, path: ocsf.ParsePath(name)}
	}
	return field{name: name, path: ocsf.ParsePath(name)}
}

// view is an event as the Sigma engine sees it.
type view struct {
	fields []field
	ev     *ocsf.Event
	facts  *enrich.Facts
	buf    []ocsf.Value
}

// Values gives the values of a field.
func (v *view) Values(dst []sigma.Value, i int) []sigma.Value {
	for _, x := range v.read(i) {
		dst = append(dst, sigma.Value{Kind: sigmaKinds[x.Kind], Str: x.Str})
	}
	return dst
}

func (v *view) read(i int) []ocsf.Value {
	f := &v.fields[i]
	v.buf = v.buf[:0]
	switch f.kind {
	case fromFact:
		v.buf = v.facts.Values(f.fact, v.buf)
	case fromOCSF:
		if v.buf = v.ev.Vendor(f.path, v.buf); len(v.buf) == 0 {
			v.buf = v.ev.Values(f.ocsf, v.buf)
		}
	default:
		v.buf = v.ev.Vendor(f.path, v.buf)
	}
	return v.buf
}

// Strings gives every string of the record, for keywords.
func (v *view) Strings(yield func(string) bool) { v.ev.Strings(yield) }

// sigmaKinds maps kinds of values: an object or array as a whole is text to a rule.
var sigmaKinds = [...]sigma.Kind{ocsf.Missing: sigma.Missing, ocsf.Null: sigma.Null, ocsf.String: sigma.String, ocsf.Number: sigma.Number, ocsf.Bool: sigma.Bool, ocsf.JSON: sigma.String}
