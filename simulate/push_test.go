package simulate

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// door is a source that answers as it is told, and notes what came.
type door struct {
	mu      sync.Mutex
	answers []func(w http.ResponseWriter)
	keys    []string
	bodies  []string
	header  http.Header
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keys, d.bodies, d.header = append(d.keys, r.Header.Get("Idempotency-Key")), append(d.bodies, string(body)), r.Header
	if n := len(d.keys) - 1; n < len(d.answers) {
		d.answers[n](w)
	}
}

func status(code int, retryAfter string) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"detail":"the test says so"}`)
	}
}

func breakOff(http.ResponseWriter) { panic(http.ErrAbortHandler) }

func TestPushesAreRepeatedWithBackOff(t *testing.T) {
	t.Parallel()
	d := &door{answers: []func(http.ResponseWriter){
		breakOff, status(503, "7"), status(429, ""), status(500, ""), status(503, noon.Add(11*time.Second).Format(http.TimeFormat)), status(200, ""),
	}}
	server := httptest.NewServer(d)
	defer server.Close()
	var waits []time.Duration
	p := &pusher{
		url: server.URL, token: "secret", now: func() time.Time { return noon }, say: func(string, ...any) {},
		wait: func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil },
	}
	if err := p.put(t.Context(), "AWSLogs/a/b.log.gz", []byte("\x1f\x8bbody")); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{500 * time.Millisecond, 7 * time.Second, 2 * time.Second, 4 * time.Second, 11 * time.Second}
	if len(waits) != len(want) {
		t.Fatalf("it waited %v, want %v", waits, want)
	}
	for i := range want {
		if waits[i] != want[i] {
			t.Errorf("it waited %v, want %v", waits, want)
		}
		if d.keys[i] != d.keys[len(d.keys)-1] || d.bodies[i] != d.bodies[len(d.bodies)-1] {
			t.Error("a repeated push has another key or body")
		}
	}
	if !strings.HasPrefix(d.keys[0], "AWSLogs/a/b.log.gz-") || d.header.Get("Authorization") != "Bearer secret" || d.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v %v", d.keys[0], d.header)
	}
}

func TestPushesThatWillNeverBeTakenAreNotRepeated(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 401, 403, 404, 413, 415} {
		d := &door{answers: []func(http.ResponseWriter){status(code, "1")}}
		server := httptest.NewServer(d)
		p := &pusher{url: server.URL, now: time.Now, wait: func(context.Context, time.Duration) error { return nil }, say: func(string, ...any) {}}
		err := p.put(t.Context(), "x", []byte("y"))
		if err == nil || !strings.Contains(err.Error(), "the test says so") || len(d.keys) != 1 {
			t.Errorf("%d: %v after %d tries", code, err, len(d.keys))
		}
		server.Close()
	}
}

func TestAPushThatIsWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&door{answers: []func(http.ResponseWriter){status(503, "3600")}})
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	p := &pusher{url: server.URL, now: time.Now, say: func(string, ...any) {}, wait: func(ctx context.Context, d time.Duration) error {
		cancel()
		return wait(ctx, d)
	}}
	if err := p.put(ctx, "x", []byte("y")); err == nil {
		t.Error("it was taken")
	}
}
