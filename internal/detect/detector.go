package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/sigma"
)

// EventID identifies an event among all of a run.
type EventID = baseline.EventID

// IDOf makes the EventID of an event's identity: a UUID is its own bytes, anything else is hashed.
func IDOf(account, uid string) EventID {
	var id EventID
	if len(uid) == 36 && uid[8] == '-' && uid[13] == '-' && uid[18] == '-' && uid[23] == '-' {
		var hexed [32]byte
		n := 0
		for i := range len(uid) {
			if uid[i] != '-' && n < 32 {
				hexed[n] = uid[i]
				n++
			}
		}
		if _, err := hex.Decode(id[:], hexed[:]); err == nil && n == 32 && !strings.ContainsAny(uid, "ABCDEF") {
			return id
		}
	}
	sum := sha256.Sum256([]byte(account + "\x00" + uid))
	copy(id[:], sum[:])
	return id
}

// Detector judges events for one goroutine. It keeps little per match: cards and sentences are made afterwards, for
// the matches that are shown (conclude.go).
type Detector struct {
	rules       *Rules
	history     *baseline.History
	routes      map[*ocsf.Mapping]*sigma.Route // of formats whose events are all of one source
	sources     map[sigma.LogSource]*sigma.Route
	scratch     sigma.Scratch
	view        view
	correlators []*sigma.Correlator
	groups      []groupName
	groupIndex  map[groupName]uint32
	folds       map[foldKey]*fold
	novel       []novelty
	hitGroup    []string           // of the hit at hand, used again
	hitValues   []ocsf.Value       // likewise
	names       map[EventID]string // ids of events whose EventID is a hash
	reports     map[string]*report // other products' findings, by reportKey
	intel       intelligence
}

// groupName is what signals fold by beside their rule.
type groupName struct{ origin, account string }

// match is one rule's match in little memory.
type match struct {
	time   int64
	id     EventID
	group  uint32
	rule   int32
	source int32
}

// novelty is a match of a first_seen rule: it waits for the verdict on all its features.
type novelty struct {
	match
	values []string // by Rule.features
}

// NewDetector returns a Detector. history may be nil when there is none.
func NewDetector(r *Rules, history *baseline.History) *Detector {
	d := &Detector{rules: r, history: history, routes: map[*ocsf.Mapping]*sigma.Route{}, sources: map[sigma.LogSource]*sigma.Route{}, groupIndex: map[groupName]uint32{}, folds: map[foldKey]*fold{}, names: map[EventID]string{}, reports: map[string]*report{}}
	d.view.fields = r.fields
	d.SetIntel(nil)
	for _, c := range r.Correlations {
		d.correlators = append(d.correlators, sigma.NewCorrelator(c.Correlation))
	}
	return d
}

// Event judges one event and reports whether something was kept of it, so that its record may be asked for. source is where it can be
// read again, the caller's own number.
func (d *Detector) Event(e *ocsf.Event, f *enrich.Facts, id EventID, source int32) bool {
	met := d.Intel(e, f, id, source)
	return d.byRules(e, f, id, source) || met
}

func (d *Detector) byRules(e *ocsf.Event, f *enrich.Facts, id EventID, source int32) bool {
	d.view.ev, d.view.facts = e, f
	told := e.Mapping.Name != "cloudtrail" && d.report(e, f, id, source)
	hits := d.routeOf(e).Match(&d.view, &d.scratch)
	if len(hits) == 0 {
		return told
	}
	group := d.group(f.Actor().Origin, e.Str(ocsf.CloudAccountUID))
	kept := told
	for _, i := range hits {
		rule := d.rules.All[i]
		m := match{e.Millis, id, group, int32(i), source} //nolint:gosec // rules are few
		for _, to := range d.rules.feeds[i] {
			d.feed(to, m)
			kept = true
		}
		switch {
		case len(rule.features) > 0:
			kept = d.firstUse(rule, m) || kept
		case !rule.quiet:
			d.keep(m)
			d.fold(m)
			kept = true
		}
	}
	return kept
}

