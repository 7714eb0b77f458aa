package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
)

// Kind is a kind of trouble.
type Kind string

// The kinds of trouble.
const (
	KindSilence  Kind = "silence"
	KindVolume   Kind = "volume"
	KindDamage   Kind = "damage"   // of the lake
	KindUnproven Kind = "unproven" // the ledger waits before something that it cannot prove
	KindEvidence Kind = "evidence" // what is kept as evidence is not as it was captured
)

// Trouble is something about a source that a person should look at. Its Key names the smallest thing that holds all of it: a stream, an
// account or a format of a source, or a source.
type Trouble struct {
	Key
	Kind     Kind          `json:"kind"`
	Since    time.Time     `json:"since"`
	Severity finding.Level `json:"severity"`
	Streams  int           `json:"streams"` // how many it is about
	Sentence string        `json:"sentence"`
}

// stormAt is how many troubles of one kind a source may have before they are told as one.
const stormAt = 8

// troubles are those of one source, folded.
func troubles(o *Of) []Trouble {
	var out []Trouble
	switch {
	case o.State == Silent:
		return []Trouble{silence(Key{Source: o.Source}, []Stream{o.Stream}, len(o.Streams), finding.High)}
	case len(o.Streams) > 0:
		out = fold(o, func(s *Stream) bool { return s.State == Silent }, func(s *Stream) bool { return s.State == Seen || s.State == Quiet }, silence)
	}
	if v := o.Volume; v.State == VolumeLow || v.State == VolumeCollapsed {
		return append(out, drop(Key{Source: o.Source}, []Stream{o.Stream}, len(o.Streams), sourceLevel(v.State)))
	}
	return append(out, fold(o, func(s *Stream) bool { return s.State != Silent && down(s) }, func(s *Stream) bool { return s.State != Silent && !down(s) && s.Volume.State != VolumeLearning }, drop)...)
}

func down(s *Stream) bool {
	return s.Volume.State == VolumeLow || s.Volume.State == VolumeCollapsed
}

func sourceLevel(s VolumeState) finding.Level {
	if s == VolumeCollapsed {
		return finding.High
	}
	return finding.Medium
}

// fold makes few troubles of many streams: all of a format or of an account are one; above stormAt all are one.
func fold(o *Of, bad, good func(*Stream) bool, tell func(Key, []Stream, int, finding.Level) Trouble) []Trouble {
	groups := map[Key][]Stream{}
	well := map[Key]int{}
	var list []Stream
	for i := range o.Streams {
		s := &o.Streams[i]
		for _, k := range groupsOf(s.Key) {
			switch {
			case bad(s):
				groups[k] = append(groups[k], *s)
			case good(s):
				well[k]++
			}
		}
		if bad(s) {
			list = append(list, *s)
		}
	}
	var out []Trouble
	told := map[Key]bool{}
	for _, s := range list {
		if told[s.Key] {
			continue
		}
		key, members := s.Key, []Stream{s}
		for _, k := range groupsOf(s.Key) {
			if g := groups[k]; len(g) > 1 && well[k] == 0 && !slices.ContainsFunc(g, func(m Stream) bool { return told[m.Key] }) {
				key, members = k, g
				break
			}
		}
		for _, m := range members {
			told[m.Key] = true
		}
		out = append(out, tell(key, members, len(o.Streams), finding.Medium))
	}
	if len(out) > stormAt {
		return []Trouble{tell(Key{Source: o.Source}, list, len(o.Streams), finding.High)}
	}
	return out
}

// groupsOf are what a stream can be told with, the widest first.
func groupsOf(k Key) []Key {
	return []Key{{Source: k.Source, Format: k.Format}, {Source: k.Source, Account: k.Account}}
}

func silence(key Key, members []Stream, of int, level finding.Level) Trouble {
	last := members[0]
	for _, m := range members {
		if m.LastSeen.After(last.LastSeen) {
			last = m
		}
	}
	t := Trouble{Key: key, Kind: KindSilence, Since: last.LastSeen, Severity: level, Streams: max(1, len(members))}
	if key == key.Whole() && last.Key == key {
		t.Streams = max(1, of)
	}
	t.Sentence = fmt.Sprintf("%s for %s; the last came at %s, and %s is the most that is usual", nothing(key, members, of), Span(span(last.SilentSeconds)), last.LastSeen.Format(time.RFC3339), Span(span(last.AllowedSeconds)))
	return t
}

