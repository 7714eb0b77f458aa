package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/evidence"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/source"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// TestMain is also the child that answers searches.
func TestMain(m *testing.M) {
	if os.Getenv("TOCSIN_QUERY_CHILD") != "" {
		if err := duck.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const (
	own     = "111111111111"
	foreign = "222222222222"
)

// site is a server on real parts, with tokens of every kind.
type site struct {
	*httptest.Server
	t      *testing.T
	server *Server
	desk   *desk.Desk
	stream *stream.Stream
	tokens map[string]string // by what they are
	key    string            // first public key of the ledger
	dir    string            // of all that is kept
	log    *talk
}

// talk is a log that several goroutines write.
type talk struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *talk) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func newSite(t *testing.T, change func(s *Server, h *http.Server)) *site {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &site{t: t, dir: dir, tokens: map[string]string{"none": "", "wrong": "tocsin_0000"}, log: &talk{}}
	var err error
	s.desk, err = desk.Open(ctx, filepath.Join(dir, "desk.db"))
	must(err)
	s.stream, err = stream.Open(ctx, stream.Options{Dir: filepath.Join(dir, "stream"), MaxBytes: stream.MinBytes})
	must(err)
	l, err := lake.Open(ctx, filepath.Join(dir, "lake"))
	must(err)
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.server = &Server{
		Version: "test", Desk: s.desk, Lake: l, Engine: &duck.Engine{Command: []string{os.Args[0]}}, TakeRules: func(context.Context) error { return nil }, Log: log, Now: time.Now,
		House: &source.House{Desk: s.desk, Receiver: &pipeline.Receiver{Stream: s.stream, Desk: s.desk, Now: time.Now}, Spool: filepath.Join(dir, "spool"), Log: log, Now: time.Now},
		Metrics: func() []Metric {
			return []Metric{{Name: "tocsin_test", Help: "A figure.", Type: "gauge", Labels: []string{"source", "apps"}, Value: 1.5}}
		},
		Ready: func() error { return nil },
	}
	if s.server.People, err = access.OpenPeople(ctx, s.desk.Store()); err != nil {
		t.Fatal(err)
	}
	if s.server.Audit, err = audit.Open(ctx, s.desk.Store()); err != nil {
		t.Fatal(err)
	}
	book, err := ledger.Open(ctx, ledger.Options{Dir: filepath.Join(dir, "ledger"), Origin: "test.local/ledger"})
	must(err)
	t.Cleanup(func() { must(book.Close()) })
	s.key = book.PublicKey()
	s.server.Evidence, err = evidence.Open(ctx, evidence.Options{DB: s.desk.Store(), Dir: filepath.Join(dir, "evidence"), Lake: l, Ledger: book})
	must(err)
	s.server.Proof = &Proof{Key: book.PublicKey(), Head: book.Checkpoint, Verify: func(ctx context.Context, from, to time.Time) (ledger.Report, error) {
		return ledger.Verify(ctx, filepath.Join(dir, "ledger"), book.PublicKey(), nil, from, to)
	}}
	rules, _, err := detect.Load(content.Rules, "rules")
	must(err)
	s.server.Rules = func() *detect.Rules { return rules }
	s.fill()
	h := s.server.HTTP()
	if change != nil {
		change(s.server, h)
		h.Handler = s.server.Handler()
	}
	s.Server = httptest.NewUnstartedServer(nil)
	s.Config = h
	s.Start()
	t.Cleanup(func() {
		s.Close()
		if err := errors.Join(s.stream.Close(), l.Close(), s.desk.Close()); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Error(err)
		}
	})
	return s
}

// fill puts sources, tokens, findings and a dead letter on the desk.
func (s *site) fill() {
	s.t.Helper()
	ctx, now := s.t.Context(), time.Now()
	for _, name := range []string{"apps", "other"} {
		if err := s.desk.AddSource(ctx, desk.Source{Name: name, Kind: "http", Created: now}); err != nil {
			s.t.Fatal(err)
		}
	}
	for what, t := range map[string]desk.Token{
		"owner": {Accounts: []string{"*"}, Role: "admin"}, "scoped": {Accounts: []string{own}, Role: "admin"}, "apps": {Source: "apps"}, "expired": {Accounts: []string{"*"}, Expires: now.Add(-time.Hour)},
		"revoked": {Accounts: []string{"*"}}, "expired apps": {Source: "apps", Expires: now.Add(-time.Hour)}, "revoked apps": {Source: "apps"},
	} {
		s.token(what, t)
		if strings.HasPrefix(what, "revoked") {
			if _, err := s.desk.RevokeTokens(ctx, what, now); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	for _, role := range access.Roles() {
		s.token(string(role)+" all", desk.Token{Role: string(role), Accounts: []string{"*"}})
		s.token(string(role)+" own", desk.Token{Role: string(role), Accounts: []string{own}})
	}
	c := desk.Conclusion{Partition: "0", Position: 1, Findings: true, Now: now, DeadLetters: []desk.DeadLetter{{ID: "dead1", Source: "apps", Object: "o", Reason: "r", Raw: []byte(event("again")), ReceivedAt: now}, {ID: "dead2", Source: "apps", Object: "o", Reason: "r", ReceivedAt: now}}}
	for _, account := range []string{own, foreign} {
		a := finding.Alert{UID: "a" + account, Severity: finding.High, First: now, Last: now, Account: account}
		c.Incidents = append(c.Incidents, incident.Incident{UID: "i" + account, Severity: finding.High, First: now, Last: now, Accounts: []string{account}, Alerts: []finding.Alert{a}})
	}
	if err := s.desk.Save(ctx, &c); err != nil {
		s.t.Fatal(err)
	}
}

// token makes a token under a name.
func (s *site) token(name string, t desk.Token) {
	s.t.Helper()
	t.Name, t.Created = name, time.Now()
	secret, err := s.desk.NewToken(s.t.Context(), t)
	if err != nil {
		s.t.Fatal(err)
	}
	s.tokens[name] = secret
}

func event(id string) string {
	return fmt.Sprintf(`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"alice","accountId":%q},"eventTime":"2026-03-10T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"us-east-1","eventID":%q,"recipientAccountId":%q}`, own, id, own)
}

// answered is an answer read to its end.
type answered struct {
	status int
	header http.Header
	body   string
}

func (s *site) ask(method, path, token string, body io.Reader, headers ...string) answered {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answered{resp.StatusCode, resp.Header, string(text)}
}
