package api

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/stream"
)

func (s *site) push(body []byte, headers ...string) answered {
	s.t.Helper()
	return s.ask("POST", "/api/v1/ingest/apps", s.tokens["apps"], bytes.NewReader(body), headers...)
}

// kept counts what is in the stream: each event id, and what could not be read.
func (s *site) kept() (events map[string]int, faults int) {
	s.t.Helper()
	events = map[string]int{}
	last, err := s.stream.Last(s.t.Context(), 0)
	if err != nil {
		s.t.Fatal(err)
	}
	if last == 0 {
		return events, 0
	}
	usage, err := s.stream.Usage(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	enough := errors.New("enough")
	err = s.stream.Read(s.t.Context(), 0, usage[0].First-1, func(seq uint64, b stream.Batch) error {
		for line, err := range b.All() {
			if err != nil {
				return err
			}
			var e struct{ EventID string }
			if line[0] == 'f' || json.Unmarshal(line[1:], &e) != nil {
				faults++
				continue
			}
			events[e.EventID]++
		}
		if seq == last {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		s.t.Fatal(err)
	}
	return events, faults
}

func gzipped(parts ...string) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, p)
		_ = w.Close()
	}
	return b.Bytes()
}

func zstandard(text string) []byte {
	e, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return e.EncodeAll([]byte(text), nil)
}

func TestPushesOfEveryShape(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for name, c := range map[string]struct {
		body    []byte
		headers []string
	}{
		"document": {[]byte(`{"Records":[` + event("document") + `]}`), []string{"Content-Type", "application/json"}},
		"record":   {[]byte(event("record")), nil},
		"lines":    {[]byte(event("lines") + "\n" + event("lines2") + "\n"), []string{"Content-Type", "application/x-ndjson"}},
		"gzip":     {gzipped(event("gzip")), []string{"Content-Encoding", "gzip"}},
		"members":  {gzipped(event("members")+"\n", event("members2")+"\n"), []string{"Content-Encoding", "GZIP"}},
		"zstd":     {zstandard(event("zstd")), []string{"Content-Encoding", "zstd"}},
		"silent":   {zstandard(event("silent")), nil},
		"lying":    {[]byte(event("lying")), []string{"Content-Encoding", "gzip"}},
	} {
		a := s.push(c.body, c.headers...)
		if a.status != 200 || !strings.Contains(a.body, `"unreadable":0`) || a.header.Get("Idempotency-Key") == "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if events, _ := s.kept(); events[name] != 1 {
			t.Errorf("%s is not durable when it is answered", name)
		}
	}
	if events, faults := s.kept(); len(events) != 10 || faults != 0 {
		t.Errorf("%v, %d", events, faults)
	}
}

func TestPushesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *Server, _ *http.Server) { s.Pushing.Bytes = 10_000 })
	for _, name := range []string{"folder", "paused"} {
		if err := s.desk.AddSource(t.Context(), desk.Source{Name: name, Kind: map[string]string{"folder": "folder", "paused": "http"}[name], Created: time.Now()}); err != nil {
			t.Fatal(err)
		}
		secret, err := s.desk.NewToken(t.Context(), desk.Token{Name: name, Source: name, Created: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		s.tokens[name] = secret
	}
	if err := s.desk.PauseSource(t.Context(), "paused", true); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path, token, body string
		headers           []string
		want              int
	}{
		"foreign source":        {"other", "apps", event("x"), nil, 403},
		"token of the owner":    {"apps", "owner", event("x"), nil, 403},
		"no such source":        {"none", "apps", event("x"), nil, 403},
		"not for pushes":        {"folder", "folder", event("x"), nil, 404},
		"paused":                {"paused", "paused", event("x"), nil, 503},
		"too much":              {"apps", "apps", strings.Repeat(event("x")+"\n", 100), nil, 413},
		"unknown encoding":      {"apps", "apps", event("x"), []string{"Content-Encoding", "br"}, 415},
		"long key":              {"apps", "apps", event("x"), []string{"Idempotency-Key", strings.Repeat("k", 257)}, 400},
		"a name with a slash":   {"apps/..", "apps", event("x"), nil, 404},
		"a name with a newline": {"a%0ab", "apps", event("x"), nil, 403},
	} {
		got := s.ask("POST", "/api/v1/ingest/"+c.path, s.tokens[c.token], strings.NewReader(c.body), c.headers...)
		if got.status != c.want {
			t.Errorf("%s: %d, not %d: %s", name, got.status, c.want, got.body)
		}
		s.wellFormed(name, got)
		if got.status == 503 && got.header.Get("Retry-After") == "" {
			t.Errorf("%s: it does not say when to come again", name)
		}
	}
	if events, faults := s.kept(); len(events) != 0 || faults != 0 {
		t.Errorf("something of it was taken: %v, %d", events, faults)
	}
}