func span(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func nothing(key Key, members []Stream, of int) string {
	if key == key.Whole() && len(members) > 1 {
		return fmt.Sprintf("Nothing came from %d of %d streams of source %s", len(members), of, key.Source)
	}
	return "Nothing came from " + Name(key)
}

func drop(key Key, members []Stream, of int, level finding.Level) Trouble {
	t := Trouble{Key: key, Kind: KindVolume, Severity: level, Streams: max(1, len(members))}
	records, usual := int64(0), 0.0
	for _, m := range members {
		if t.Since.IsZero() || m.Volume.Since.Before(t.Since) {
			t.Since = m.Volume.Since
		}
		records += m.Volume.Records
		usual += m.Volume.Median
	}
	if key == key.Whole() && len(members) == 1 {
		t.Streams = max(1, of)
	}
	v := members[0].Volume
	t.Sentence = fmt.Sprintf("%s sent %d records in the hour from %s, where %.0f are usual (%+.0f %%; median of the same hour on %d days)",
		Name(key), records, v.Hour.Format("2006-01-02 15:04Z"), usual, 100*(float64(records)/max(usual, 1)-1), v.Days)
	if key == key.Whole() && len(members) > 1 {
		t.Sentence = fmt.Sprintf("%d of %d streams of source %s send far less than usual: %d records in the hour from %s, where %.0f are usual", len(members), of, key.Source, records, v.Hour.Format("2006-01-02 15:04Z"), usual)
	}
	return t
}

// Name says in words what a key names: "cloudtrail of account 111122223333 in eu-west-1 (source trail)".
func Name(k Key) string {
	if k == k.Whole() {
		return "source " + k.Source
	}
	var parts []string
	if k.Format != "" {
		parts = append(parts, k.Format)
	}
	if k.Account != "" {
		parts = append(parts, "account "+k.Account)
	}
	text := strings.Join(parts, " of ")
	if text == "" {
		text = "records without an account"
	}
	if k.Region != "" {
		text += " in " + k.Region
	}
	return text + " (source " + k.Source + ")"
}

// Span writes a span of time in its two largest units.
func Span(d time.Duration) string {
	d = max(0, d)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

// rules are what health alerts name as their rule.
var rules = map[Kind]finding.Rule{
	KindSilence:  {ID: "tocsin.health.silence", Title: "A source is silent", Level: finding.Medium, Tier: "rarity"},
	KindVolume:   {ID: "tocsin.health.volume", Title: "A source sends far less than usual", Level: finding.Medium, Tier: "rarity"},
	KindDamage:   {ID: "tocsin.health.damage", Title: "Part of the lake cannot be read", Level: finding.High, Tier: "decisive"},
	KindUnproven: {ID: "tocsin.health.unproven", Title: "The ledger cannot prove a compaction", Level: finding.High, Tier: "decisive"},
	KindEvidence: {ID: "tocsin.health.evidence", Title: "Evidence is not as it was captured", Level: finding.High, Tier: "decisive"},
}

// reasons say why a trouble counts.
var reasons = map[Kind]string{
	KindSilence:  "a source that is not heard hides what happens there",
	KindVolume:   "a source that is not heard hides what happens there",
	KindDamage:   "what was kept cannot be searched or judged again, and somebody may have wanted that",
	KindUnproven: "until it is proven, nothing shows that what the lake holds since is what was received",
	KindEvidence: "evidence that was changed proves nothing, and somebody could change it",
}

// Evidence is the trouble of a set of evidence.
func Evidence(set string, since time.Time, sentence string) Trouble {
	return Trouble{Key: Key{Source: "evidence", Format: set}, Kind: KindEvidence, Since: since, Severity: finding.High, Streams: 1, Sentence: sentence}
}

// Damage makes a trouble of data files that cannot be read; since is when the first was found.
func Damage(paths []string, since time.Time) Trouble {
	const most = 3
	named := strings.Join(paths[:min(most, len(paths))], ", ")
	if len(paths) > most {
		named += fmt.Sprintf(" and %d more", len(paths)-most)
	}
	return Trouble{
		Key: Key{Source: "lake"}, Kind: KindDamage, Since: since, Severity: finding.High, Streams: len(paths),
		Sentence: fmt.Sprintf("%d data files of the lake cannot be read and are left out: %s. Put them back from a copy; tocsin ledger verify names all such files", len(paths), named),
	}
}

// Unproven is the trouble of a ledger that waits.
func Unproven(why string, since time.Time) Trouble {
	return Trouble{
		Key: Key{Source: "ledger"}, Kind: KindUnproven, Since: since, Severity: finding.High, Streams: 1,
		Sentence: fmt.Sprintf("The ledger waits, because it cannot prove what the lake did: %s. Events are judged and kept, and old files stay. Put the file back as it was from a copy; the ledger goes on by itself", why),
	}
}

// Alert makes a trouble an alert. The UID is that of the episode, which begins at Since.
func (t *Trouble) Alert(now time.Time) finding.Alert {
	rule := rules[t.Kind]
	points := map[finding.Level]float64{finding.Medium: 20, finding.High: 50}[t.Severity]
	return finding.Alert{
		UID:   finding.UID(rule.ID, t.Source, t.Format, t.Account, t.Region, t.Since.UTC().Format(time.RFC3339Nano)),
		Title: rule.Title, Sentence: t.Sentence, Severity: t.Severity, Promotion: "level", Rule: rule, First: t.Since, Last: now, Count: t.Streams,
		Signals: []finding.Signal{}, EventUIDs: []string{}, Entities: []finding.Entity{{Type: "source", ID: t.Source}}, Score: points,
		Parts: []finding.Part{{Reason: reasons[t.Kind], Points: points}}, Account: t.Account, Origin: finding.Entity{Type: "source", ID: t.Name()},
	}
}

// Name is what an alert calls the trouble's key; the same for as long as it lasts.
func (t *Trouble) Name() string {
	return strings.Join([]string{t.Source, t.Format, t.Account, t.Region}, "/")
}
