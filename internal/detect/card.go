package detect

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// cardOf copies what a finding keeps of an event. The card owns its memory.
func cardOf(e *ocsf.Event, f *enrich.Facts) finding.Card {
	a, place := f.Actor(), f.Place()
	c := finding.Card{
		UID:       strings.Clone(e.ID),
		Time:      e.Time(),
		Service:   strings.Clone(e.Str(ocsf.APIServiceName)),
		Operation: strings.Clone(e.Str(ocsf.APIOperation)),
		Account:   strings.Clone(e.Str(ocsf.CloudAccountUID)),
		Region:    strings.Clone(e.Str(ocsf.CloudRegion)),
		Outcome:   f.Outcome(),
		Error:     strings.Clone(e.Str(ocsf.APIResponseError)),
		ReadOnly:  f.ReadOnly(),
		Principal: strings.Clone(e.Str(ocsf.ActorUserUID)),
		Origin:    finding.Entity{Type: a.Type, ID: strings.Clone(a.Origin), Name: strings.Clone(a.Name)},
		AccessKey: strings.Clone(e.Str(ocsf.ActorUserCredentialUID)),
		ActorKind: a.Kind,
		Proof:     a.Proof,
		SrcIP:     strings.Clone(e.Str(ocsf.SrcIP)),
		Country:   strings.Clone(place.Country),
		ASN:       place.ASN,
		ASOrg:     place.Org,
		UserAgent: strings.Clone(e.Str(ocsf.UserAgent)),
		Tool:      enrich.Tool(e.Str(ocsf.UserAgent)),
		Critical:  f.Critical(),
		Scanner:   f.Scanner(),
		Source:    e.At.Source,
		Record:    e.At.Record,
		Raw:       rawOf(e.Raw),
	}
	for _, role := range a.Chain {
		c.Chain = append(c.Chain, strings.Clone(role))
	}
	for _, r := range f.Resources() {
		c.Resources = append(c.Resources, finding.Entity{Type: r.Kind, ID: r.ID, Name: r.Name})
	}
	for _, g := range f.Grants() {
		c.Grants = append(c.Grants, finding.Entity{Type: g.Kind, ID: g.ID, Name: g.Name})
	}
	return c
}

// rawOf copies a record as JSON that every reader takes. What the hot path's parser forgave (a broken escape, a raw
// control character) is kept as JSON text of the record instead.
func rawOf(raw []byte) json.RawMessage {
	clean := bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	if json.Valid(clean) {
		return bytes.Clone(clean)
	}
	text, err := json.Marshal(string(clean))
	if err != nil {
		return nil
	}
	return text
}

// source is an address with its place, as a sentence says it.
func source(c *finding.Card) string {
	if c.SrcIP == "" {
		return "inside AWS"
	}
	var place []string
	if c.Country != "" {
		place = append(place, c.Country)
	}
	if c.ASOrg != "" {
		place = append(place, c.ASOrg)
	}
	if len(place) == 0 {
		return c.SrcIP
	}
	return c.SrcIP + " (" + strings.Join(place, ", ") + ")"
}
