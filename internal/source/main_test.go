package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/stream"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		os.Setenv(name, value)
	}
	if dir := os.Getenv(bucketChild); dir != "" {
		serveBucket(dir)
	}
	code := m.Run()
	theMoto.stop()
	os.Exit(code)
}

// yard is what doors deliver to: a real stream and a real desk.
type yard struct {
	dir    string
	desk   *desk.Desk
	stream *stream.Stream
	house  *House
	now    func() time.Time

	mu   sync.Mutex
	said []string
}

func newYard(t testing.TB) *yard {
	t.Helper()
	y := &yard{dir: t.TempDir(), now: time.Now}
	y.open(t)
	t.Cleanup(func() { y.close(t) })
	return y
}

// open opens all again, as a restart does.
func (y *yard) open(t testing.TB) {
	t.Helper()
	var err error
	if y.desk, err = desk.Open(t.Context(), filepath.Join(y.dir, "desk.db")); err != nil {
		t.Fatal(err)
	}
	if y.stream, err = stream.Open(t.Context(), stream.Options{Dir: filepath.Join(y.dir, "stream"), MaxBytes: 64 << 20}); err != nil {
		t.Fatal(err)
	}
	y.house = &House{
		Desk: y.desk, Spool: filepath.Join(y.dir, "spool"), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return y.now() }, Every: 50 * time.Millisecond,
		Receiver: &pipeline.Receiver{Stream: y.stream, Desk: y.desk, Now: time.Now},
	}
}

func (y *yard) close(t testing.TB) {
	t.Helper()
	if err := errors.Join(y.stream.Close(), y.desk.Close()); err != nil {
		t.Error(err)
	}
}

// env is what a door of source "logs" works with.
func (y *yard) env() Env {
	return Env{
		Source: "logs", Receive: y.house.Receive, Refuse: y.house.Refuse, Desk: y.desk, Spool: y.house.Spool, Log: y.house.Log, Now: y.house.Now,
		Say: func(doing, why string) {
			y.mu.Lock()
			defer y.mu.Unlock()
			y.said = append(y.said, strings.TrimSpace(doing+" "+why))
		},
	}
}

// last is what the door said last.
func (y *yard) last() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	if len(y.said) == 0 {
		return ""
	}
	return y.said[len(y.said)-1]
}

// kept is what is in the stream: how often each event id, and the reasons of what could not be read.
func (y *yard) kept(t *testing.T) (events map[string]int, faults []string) {
	t.Helper()
	events = map[string]int{}
	y.batches(t, func(_ stream.Batch, line []byte) {
		if line[0] == 'f' {
			var f struct {
				Reason string `json:"reason"`
				Raw    []byte `json:"raw"`
			}
			if err := json.Unmarshal(line[1:], &f); err != nil {
				t.Fatal(err)
			}
			faults = append(faults, f.Reason)
			return
		}
		var e struct {
			EventID string `json:"eventID"`
		}
		if err := json.Unmarshal(line[1:], &e); err != nil {
			t.Fatal(err)
		}
		events[e.EventID]++
	})
	sort.Strings(faults)
	return events, faults
}

func (y *yard) batches(t *testing.T, do func(b stream.Batch, line []byte)) {
	t.Helper()
	last, err := y.stream.Last(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if last == 0 {
		return
	}
	enough := errors.New("enough")
	err = y.stream.Read(t.Context(), 0, 0, func(seq uint64, b stream.Batch) error {
		for line, err := range b.All() {
			if err != nil {
				return err
			}
			do(b, line)
		}
		if seq == last {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
}

// wants checks that exactly these events are in the stream, each once.
func (y *yard) wants(t *testing.T, ids ...string) {
	t.Helper()
	got, _ := y.kept(t)
	for _, id := range ids {
		if got[id] != 1 {
			t.Errorf("event %s is there %d times", id, got[id])
		}
		delete(got, id)
	}
	if len(got) > 0 {
		t.Errorf("nobody asked for %v", got)
	}
}

// run runs a door until a condition holds, and ends it. A door that fails is opened again, as House does.
func (y *yard) run(t *testing.T, door Door, holds func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if err := door.Run(ctx, y.env()); ctx.Err() == nil {
				y.env().Say("failing", fmt.Sprint(err))
			}
		}
		done <- nil
	}()
	eventually(t, holds, y.last)
	stop()
	<-done
}

// eventually waits until a condition holds.
func eventually(t *testing.T, holds func() bool, why func() string) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("it takes too long; last: %s", why())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func trailDoc(ids ...string) []byte {
	var records []string
	for _, id := range ids {
		records = append(records, record(id))
	}
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

func record(id string) string {
	return fmt.Sprintf(`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"alice","accountId":"111111111111"},"eventTime":"2026-03-10T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","eventID":%q,"recipientAccountId":"111111111111"}`, id)
}

func zipped(docs ...[]byte) []byte {
	var b bytes.Buffer
	for _, d := range docs {
		w := gzip.NewWriter(&b)
		_, _ = w.Write(d)
		_ = w.Close()
	}
	return b.Bytes()
}