// TestMalformedPushesBecomeDeadLetters pushes what is no log, half a log and damaged gzip: what can be read is, the rest is counted.
func TestMalformedPushesBecomeDeadLetters(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	whole := gzipped(strings.Repeat(event("z")+"\n", 2000))
	for name, c := range map[string]struct {
		body       []byte
		unreadable bool
	}{
		"empty": {nil, false}, "text": {[]byte("hello world"), true}, "half": {[]byte(event("a") + "\n" + `{"eventVersion":"1.08","eventSour`), true},
		"cut gzip": {whole[:len(whole)/2], true}, "bytes": {[]byte{0, 1, 2, 255}, true}, "null": {[]byte("null"), true}, "deep": {[]byte(strings.Repeat("[", 100_000)), true},
	} {
		a := s.push(c.body)
		var said struct{ Unreadable int }
		if err := json.Unmarshal([]byte(a.body), &said); err != nil || a.status != 200 || (said.Unreadable > 0) != c.unreadable {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	events, faults := s.kept()
	if events["a"] != 1 || faults < 5 {
		t.Errorf("%v, %d", events["a"], faults)
	}
}

func TestARepeatedPushIsTakenOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	var all sync.WaitGroup
	for range 6 { // at the same time, as a client does that gave up waiting
		all.Go(func() {
			if a := s.push([]byte(event("once")), "Idempotency-Key", "k1"); a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	if a := s.push([]byte(event("once")), "Idempotency-Key", "k1"); !strings.Contains(a.body, `"known":true`) {
		t.Errorf("it does not say that it is known: %s", a.body)
	}
	s.push([]byte(event("another")), "Idempotency-Key", "k2")
	s.push([]byte(event("another")), "Idempotency-Key", "k2")
	if events, _ := s.kept(); events["once"] != 1 || events["another"] != 1 {
		t.Errorf("%v", events)
	}
}

// TestAFullStreamLosesNothing pushes more than the stream holds. Senders are told to come again; when the lake has caught up, the same
// pushes are taken, and everything is there once.
func TestAFullStreamLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *Server, _ *http.Server) { s.Pushing.Patience = time.Millisecond })
	noise := make([]byte, 900_000)
	want, seen := map[string]int{}, map[string]int{}
	read := func() {
		events, _ := s.kept()
		for id, n := range events {
			seen[id] += n
		}
	}
	full := 0
	for i := range 30 {
		id := fmt.Sprint("e", i)
		want[id] = 1
		if _, err := rand.Read(noise); err != nil {
			t.Fatal(err)
		}
		body := strings.TrimSuffix(event(id), "}") + `,"requestParameters":{"x":"` + base64.StdEncoding.EncodeToString(noise) + `"}}`
		for {
			a := s.push([]byte(body), "Idempotency-Key", id)
			if a.status == 200 {
				break
			}
			if a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "full") {
				t.Fatalf("%d %s", a.status, a.body)
			}
			full++
			read() // and what was read may go
			last, err := s.stream.Last(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.stream.Purge(t.Context(), 0, last+1); err != nil {
				t.Fatal(err)
			}
		}
	}
	read()
	for id := range want {
		if seen[id] != 1 {
			t.Errorf("%s was received %d times", id, seen[id])
		}
	}
	if full == 0 || len(seen) != len(want) {
		t.Errorf("it was full %d times; %d of %d events", full, len(seen), len(want))
	}
	if state := s.server.House.States()["apps"]; state.Doing != "waiting" {
		t.Errorf("the source is %q in the end", state.Doing)
	}
}

// TestSlowClientsAreCutOff opens a request and sends a byte now and then: the connection ends, nothing of it is taken, and others are served.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(_ *Server, h *http.Server) {
		h.ReadHeaderTimeout, h.ReadTimeout = 300*time.Millisecond, 600*time.Millisecond
	})
	for name, head := range map[string]string{
		"headers": "POST /api/v1/ingest/apps HTTP/1.1\r\nHost: x\r\n",
		"body":    "POST /api/v1/ingest/apps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.tokens["apps"] + "\r\nContent-Length: 1000000\r\n\r\n" + event("slow"),
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, head); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = io.Copy(io.Discard, conn)
			}()
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			tooLong := time.After(20 * time.Second)
			for {
				select {
				case <-ended:
					return
				case <-tooLong:
					t.Fatal("it is still connected")
				case <-tick.C:
					_, _ = io.WriteString(conn, "x")
				}
			}
		})
	}
	if a := s.push([]byte(event("quick"))); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if events, _ := s.kept(); events["slow"] != 0 {
		t.Error("half a request was taken")
	}
	if h := s.server.HTTP(); h.ReadHeaderTimeout <= 0 || h.ReadTimeout <= 0 || h.WriteTimeout <= 0 || h.IdleTimeout <= 0 || h.MaxHeaderBytes <= 0 {
		t.Errorf("a bound is missing: %+v", h)
	}
}

// TestTooManyPushesAtOnce holds as many bodies open as are taken at once: the next is told to come again.
func TestTooManyPushesAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *Server, _ *http.Server) { s.Pushing.AtOnce = 2 })
	var all sync.WaitGroup
	var writers []*io.PipeWriter
	for range 2 {
		r, w := io.Pipe()
		writers = append(writers, w)
		all.Go(func() { s.ask("POST", "/api/v1/ingest/apps", s.tokens["apps"], r) })
		_, _ = io.WriteString(w, strings.Repeat(event("held")+"\n", 100)) // more than the client keeps back
	}
	within(t, "the third is refused", func() bool {
		a := s.push([]byte(event("third")))
		return a.status == 503 && a.header.Get("Retry-After") != ""
	})
	for _, w := range writers {
		w.Close()
	}
	all.Wait()
	if a := s.push([]byte(event("fourth"))); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
