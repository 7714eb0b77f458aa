package lake

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Lanes of an event: what brought it here.
const (
	LaneLive     = "live"
	LaneBackfill = "backfill"
)

// Row is an event on its way into the table: what the mapping carries comes from Event, the pivots from whoever knows them.
// A pivot that is not known is "".
type Row struct {
	Event     *ocsf.Event
	Format    string // of Event.Raw
	Principal string // who called
	Origin    string // who stands at the start of the role chain
	Session   string
	AccessKey string
	SrcIP     string
	Operation string
	Resource  string // the first that the call names
	SourceID  string // which source delivered it
	BatchID   string // batch or object that it came in
	Lane      string
	Received  time.Time
}

// pivots are the columns that people jump from one event to the next by.
var pivots = []string{"account", "principal", "origin", "session", "access_key", "src_ip", "operation", "resource", "batch_id"}

// names are the other columns of text that hold what people look for.
var names = []string{
	"metadata.uid", "metadata.correlation_uid", "api.request.uid", "actor.user.name", "actor.user.uid_alt", "actor.user.account.uid", "actor.session.issuer", "actor.invoked_by", "user.uid", "user.name",
	"http_request.user_agent", "http_request.url.hostname", "http_request.url.path", "src_endpoint.domain", "src_endpoint.instance_uid", "src_endpoint.interface_uid", "src_endpoint.vpc_uid", "src_endpoint.uid",
	"dst_endpoint.ip", "dst_endpoint.domain", "dst_endpoint.instance_uid", "dst_endpoint.interface_uid", "query.hostname", "tls.sni", "finding_info.uid", "finding_info.title", "api.response.error", "region",
}

// filtered are the columns that have bloom filters.
var filtered = slices.Concat(pivots, names)

// Filtered lists the columns that have bloom filters, those that people pivot by first.
func Filtered() []string { return slices.Clone(filtered) }

// known are the columns that the row knows, whatever the event says.
var known = []string{"account", "region", "principal", "origin", "session", "access_key", "src_ip", "operation", "resource", "source_id", "batch_id", "lane", "format", "raw_data", "time", "time_dt", "received", "processed"}

// Prepared is a Row made ready; making one needs no lock. It owns what it holds.
type Prepared struct {
	buf                 []byte // account, id, cells, record
	account, uid, cells int    // where each ends
	part                partition
	millis              int64
	bytes               int
}

func (p *Prepared) accountBytes() []byte { return p.buf[:p.account] }
func (p *Prepared) uidBytes() []byte     { return p.buf[p.account:p.uid] }
func (p *Prepared) cellBytes() []byte    { return p.buf[p.uid:p.cells] }
func (p *Prepared) raw() []byte          { return p.buf[p.cells:] }

// partition is what one data file holds: events of one day and class.
type partition struct {
	day   int32 // days since 1970-01-01
	class int32
}

const day = int64(24 * time.Hour / time.Millisecond)

// knownColumns are the numbers of the columns in known, in its order.
var knownColumns = sync.OnceValue(func() []int {
	out := make([]int, len(known))
	for i, name := range known {
		out[i] = ours().byPath[name]
	}
	return out
})

var writing = sync.Pool{New: func() any { return &cells{layout: ours()} }}

// Prepare makes a Row ready for Append.
func Prepare(r *Row, now time.Time) Prepared {
	e := r.Event
	c := writing.Get().(*cells)
	defer writing.Put(c)
	c.buf, c.uid = c.buf[:0], ""
	c.event(e)
	account := e.Str(ocsf.CloudAccountUID)
	columns := knownColumns()
	for i, s := range [...]string{account, e.Str(ocsf.CloudRegion), r.Principal, r.Origin, r.Session, r.AccessKey, r.SrcIP, r.Operation, r.Resource, r.SourceID, r.BatchID, r.Lane, r.Format} {
		if s != "" {
			c.text(columns[i], s)
		}
	}
	for i, n := range [...]int64{e.Millis, e.Millis * 1000, r.Received.UnixMicro(), now.UnixMicro()} {
		c.number(columns[len(known)-4+i], n)
	}
	if c.uid == "" {
		c.uid = e.ID
	}
	c.text(ours().byPath["metadata.uid"], c.uid)
	class, _ := e.Mapping.Class(e)
	p := Prepared{part: partition{dayOf(e.Millis), int32(class)}, millis: e.Millis, bytes: len(e.Raw)} //nolint:gosec // class uids are small
	p.account = len(account)
	p.uid = p.account + len(c.uid)
	p.cells = p.uid + len(c.buf)
	p.buf = make([]byte, 0, p.cells+len(e.Raw))
	p.buf = append(append(append(append(p.buf, account...), c.uid...), c.buf...), e.Raw...)
	return p
}

// event writes what the mapping carries.
func (c *cells) event(e *ocsf.Event) {
	plan := e.Plan()
	if t := routeOf(plan); !t.whole {
		c.to = t.targets
		c.buf = append(c.buf, t.fixed...)
		plan.Tell(e, c)
		return
	}
	doc := e.Document()
	for _, name := range known {
		delete(doc, name)
	}
	if meta, ok := doc["metadata"].(map[string]any); ok {
		c.uid, _ = meta["uid"].(string)
		delete(meta, "uid")
	}
	for _, col := range c.layout.top {
		c.value(col, doc[c.layout.columns[col].name])
	}
}

// route is where the leaves of a plan go.
type route struct {
	whole   bool
	fixed   []byte
	targets []target
}

var routes sync.Map // by *ocsf.Plan

func routeOf(p *ocsf.Plan) *route {
	if r, ok := routes.Load(p); ok {
		return r.(*route)
	}
	r := &route{whole: p.Whole}
	for _, path := range p.Paths {
		col, object, ok := ours().nearest(path)
		t := target{col: col, object: object, isID: path == "metadata.uid", skip: isKnown(path)}
		if col >= 0 {
			t.kind = ours().columns[col].kind
		}
		r.whole = r.whole || !ok
		r.targets = append(r.targets, t)
	}
	c := &cells{layout: ours()}
	for _, col := range c.layout.top {
		c.value(col, p.Fixed[c.layout.columns[col].name])
	}
	r.fixed = c.buf
	routes.Store(p, r)
	return r
}

func isKnown(path string) bool {
	top, _, _ := strings.Cut(path, ".")
	for _, name := range known {
		if name == top {
			return true
		}
	}
	return false
}

func dayOf(millis int64) int32 {
	return int32(math.Floor(float64(millis) / float64(day))) //nolint:gosec // formats refuse times outside 2006–2100
}

// textOf writes any value as text: objects and lists as JSON, not escaped for HTML, so that a search finds what was logged.
func textOf(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func intOf(v any) (int64, bool) {
	switch x := v.(type) {
	case int:
		return int64(x), true
	case int64:
		return x, true
	case json.Number:
		n, err := x.Int64()
		return n, err == nil
	}
	return 0, false
}
