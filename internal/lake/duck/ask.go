package duck

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/lake"
)

// ErrNoEngine is returned by a build that holds no DuckDB.
var ErrNoEngine = errors.New("this build of tocsin has no search engine: it was built without a C compiler (CGO_ENABLED=0)")

// RefusedError is a question that is not answered: the person who asks can mend it.
type RefusedError struct{ Text string }

// Error says why.
func (e RefusedError) Error() string { return e.Text }

// Question is what is asked.
type Question struct {
	SQL      string        // one SELECT over events
	Filter   string        // a condition, in place of SQL: the events that it lets through, newest first
	Look     *Look         // in place of SQL
	Args     []string      // values of $1, $2 … in SQL, as text: what came out of a log is never a part of the SQL itself
	From, To time.Time     // zero: no bound; To is exclusive
	Rows     int           // at most; 0: all
	Bytes    int64         // that the rows may take where they are held, see Held; 0: no bound, for who passes them on
	Memory   int           // MiB; 0: 1024
	Timeout  time.Duration // 0: 5 minutes
	Parquet  string        // file that is not there yet, which the answer is written to instead of rows; Rows bounds it as well
}

// Answer is what comes beside the rows.
type Answer struct {
	Columns []string
	Types   []string
	Rows    int64
	More    bool // the answer was cut, at Question.Rows or at Question.Bytes; of a Parquet file, that it may have been
	Cut     bool // it was cut at Question.Bytes
	Files   int
	Bytes   int64 // of the files that could hold an answer
	Took    time.Duration
}

// request is what the child reads from standard input.
type request struct {
	SQL, Filter    string
	Look           *looking
	Args           []string
	Parquet        string
	Folder         string   // that holds the files
	Files          []string // the newest day first
	Older          []bool   // of Files: whether it may lack columns of today
	Pages          []int    // how many of Files are read at once for a filter: whole days
	Rows           int      // that are wanted at most; 0: all
	Columns        []lake.Column
	Everything     bool
	Accounts       []string
	FromMicro      int64
	ToMicro        int64
	Memory         int
	TimeoutSeconds float64
}

// reply is one line of the child's standard output.
type reply struct {
	Columns []string          `json:"columns,omitempty"`
	Types   []string          `json:"types,omitempty"`
	Row     []json.RawMessage `json:"row,omitempty"`
	Refused string            `json:"refused,omitempty"`
	Error   string            `json:"error,omitempty"`
	Done    bool              `json:"done,omitempty"`
	Page    bool              `json:"page,omitempty"` // the rows so far are to be shown
}

// shown are the columns of a filter's answer.
const shown = "time_dt, account, region, operation, origin, src_ip, status, resource"

// FilterSQL is the SELECT that lists the events which a condition lets through, newest first.
func FilterSQL(condition string) string {
	return "SELECT " + shown + " FROM events WHERE (" + condition + "\n) ORDER BY time_dt DESC"
}

// Ask puts a question to the lake. head is told the columns before the first row; a row's cells are JSON and valid until
// row returns. A row of nil says that a page of a filter is complete, and the next may take its time.
func (e *Engine) Ask(ctx context.Context, scope access.Scope, l *lake.Lake, q Question, head func(Answer), row func([]json.RawMessage) error) (Answer, error) {
	start := time.Now()
	var a Answer
	p, err := e.take() // it gets ready while the files are planned
	if err != nil {
		return a, err
	}
	defer e.prepare()
	defer p.end()
	req, err := plan(ctx, scope, l, &q, &a)
	if err != nil {
		return a, err
	}
	// The child ends by its own clock; where the engine does not listen to it, it is killed.
	ctx, stop := context.WithTimeoutCause(ctx, timeoutOf(q.Timeout)+grace, errOverdue)
	defer stop()
	defer context.AfterFunc(ctx, p.kill)()
	_, asked := p.in.Write(req)
	bound := &io.LimitedReader{R: p.out, N: math.MaxInt64} // one row alone may be too much
	if q.Bytes > 0 {
		bound.N = q.Bytes
	}
	done, err := receive(bufio.NewReaderSize(bound, 256<<10), &q, &a, head, row)
	if !done && err == nil && bound.N <= 0 {
		a.More, a.Cut = true, true
	}
	if !done && err == nil && !a.More {
		<-p.done // it ended by itself, or is killed by its clock
	}
	overdue := context.Cause(ctx)
	stop()
	p.end()
	a.Took = time.Since(start)
	switch {
	case err != nil:
		return a, err
	case !done && !a.More && errors.Is(overdue, errOverdue):
		return a, tooLong(timeoutOf(q.Timeout))
	case !done && !a.More:
		return a, fmt.Errorf("the search engine ended before its answer (%w): %s", errors.Join(p.ended, asked, ctx.Err()), last(p.complaint.String()))
	}
	return a, nil
}