// routeOf finds the rules for an event's log source: that of its format, or, where it came as OCSF, of the product that it names.
func (d *Detector) routeOf(e *ocsf.Event) *sigma.Route {
	if r := d.routes[e.Mapping]; r != nil {
		return r
	}
	source := format.LogSourceOf(e)
	r := d.sources[source]
	if r == nil {
		r = d.rules.set.Route(source)
		d.sources[source] = r
	}
	if !format.IsOCSF(e.Mapping) {
		d.routes[e.Mapping] = r
	}
	return r
}

func (d *Detector) group(origin, account string) uint32 {
	if i, ok := d.groupIndex[groupName{origin, account}]; ok {
		return i
	}
	own := groupName{strings.Clone(origin), strings.Clone(account)}
	i := uint32(len(d.groups)) //nolint:gosec // origins are few
	d.groups = append(d.groups, own)
	d.groupIndex[own] = i
	return i
}

// keep remembers the id of an event whose EventID does not tell it.
func (d *Detector) keep(m match) {
	plain := uuidBytes(m.id)
	if uid := d.view.ev.ID; uid != string(plain[:]) {
		if _, known := d.names[m.id]; !known {
			d.names[m.id] = strings.Clone(uid)
		}
	}
}

func uuid(id EventID) string {
	b := uuidBytes(id)
	return string(b[:])
}

func uuidBytes(id EventID) (b [36]byte) {
	hex.Encode(b[:8], id[:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return b
}

// feed gives a match to a correlation. Each value of a counted array counts; of a group-by array the first does.
func (d *Detector) feed(to feed, m match) {
	c := d.rules.Correlations[to.correlation]
	h := sigma.Hit{Rule: to.as, Time: m.time, Key: m.id, Source: m.source, Group: d.hitGroup[:0]}
	for _, f := range c.groupBy[to.as] {
		value := ""
		if list := d.view.read(f); len(list) > 0 {
			value = list[0].Str
		}
		h.Group = append(h.Group, value)
	}
	d.keep(m)
	if c.value[to.as] < 0 {
		d.correlators[to.correlation].Add(h)
		return
	}
	d.hitGroup = h.Group
	d.hitValues = append(d.hitValues[:0], d.view.read(c.value[to.as])...)
	for _, v := range d.hitValues {
		h.Value = v.Str
		d.correlators[to.correlation].Add(h)
	}
}

// firstUse keeps a match where it is the first use of every feature of the rule, and reports whether it is.
func (d *Detector) firstUse(rule *Rule, m match) bool {
	if d.history == nil {
		return false
	}
	origin := d.groups[m.group].origin
	var values []string
	for _, f := range rule.features {
		value := FeatureValue(f, d.view.ev, d.view.facts)
		if value == "" || !d.history.IsFirst(origin, f, value, m.id) {
			return false
		}
		values = append(values, strings.Clone(value))
	}
	d.keep(m)
	d.novel = append(d.novel, novelty{m, values})
	return true
}

// Merge takes what other found in; other must not be used afterwards.
func (d *Detector) Merge(other *Detector) {
	for i, c := range other.correlators {
		d.correlators[i].Merge(c)
	}
	to := make([]uint32, len(other.groups))
	for i, g := range other.groups {
		to[i] = d.group(g.origin, g.account)
	}
	for key, theirs := range other.folds {
		key.group = to[key.group]
		for i := range theirs.named {
			theirs.named[i].group = key.group
		}
		d.mergeFold(key, theirs)
	}
	for _, n := range other.novel {
		n.group = to[n.group]
		d.novel = append(d.novel, n)
	}
	d.intel.merge(&other.intel, to)
	for id, uid := range other.names {
		d.names[id] = uid
	}
	for key, r := range other.reports {
		r.newest.group = to[r.newest.group]
		d.merge(key, r)
	}
}

func (d *Detector) uid(id EventID) string {
	if uid, ok := d.names[id]; ok {
		return uid
	}
	return uuid(id)
}
