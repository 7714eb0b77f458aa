package hunt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// Search asks for the events that a question lets through. One of SQL, Filter and Sigma is given.
type Search struct {
	SQL      string
	Filter   string // a condition over the columns of events
	Sigma    string // a Sigma rule of single records
	From, To time.Time
	Limit    int // 0: 1000
}

// Found is the answer to a Search.
type Found struct {
	Columns    []string         `json:"columns"`
	Rows       [][]any          `json:"rows"`
	Accounts   map[string]int64 `json:"accounts,omitempty"` // rows by account, where the answer has the column
	More       bool             `json:"more"`
	Candidates int64            `json:"candidates,omitempty"` // of Sigma: records that the engine judged
	Notes      []string         `json:"notes,omitempty"`
	Asked      Asked            `json:"asked"`
}

// The bounds of a search.
const (
	defaultFound  = 1000
	maxFound      = 100_000
	maxCandidates = 500_000
	searchTime    = 2 * time.Minute
)

// Search answers one.
func (v *Investigator) Search(ctx context.Context, scope access.Scope, s Search) (*Found, error) {
	given := 0
	for _, text := range []string{s.SQL, s.Filter, s.Sigma} {
		if strings.TrimSpace(text) != "" {
			given++
		}
	}
	if given != 1 {
		return nil, MistakeError{"give one of sql, filter and sigma"}
	}
	if s.Limit <= 0 {
		s.Limit = defaultFound
	}
	s.Limit = min(s.Limit, maxFound)
	if s.Sigma != "" {
		return v.bySigma(ctx, scope, s)
	}
	return v.bySQL(ctx, scope, s)
}

func (v *Investigator) bySQL(ctx context.Context, scope access.Scope, s Search) (*Found, error) {
	out := &Found{Rows: [][]any{}, Notes: []string{}}
	account := -1
	a, err := v.Engine.Ask(ctx, scope, v.Lake, duck.Question{SQL: s.SQL, Filter: s.Filter, From: s.From, To: s.To, Rows: s.Limit, Bytes: v.Bytes, Timeout: searchTime}, func(a duck.Answer) {
		out.Columns = a.Columns
		account = slices.Index(a.Columns, "account")
	}, func(line rawCells) error {
		if line == nil { // the end of a page
			return nil
		}
		out.add(valuesOf(line), account)
		return nil
	})
	out.More = a.More
	if a.Cut {
		out.Notes = append(out.Notes, tooMuch(v.Bytes)+": the first rows are here; ask for fewer columns, or narrow the time range")
	}
	sql := s.SQL
	if sql == "" {
		sql = duck.FilterSQL(s.Filter)
	}
	out.Asked = Asked{SQL: sql, From: s.From, To: s.To, Files: a.Files, Bytes: a.Bytes, Millis: a.Took.Milliseconds(), More: a.More}
	return out, err
}

func (f *Found) add(row []any, account int) {
	f.Rows = append(f.Rows, row)
	if account < 0 {
		return
	}
	if f.Accounts == nil {
		f.Accounts = map[string]int64{}
	}
	id, _ := row[account].(string)
	f.Accounts[id]++
}

// sigmaColumns are the columns of a Sigma search's answer.
var sigmaColumns = []string{"time_dt", "account", "region", "operation", "origin", "src_ip", "status", "resource", "event_uid", "rule"}

func (v *Investigator) bySigma(ctx context.Context, scope access.Scope, s Search) (*Found, error) {
	rules, err := searchable(s.Sigma)
	if err != nil {
		return nil, err
	}
	out := &Found{Columns: sigmaColumns, Rows: [][]any{}, Notes: notesOf(rules)}
	held, full := int64(0), false
	asked, err := v.Matches(ctx, scope, rules, s.From, s.To, func(m *Match) error {
		held += m.held() * int64(len(m.Rules))
		full = full || v.Bytes > 0 && held > v.Bytes
		if full || len(out.Rows) >= s.Limit {
			out.More = true
			return nil
		}
		for _, r := range m.Rules {
			out.add([]any{m.Event.Time(), m.Account, m.Region, m.Operation, m.Origin, m.SrcIP, m.Status, m.Resource, m.UID, rules.All[r].Title}, 1)
		}
		return nil
	})
	out.Asked, out.Candidates = asked.Asked, asked.Candidates
	if full {
		out.Notes = append(out.Notes, tooMuch(v.Bytes)+": the newest rows are here; narrow the time range")
	}
	if asked.More {
		out.Notes = append(out.Notes, fmt.Sprintf("only the newest %d records that could match were judged: narrow the time range", maxCandidates))
	}
	return out, err
}

// searchable reads a rule that a search can judge.
func searchable(text string) (*detect.Rules, error) {
	rules, errs := detect.Parse("hunt", []byte(text))
	switch {
	case len(errs) > 0:
		return nil, MistakeError{errs.Error()}
	case len(rules.Correlations) > 0:
		return nil, MistakeError{"a search judges single records; counts and sequences are judged over history by: tocsin replay --rules FOLDER"}
	case len(rules.All) == 0:
		return nil, MistakeError{"there is no rule in it"}
	}
	return rules, nil
}

func notesOf(rules *detect.Rules) []string {
	out := []string{}
	for _, r := range rules.All {
		if len(r.Attributes.FirstSeen) > 0 {
			out = append(out, fmt.Sprintf("%s: whether it is the first use is not judged here; tocsin replay does", r.Title))
		}
	}
	return out
}

