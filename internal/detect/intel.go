package detect

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// meeting is how an event meets an indicator.
type meeting uint8

const (
	probed    meeting = iota // it came to us, as scanners do all day, or another product speaks of it
	refused                  // it called with credentials and was refused
	attempted                // ours turned to it and was stopped, or it is not known who began
	called                   // it called with credentials that were good
	contacted                // ours turned to it and was let through
	held                     // a file with its hash
)

// band is how sure a feed is. The borders are ours: a list that says nothing of its confidence counts as 50.
type band uint8

const (
	weak   band = iota // below 60
	fair               // below 85
	strong             // from 85
)

// levels is what a meeting with an indicator of a band is worth by itself. Only what is promoted to medium becomes an alert; low adds to
// the risk of its origin; informational is counted and no more.
var levels = [...][3]finding.Level{
	probed:    {finding.Informational, finding.Informational, finding.Informational},
	refused:   {finding.Informational, finding.Informational, finding.Low},
	attempted: {finding.Informational, finding.Low, finding.Medium},
	called:    {finding.Low, finding.Low, finding.Medium},
	contacted: {finding.Low, finding.Medium, finding.High},
	held:      {finding.Low, finding.Medium, finding.High},
}

// shared are tags of addresses that many people use, most of them harmless: they alone are never more than low.
var shared = []string{"tor", "vpn", "proxy", "anonymizer", "anonymiser", "anonymization", "scanner", "cdn"}

func isShared(tag string) bool {
	return slices.ContainsFunc(shared, func(s string) bool { return tag == s || strings.HasPrefix(tag, s+"-") || strings.HasSuffix(tag, ":"+s) })
}

func bandOf(confidence uint8) band {
	switch {
	case confidence < 60:
		return weak
	case confidence < 85:
		return fair
	}
	return strong
}

// levelOf is what one hit is worth.
func levelOf(h *intel.Hit, how meeting) finding.Level {
	level := levels[how][bandOf(h.Indicator.Confidence)]
	if level > finding.Low && slices.ContainsFunc(h.Indicator.Tags, isShared) {
		return finding.Low
	}
	return level
}

// around are the fields that say how a contact went; a format that has none of them leaves it unknown.
var around = struct{ srcIP, srcPort, dstPort, srcInstance, srcInterface, tcpFlags, action, disposition, status, rcode optional }{
	mapped("src_endpoint.ip"), mapped("src_endpoint.port"), mapped("dst_endpoint.port"), mapped("src_endpoint.instance_uid"), mapped("src_endpoint.interface_uid"),
	mapped("connection_info.tcp_flags"), mapped("action_id"), mapped("disposition_id"), mapped("status_id"), mapped("rcode_id"),
}

// optional is a field that may not be mapped.
type optional struct {
	id ocsf.FieldID
	ok bool
}

func mapped(path string) optional {
	id, ok := ocsf.FieldByPath(path)
	return optional{id, ok}
}

func (o optional) of(e *ocsf.Event) string {
	if !o.ok {
		return ""
	}
	return e.Str(o.id)
}

// The classes of OCSF 1.8.0 that are told apart here.
const (
	classNetwork     = 4001
	classDNS         = 4003
	categoryFindings = 2
	categoryIdentity = 3
	categoryApp      = 6
)

// meet says how an event meets an indicator.
func meet(set *intel.Set, e *ocsf.Event, f *enrich.Facts, h *intel.Hit) meeting {
	class, _ := e.Mapping.Class(e)
	switch {
	case h.Field.Side == intel.Content:
		return held
	case class/1000 == categoryFindings:
		return probed
	case h.Field.Side == intel.Sender:
		return cameFrom(class, e, f)
	}
	if a, err := netip.ParseAddr(around.srcIP.of(e)); err == nil && !set.IsOwn(a) {
		return probed // from outside to us: what it asks for is its own choice
	}
	stopped := blocked(e)
	switch class {
	case classNetwork:
		switch began(e) {
		case theirs:
			return probed // our answer to them
		case unknownSide:
			return attempted
		}
	case classDNS:
		if code := around.rcode.of(e); code != "" && code != "0" {
			stopped = true
		}
	}
	if stopped {
		return attempted
	}
	return contacted
}

// cameFrom judges an event whose sender is an indicator.
func cameFrom(class int, e *ocsf.Event, f *enrich.Facts) meeting {
	if c := class / 1000; c != categoryIdentity && c != categoryApp {
		return probed
	}
	switch f.Actor().Kind {
	case "", enrich.KindUnknown, enrich.KindAnonymous:
		return probed // whoever it is shows no credentials
	}
	if f.Outcome() != "success" || blocked(e) {
		return refused
	}
	return called
}

// blocked reports whether the record says that it was stopped.
func blocked(e *ocsf.Event) bool {
	return around.action.of(e) == "2" || around.disposition.of(e) == "2" || around.status.of(e) == "2"
}

type side uint8

const (
	unknownSide side = iota
	ours
	theirs
)

// began says who opened a connection: by TCP flags where there is a SYN alone or a SYN with its answer, else the higher port began, as
// clients have theirs from the system and servers are known by theirs.
func began(e *ocsf.Event) side {
	const syn, ack = 2, 16
	if flags, err := strconv.Atoi(around.tcpFlags.of(e)); err == nil && flags&syn != 0 {
		if flags&ack != 0 {
			return theirs // SYN-ACK: the sender of this record answered
		}
		return ours
	}
	from, errFrom := strconv.Atoi(around.srcPort.of(e))
	to, errTo := strconv.Atoi(around.dstPort.of(e))
	switch {
	case errFrom != nil || errTo != nil || from == to:
		return unknownSide
	case from > to:
		return ours
	}
	return theirs
}

