package hunt

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// Investigator asks the lake and the desk. Lake, Engine and Now are required.
type Investigator struct {
	Lake   *lake.Lake
	Engine *duck.Engine   // that answers questions
	Desk   Desk           // nil: there are no findings
	Places enrich.Locator // nil: addresses have no places
	Now    func() time.Time
	Bytes  int64 // that one answer may take where it is held, see duck.Held; 0: no bound
}

// Desk knows the findings.
type Desk interface {
	// Mentions lists alerts that name a value, the newest first, at most limit of them.
	Mentions(ctx context.Context, scope access.Scope, value string, limit int) ([]Mention, error)
}

// Mention is an alert that names a value.
type Mention struct {
	UID      string        `json:"uid"`
	Incident string        `json:"incident,omitempty"`
	Title    string        `json:"title"`
	Sentence string        `json:"sentence"`
	Rule     string        `json:"rule_id"`
	Severity finding.Level `json:"severity"`
	Score    float64       `json:"score"`
	First    time.Time     `json:"first_seen"`
	Last     time.Time     `json:"last_seen"`
	Account  string        `json:"account"`
	Origin   string        `json:"origin"`
	Status   string        `json:"status"`
	Verdict  string        `json:"verdict,omitempty"`
}

// Asked is one question as it was put, so that a person can put it again.
type Asked struct {
	SQL    string    `json:"sql"`
	Args   []string  `json:"args,omitempty"` // of $1, $2 …
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Files  int       `json:"files"`
	Bytes  int64     `json:"bytes"`
	Millis int64     `json:"millis"`
	More   bool      `json:"more,omitempty"` // there are more rows than were asked for
}

// askTime is when an answer is given up.
const askTime = 30 * time.Second

// question is a SELECT with its values.
type question struct {
	sql      string
	look     *duck.Look // in place of sql
	args     []string
	from, to time.Time
	rows     int
	timeout  time.Duration // 0: askTime
	passing  bool          // its rows are looked at and let go: they have no bound in bytes
}

// arg adds a value and returns what stands for it in SQL.
func (q *question) arg(value string) string {
	for i, a := range q.args {
		if a == value {
			return fmt.Sprintf("$%d", i+1)
		}
	}
	q.args = append(q.args, value)
	return fmt.Sprintf("$%d", len(q.args))
}

// ask puts a question within a Scope.
func (v *Investigator) ask(ctx context.Context, scope access.Scope, q *question, row func(cells) error) (Asked, error) {
	if q.timeout == 0 {
		q.timeout = askTime
	}
	most := v.Bytes
	if q.passing {
		most = 0
	}
	if q.look != nil {
		q.sql, q.args = q.look.SQL(), []string{q.look.Value}
	}
	a, err := v.Engine.Ask(ctx, scope, v.Lake, duck.Question{SQL: q.sql, Look: q.look, Args: q.args, From: q.from, To: q.to, Rows: q.rows, Bytes: most, Timeout: q.timeout}, func(duck.Answer) {}, func(line []json.RawMessage) error {
		return row(cells(line))
	})
	if err == nil && a.Cut {
		err = MistakeError{tooMuch(most) + ": narrow the time range, or ask for less"}
	}
	return Asked{SQL: q.sql, Args: q.args, From: q.from, To: q.to, Files: a.Files, Bytes: a.Bytes, Millis: a.Took.Milliseconds(), More: a.More}, err
}

func tooMuch(most int64) string {
	return fmt.Sprintf("the answer takes more than %.1f MiB", float64(most)/(1<<20))
}

// cells is a row of an answer. A cell that is null reads as the zero value.
type cells []json.RawMessage

func (c cells) text(i int) (s string) {
	_ = json.Unmarshal(c[i], &s) // null, or what is no text
	return s
}

func (c cells) number(i int) (n int64) {
	_ = json.Unmarshal(c[i], &n) // likewise
	return n
}

func (c cells) time(i int) (t time.Time) {
	_ = json.Unmarshal(c[i], &t) // likewise
	return t
}

func (c cells) texts(i int) (list []string) {
	_ = json.Unmarshal(c[i], &list) // likewise
	return list
}

// stamp writes a time of ours in SQL.
func stamp(t time.Time) string { return fmt.Sprintf("make_timestamp(%d)", t.UnixMicro()) }

// rawCells is a row of an answer as it came.
type rawCells = []json.RawMessage

// valuesOf owns the cells of a row.
func valuesOf(line rawCells) []any {
	out := make([]any, len(line))
	for i, c := range line {
		_ = json.Unmarshal(c, &out[i]) // what the child wrote is JSON
	}
	return out
}
