package finding

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// MaxKeptSignals bounds the signals that an alert keeps whole. Count and EventUIDs still speak of all of them.
const MaxKeptSignals = 25

// FoldKey is what makes signals one alert: the storm rule of docs/architecture.md.
type FoldKey struct {
	rule, origin, account string
	day                   int64
}

// KeyOf returns the key that a signal folds by.
func KeyOf(rule, origin, account string, at time.Time) FoldKey {
	return FoldKey{rule, origin, account, at.Unix() / int64((24 * time.Hour).Seconds())}
}

// Rest is the part of a storm that was counted without being kept whole.
type Rest struct {
	Count     int
	First     time.Time // zero: not before what was kept
	Last      time.Time
	EventUIDs []string
}

// Fold groups signals of one rule, origin, account and UTC day into alerts, in order of time and uid, and adds what
// was only counted. Another product's finding is one alert, whatever its day. A correlation's signals fold like any other. The alerts are not yet weighed: Severity is the rule's level.
func Fold(signals []Signal, rest map[FoldKey]*Rest) []Alert {
	sorted := slices.Clone(signals)
	SortSignals(sorted)
	index := map[FoldKey]int{}
	var alerts []Alert
	for i := range sorted {
		s := &sorted[i]
		key := KeyOf(s.Rule.ID, s.Event.Origin.ID, s.Event.Account, s.Time)
		if s.Finding != "" {
			key = FoldKey{rule: "finding", origin: s.Finding, account: s.Event.Account}
		}
		at, known := index[key]
		if !known {
			at = len(alerts)
			index[key] = at
			alerts = append(alerts, newAlert(s))
			if more := rest[key]; more != nil {
				alerts[at].Count, alerts[at].Last = more.Count, more.Last
				alerts[at].EventUIDs = append(alerts[at].EventUIDs, more.EventUIDs...)
				if !more.First.IsZero() && more.First.Before(alerts[at].First) {
					alerts[at].First = more.First
				}
			}
		}
		alerts[at].add(s)
	}
	for i := range alerts {
		alerts[i].finish()
	}
	return alerts
}

func newAlert(s *Signal) Alert {
	uid := UID("alert", s.Rule.ID, s.Event.Origin.ID, s.Event.Account, s.Time.UTC().Format(time.DateOnly))
	if s.Finding != "" {
		uid = UID("alert", "finding", s.Finding, s.Event.Account)
	}
	return Alert{
		UID:      uid,
		Title:    s.Rule.Title,
		Sentence: s.Sentence,
		Severity: s.Rule.Level,
		Rule:     s.Rule,
		First:    firstTime(s),
		Account:  s.Event.Account,
		Origin:   s.Event.Origin,
	}
}

func firstTime(s *Signal) time.Time {
	first := s.Event.Time
	for i := range s.Related {
		if s.Related[i].Time.Before(first) {
			first = s.Related[i].Time
		}
	}
	return first
}

func (a *Alert) add(s *Signal) {
	a.Count += max(1, s.Count)
	if t := firstTime(s); t.Before(a.First) {
		a.First = t
	}
	if s.Time.After(a.Last) {
		a.Last = s.Time
	}
	a.EventUIDs = append(append(a.EventUIDs, s.Event.UID), s.Also...)
	for i := range s.Related {
		a.EventUIDs = append(a.EventUIDs, s.Related[i].UID)
	}
	a.Accounts = append(a.Accounts, s.Accounts()...)
	a.Entities = append(a.Entities, EventEntities(&s.Event)...)
	for i := range s.Related {
		a.Entities = append(a.Entities, EventEntities(&s.Related[i])...)
	}
	if len(a.Signals) < MaxKeptSignals {
		a.Signals = append(a.Signals, *s)
	}
}

func (a *Alert) finish() {
	slices.Sort(a.EventUIDs)
	a.EventUIDs = slices.Compact(a.EventUIDs)
	a.Entities = UniqueEntities(a.Entities)
	slices.Sort(a.Accounts)
	a.Accounts = slices.Compact(a.Accounts)
}

// EventEntities lists what an event names: account, principal, origin, session key, address and resources.
func EventEntities(c *Card) []Entity {
	out := []Entity{{Type: "account", ID: c.Account}, c.Origin, {Type: "principal", ID: c.Principal}}
	out = append(out, Entity{Type: "access_key", ID: c.AccessKey})
	if c.SrcIP != "" {
		out = append(out, Entity{Type: "ip", ID: c.SrcIP, Name: place(c)})
	}
	out = append(out, c.Resources...)
	return slices.DeleteFunc(out, func(e Entity) bool { return e.ID == "" })
}

func place(c *Card) string {
	parts := slices.DeleteFunc([]string{c.Country, c.ASOrg}, func(s string) bool { return s == "" })
	return strings.Join(parts, ", ")
}

// UniqueEntities sorts entities by type and id and keeps one of each.
func UniqueEntities(in []Entity) []Entity {
	sort.SliceStable(in, func(i, j int) bool {
		if in[i].Type != in[j].Type {
			return in[i].Type < in[j].Type
		}
		return in[i].ID < in[j].ID
	})
	return slices.CompactFunc(in, func(a, b Entity) bool { return a.Type == b.Type && a.ID == b.ID })
}

// SortSignals orders signals by time, then rule, then uid: the one order in which anything is written out.
func SortSignals(s []Signal) {
	sort.Slice(s, func(i, j int) bool {
		switch {
		case !s[i].Time.Equal(s[j].Time):
			return s[i].Time.Before(s[j].Time)
		case s[i].Rule.ID != s[j].Rule.ID:
			return s[i].Rule.ID < s[j].Rule.ID
		}
		return s[i].UID < s[j].UID
	})
}