// intelMatch is an event that met an indicator at low or above.
type intelMatch struct {
	match
	level finding.Level
	about indicatorName
}

// indicatorName is one feed's indicator.
type indicatorName struct {
	feed, value string
	kind        intel.Kind
}

// IntelHits is how often an indicator was met on a UTC day.
type IntelHits struct {
	Feed, Value string
	Kind        intel.Kind
	Day         int64 // since 1970-01-01
	Count       int64
	First, Last int64 // epoch milliseconds
	Highest     finding.Level
	Levels      [finding.Critical + 1]int64 // hits by level
	changed     bool
}

// maxCounted bounds the indicators and days that are counted.
const maxCounted = 1 << 20

// intelligence is a detector's part of the work of the feeds.
type intelligence struct {
	set     *intel.Set
	scratch intel.Scratch
	matches []intelMatch
	counts  map[indicatorDay]*IntelHits
	beyond  int64
}

type indicatorDay struct {
	indicatorName
	day int64
}

// Intel judges one event by the feeds alone and reports whether it met an indicator at low or above.
func (d *Detector) Intel(e *ocsf.Event, f *enrich.Facts, id EventID, source int32) bool {
	hits := d.intel.set.Match(e, &d.intel.scratch)
	if len(hits) == 0 {
		return false
	}
	best, level := d.intel.strongest(e, f, hits)
	for i := range hits {
		d.intel.count(&hits[i], e.Millis, levelOf(&hits[i], meet(d.intel.set, e, f, &hits[i])), i == best)
	}
	if level < finding.Low {
		return false
	}
	h := &hits[best]
	origin, _ := hostOrOrigin(e, f, h)
	m := match{e.Millis, id, d.group(origin.ID, e.Str(ocsf.CloudAccountUID)), -1, source}
	d.view.ev, d.view.facts = e, f
	d.keep(m)
	d.intel.matches = append(d.intel.matches, intelMatch{m, level, indicatorName{h.Source.Name, h.Indicator.Value, h.Indicator.Kind}})
	return true
}

// strongest picks the hit that decides.
func (n *intelligence) strongest(e *ocsf.Event, f *enrich.Facts, hits []intel.Hit) (best int, level finding.Level) {
	for i := range hits {
		l := levelOf(&hits[i], meet(n.set, e, f, &hits[i]))
		if l > level || l == level && hits[i].Indicator.Confidence > hits[best].Indicator.Confidence {
			best, level = i, l
		}
	}
	return best, level
}

func (n *intelligence) count(h *intel.Hit, millis int64, level finding.Level, decides bool) {
	day := millis / (24 * 60 * 60 * 1000)
	key := indicatorDay{indicatorName{h.Source.Name, h.Indicator.Value, h.Indicator.Kind}, day}
	c := n.counts[key]
	if c == nil {
		if len(n.counts) >= maxCounted {
			n.beyond++
			return
		}
		c = &IntelHits{Feed: key.feed, Value: key.value, Kind: key.kind, Day: day, First: millis, Last: millis}
		n.counts[key] = c
	}
	c.Count++
	if decides {
		c.Levels[level]++
	}
	c.Highest = max(c.Highest, level)
	c.First, c.Last, c.changed = min(c.First, millis), max(c.Last, millis), true
}

func (n *intelligence) merge(o *intelligence, to []uint32) {
	for _, m := range o.matches {
		m.group = to[m.group]
		n.matches = append(n.matches, m)
	}
	n.beyond += o.beyond
	for key, c := range o.counts {
		mine := n.counts[key]
		if mine == nil {
			n.counts[key] = c
			continue
		}
		mine.Count += c.Count
		for l := range c.Levels {
			mine.Levels[l] += c.Levels[l]
		}
		mine.Highest, mine.First, mine.Last, mine.changed = max(mine.Highest, c.Highest), min(mine.First, c.First), max(mine.Last, c.Last), true
	}
}

// SetIntel gives the detector another set of feeds and forgets what it found by the last.
func (d *Detector) SetIntel(set *intel.Set) {
	d.intel = intelligence{set: set, counts: map[indicatorDay]*IntelHits{}}
}

// IntelHits lists the counts that changed since they were last listed.
func (d *Detector) IntelHits() []IntelHits {
	var out []IntelHits
	for _, c := range d.intel.counts {
		if c.changed {
			c.changed = false
			out = append(out, *c)
		}
	}
	return out
}

// hostOrOrigin is who an alert is about: the origin of a call, or the machine on our side where nobody called.
func hostOrOrigin(e *ocsf.Event, f *enrich.Facts, h *intel.Hit) (origin finding.Entity, host bool) {
	if a := f.Actor(); a.Origin != "" && a.Kind != enrich.KindUnknown {
		return finding.Entity{Type: a.Type, ID: a.Origin, Name: a.Name}, false
	}
	if h.Field.Side != intel.Sender {
		for _, o := range []optional{around.srcInstance, around.srcIP, around.srcInterface} {
			if id := o.of(e); id != "" {
				return finding.Entity{Type: "host", ID: "host:" + id, Name: id}, true
			}
		}
	}
	return finding.Entity{Type: "host", ID: "host:unknown", Name: "a machine"}, true
}