func plan(ctx context.Context, scope access.Scope, l *lake.Lake, q *Question, a *Answer) ([]byte, error) {
	var files []lake.File
	var k *looking
	if q.Look != nil {
		files, k = q.Look.plan()
		q.Args = []string{q.Look.Value}
	} else {
		var err error
		if files, err = l.Plan(ctx, q.From, q.To); err != nil {
			return nil, err
		}
	}
	r := request{Look: k, SQL: q.SQL, Args: q.Args, Filter: q.Filter, Pages: pagesOf(files), Parquet: q.Parquet, Folder: l.Dir(), Columns: l.Columns(), Everything: scope.All(), Accounts: scope.List(), Memory: q.Memory, TimeoutSeconds: q.Timeout.Seconds()}
	switch {
	case q.Rows > 0 && q.Parquet != "":
		r.Rows = q.Rows
	case q.Rows > 0:
		r.Rows = q.Rows + 1 // one more says that there are more
	}
	if !q.From.IsZero() {
		r.FromMicro = q.From.UnixMicro()
	}
	if !q.To.IsZero() {
		r.ToMicro = q.To.UnixMicro()
	}
	for _, f := range files {
		r.Files, r.Older = append(r.Files, f.Path), append(r.Older, !f.Today)
		a.Bytes += f.Bytes
	}
	a.Files = len(files)
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return text, nil
}

// grace is what the child has, beside the question's own time, to start and to say that it gave up.
const grace = 10 * time.Second

var errOverdue = errors.New("the search engine did not give up in time")

// timeoutOf is the time that a question has.
func timeoutOf(asked time.Duration) time.Duration {
	if asked <= 0 {
		return 5 * time.Minute
	}
	return asked
}

func tooLong(timeout time.Duration) error {
	return RefusedError{fmt.Sprintf("no answer within %s: narrow the time range (--from, --to) or allow more time (--timeout)", timeout)}
}

// secondPage is how many bytes of files the second page of a filter has at least; each one after it has twice as many. A page costs
// about 15 ms beside what it reads.
const secondPage = 256 << 20

// pagesOf groups files by whole days: the newest day, then so much at once that pages cost little more than one reading of all.
func pagesOf(files []lake.File) []int {
	var pages []int
	size, wanted := int64(0), int64(0)
	for i, f := range files {
		if i == 0 || size >= wanted && !f.Day.Equal(files[i-1].Day) {
			if wanted *= 2; len(pages) == 1 {
				wanted = secondPage
			}
			pages, size = append(pages, 0), 0
		}
		pages[len(pages)-1]++
		size += f.Bytes
	}
	return pages
}

// receive passes the child's lines on until it is done or enough is known.
func receive(in *bufio.Reader, q *Question, a *Answer, head func(Answer), row func([]json.RawMessage) error) (done bool, err error) {
	dec, held := json.NewDecoder(in), int64(0)
	for {
		var r reply
		if err := dec.Decode(&r); err != nil {
			return false, nil //nolint:nilerr // the child's end says why
		}
		switch {
		case r.Refused != "":
			return false, RefusedError{r.Refused}
		case r.Error != "":
			return false, errors.New(r.Error)
		case r.Done:
			return true, nil
		case r.Page:
			if err := row(nil); err != nil {
				return false, err
			}
		case q.Parquet != "": // one row: how many were written
			if len(r.Row) == 1 && json.Unmarshal(r.Row[0], &a.Rows) == nil {
				a.More = q.Rows > 0 && a.Rows == int64(q.Rows)
			}
		case r.Columns != nil:
			a.Columns, a.Types = r.Columns, r.Types
			head(*a)
		default:
			if q.Rows > 0 && a.Rows == int64(q.Rows) {
				a.More = true
				return false, nil
			}
			if held += Held(r.Row); q.Bytes > 0 && held > q.Bytes {
				a.More, a.Cut = true, true
				return false, nil
			}
			if err := row(r.Row); err != nil {
				return false, err
			}
			a.Rows++
		}
	}
}

// Held is about how many bytes a row takes in memory: of small values, what stands around them is most.
func Held(row []json.RawMessage) int64 {
	sum := int64(0)
	for _, cell := range row {
		sum += int64(len(cell)) + 32
		if len(cell) > 0 && (cell[0] == '[' || cell[0] == '{') {
			sum += 32 * int64(bytes.Count(cell, []byte(",")))
		}
	}
	return sum
}

func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