// Match is one event that rules hold for. It is valid until the callback returns.
type Match struct {
	Event                                                       *ocsf.Event
	Facts                                                       *enrich.Facts
	Rules                                                       []int // indexes in Rules.All
	UID                                                         string
	Account, Region, Operation, Origin, SrcIP, Status, Resource string
}

// held is about how many bytes a row of a match takes.
func (m *Match) held() int64 {
	return int64(len(m.UID) + len(m.Account) + len(m.Region) + len(m.Operation) + len(m.Origin) + len(m.SrcIP) + len(m.Status) + len(m.Resource) + 32*len(sigmaColumns))
}

// MatchesAsked is how matches were looked for.
type MatchesAsked struct {
	Asked
	Candidates int64
}

// columnsOf are the columns that hold what a field of a rule does, letter by letter.
var columnsOf = map[string]string{
	"eventName": "api.operation", "eventSource": "api.service.name", "api.operation": "api.operation", "api.service.name": "api.service.name",
	"userIdentity.type": "actor.user.type", "userIdentity.accessKeyId": "actor.user.credential_uid",
}

// CandidatesSQL is a condition that lets through every event that a rule could hold for, and others: the engine decides.
func CandidatesSQL(rules *detect.Rules, arg func(string) string) string {
	formats, needs := rules.Candidates()
	var list []string
	for _, f := range formats {
		list = append(list, arg(f))
	}
	if len(list) == 0 {
		return "false"
	}
	where := "format IN (" + strings.Join(list, ", ") + ")"
	var any []string
	for _, n := range needs {
		column := columnsOf[n.Field]
		if !n.OK || column == "" || len(n.Values) == 0 {
			return where // nothing narrower is sure
		}
		var values []string
		for _, text := range n.Values {
			values = append(values, arg(text))
		}
		// A column of text that is not plain ASCII may fold otherwise in SQL than in the engine; one that is null may stand elsewhere in the record.
		any = append(any, fmt.Sprintf("(lower(%[1]s) IN (%[2]s) OR strlen(%[1]s) <> length(%[1]s) OR %[1]s IS NULL)", column, strings.Join(values, ", ")))
	}
	return where + " AND (" + strings.Join(any, " OR ") + ")"
}

// Matches calls each with every event, the newest first, that a rule holds for. SQL picks the candidates; the engine that judges the
// stream gives the verdict, over the record as it was received.
func (v *Investigator) Matches(ctx context.Context, scope access.Scope, rules *detect.Rules, from, to time.Time, each func(*Match) error) (MatchesAsked, error) {
	decoders := newDecoders()
	judge, err := v.judge(ctx, scope, rules.AsksFacts(), decoders)
	if err != nil {
		return MatchesAsked{}, err
	}
	q := &question{from: from, to: to, rows: maxCandidates, timeout: searchTime, passing: true}
	q.sql = "SELECT raw_data, format, metadata.uid, account, region, operation, origin, src_ip, status, resource, batch_id FROM events WHERE " + CandidatesSQL(rules, q.arg) + " ORDER BY time_dt DESC"
	searcher, facts := rules.Searcher(), &enrich.Facts{}
	var out MatchesAsked
	out.Asked, err = v.ask(ctx, scope, q, func(c cells) error {
		out.Candidates++
		return decoders.event(c.text(0), c.text(1), c.text(2), c.text(10), func(e *ocsf.Event) error {
			facts.Reset(judge, e)
			hits := searcher.Event(e, facts)
			if len(hits) == 0 {
				return nil
			}
			return each(&Match{Event: e, Facts: facts, Rules: hits, UID: c.text(2), Account: c.text(3), Region: c.text(4), Operation: c.text(5), Origin: c.text(6), SrcIP: c.text(7), Status: c.text(8), Resource: c.text(9)})
		})
	})
	return out, err
}

// judge makes what facts are known by. Who stands behind a session is learned from the records that gave credentials out, as a scan does.
func (v *Investigator) judge(ctx context.Context, scope access.Scope, asked bool, decoders decoders) (*enrich.Judge, error) {
	survey := &enrich.Survey{}
	if asked {
		q := &question{timeout: searchTime, passing: true}
		q.sql = "SELECT raw_data, format, metadata.uid FROM events WHERE api.service.name IN ('sts.amazonaws.com', 'signin.amazonaws.com')\nUNION ALL SELECT any_value(raw_data), any_value(format), any_value(metadata.uid) FROM events GROUP BY account, region"
		_, err := v.ask(ctx, scope, q, func(c cells) error {
			return decoders.event(c.text(0), c.text(1), c.text(2), "", func(e *ocsf.Event) error { survey.Add(e); return nil })
		})
		if err != nil {
			return nil, err
		}
	}
	return enrich.NewJudge(survey, nil, v.Places), nil
}

// decoders read records of any format again.
type decoders map[string]*ocsf.Decoder

func newDecoders() decoders {
	out := decoders{}
	for _, f := range format.All() {
		out[f.Name] = ocsf.NewDecoder(f.Shape(), records.Limits{})
	}
	return out
}

// event gives a record as an event. What is not decoded any more is passed over.
func (d decoders) event(raw, format, id, object string, do func(*ocsf.Event) error) error {
	decoder := d[format]
	if decoder == nil {
		return nil
	}
	return decoder.Record([]byte(raw), id, ocsf.Position{Source: object}, ocsf.Sink{Event: do, Unreadable: func(ocsf.Unreadable) error { return nil }})
}
