package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/simulate"
)

// loadChild is set for the process that pushes: a Load, as JSON. It is a process of its own so that its work is not counted as the server's.
const loadChild = "TOCSIN_TEST_LOAD"

// Load says what a child pushes.
type Load struct {
	URL, Token, Records string        // Records is a file of JSON lines: one CloudTrail record each
	Events              int           // how many in all
	Push                int           // events in one push
	Connections         int           // that push at once
	Rate                int           // events a second over all connections; 0 is as many as are taken
	Marks               time.Duration // between two events that must become an alert of their own; 0 is none
	Run                 uint32        // tells the events of one run from those of another
}

// Pushed is what the child reports.
type Pushed struct {
	Events, Bytes, Pushes int
	Marks                 int
	Seconds               float64
	P50, P99              time.Duration // from a push to its answer
}

// pushUntilDone is that process.
func pushUntilDone(spec string) {
	var l Load
	err := json.Unmarshal([]byte(spec), &l)
	var p *Pushed
	if err == nil {
		p, err = l.run(context.Background())
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// loadRecord is a record whose id and time are written over for each push of it.
type loadRecord struct {
	raw      []byte
	id, time int // where they stand
}

// stampForm is as long as the times that CloudTrail writes.
const stampForm = "2006-01-02T15:04:05Z"

func readLoad(path string) ([]loadRecord, error) {
	f, err := os.Open(path) //nolint:gosec // of this test
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	var out []loadRecord
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		raw := append(bytes.Clone(lines.Bytes()), '\n')
		id, at := bytes.Index(raw, []byte(`"eventID":"`)), bytes.Index(raw, []byte(`"eventTime":"`))
		if id < 0 || at < 0 {
			return nil, fmt.Errorf("%s: a record without an id or a time", path)
		}
		out = append(out, loadRecord{raw, id + len(`"eventID":"`), at + len(`"eventTime":"`)})
	}
	return out, lines.Err()
}

func (l *Load) run(ctx context.Context) (*Pushed, error) {
	records, err := readLoad(l.Records)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: l.Connections, DisableCompression: true}}
	var mu sync.Mutex
	var took []time.Duration
	out := &Pushed{}
	var next, marked atomic.Int64
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for range l.Connections {
		group.Go(func() error {
			var body bytes.Buffer
			for {
				from := int(next.Add(int64(l.Push))) - l.Push
				if from >= l.Events {
					return nil
				}
				n := min(l.Push, l.Events-from)
				if l.Rate > 0 {
					time.Sleep(time.Until(start.Add(time.Duration(from) * time.Second / time.Duration(l.Rate))))
				}
				body.Reset()
				l.fill(&body, records, from, n)
				if l.Marks > 0 && int64(time.Since(start)/l.Marks) > marked.Load() {
					l.mark(&body, marked.Add(1))
				}
				began := time.Now()
				if err := l.push(ctx, client, body.Bytes(), from); err != nil {
					return err
				}
				mu.Lock()
				took = append(took, time.Since(began))
				out.Bytes += body.Len()
				out.Pushes++
				out.Events += n
				mu.Unlock()
			}
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.Sort(took)
	out.Seconds, out.Marks = time.Since(start).Seconds(), int(marked.Load())
	out.P50, out.P99 = quantile(took, 0.5), quantile(took, 0.99)
	return out, nil
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// fill writes n records with ids of their own and the present time.
func (l *Load) fill(body *bytes.Buffer, records []loadRecord, from, n int) {
	now := time.Now().UTC().Format(stampForm)
	for i := range n {
		r := &records[(from+i)%len(records)]
		at := body.Len()
		body.Write(r.raw)
		b := body.Bytes()[at:]
		copy(b[r.id:], fmt.Sprintf("%08x-0000-4000-a000-%012x", l.Run, from+i))
		copy(b[r.time:], now)
	}
}

// mark writes an event that becomes an alert of its own. Its time says when it was made.
func (l *Load) mark(body *bytes.Buffer, n int64) {
	fmt.Fprintf(body, `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDA%016d","arn":"arn:aws:iam::210987654321:user/marker-%d-%d","accountId":"210987654321","accessKeyId":"AKIA%08d%08d","userName":"marker-%d-%d"},"eventTime":%q,"eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.15.0","requestParameters":{"name":"arn:aws:cloudtrail:eu-west-1:210987654321:trail/main"},"responseElements":null,"requestID":"m","eventID":"%08x-0000-4000-b000-%012x","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"210987654321","eventCategory":"Management"}`+"\n",
		n, l.Run, n, l.Run, n, l.Run, n, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), l.Run, n)
}

func (l *Load) push(ctx context.Context, client *http.Client, body []byte, from int) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+l.Token)
		req.Header.Set("Idempotency-Key", fmt.Sprintf("%08x-%d", l.Run, from))
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		switch {
		case resp.StatusCode == http.StatusOK:
			return nil
		case resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusTooManyRequests:
			return fmt.Errorf("push: %s: %s", resp.Status, text)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// writeLoad writes a file of simulated records for a Load.
func writeLoad(ctx context.Context, dir string, events int) (path string, err error) {
	tree := filepath.Join(dir, "tree")
	if err := simulate.Volume(ctx, tree, events, max(1, events/500), 3); err != nil {
		return "", err
	}
	inv, err := collect.List(ctx, []string{tree}, nil, collect.Limits{})
	if err != nil {
		return "", err
	}
	defer inv.Close() //nolint:errcheck // only read
	var all bytes.Buffer
	err = pipeline.EachRecord(ctx, inv, func(e *ocsf.Event) { all.Write(e.Raw); all.WriteByte('\n') })
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "records-"+strconv.Itoa(events)+".ndjson")
	return path, os.WriteFile(path, all.Bytes(), 0o600)
}
