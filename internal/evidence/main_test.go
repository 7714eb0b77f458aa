package evidence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/records"
	"github.com/tocsin-security/tocsin/internal/store"
	"github.com/tocsin-security/tocsin/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedCapture); dir != "" {
		captureUntilKilled(dir)
	}
	os.Exit(storetest.Main(m))
}

const (
	own     = "111122223333"
	foreign = "444455556666"
)

var (
	noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	ann  = By{Name: "ann", Kind: "person", Address: "198.51.100.7"}
	all  = access.Everything()
)

// site is a store on a real lake and ledger.
type site struct {
	*Store
	dir    string
	lake   *lake.Lake
	ledger *ledger.Ledger
	db     *store.DB
	now    time.Time
}

// newSite opens the parts in a folder; address "" is a SQLite file there.
func newSite(ctx context.Context, dir, address string) (*site, error) {
	s := &site{dir: dir, now: noon}
	var err error
	if s.lake, err = lake.Open(ctx, filepath.Join(dir, "lake")); err != nil {
		return nil, err
	}
	if s.ledger, err = ledger.Open(ctx, ledger.Options{Dir: filepath.Join(dir, "ledger"), Origin: "test.local/ledger"}); err != nil {
		return nil, err
	}
	if address == "" {
		address = filepath.Join(dir, "desk.db")
	}
	if s.db, err = store.Open(ctx, address); err != nil {
		return nil, err
	}
	s.Store, err = Open(ctx, Options{DB: s.db, Dir: filepath.Join(dir, "evidence"), Lake: s.lake, Ledger: s.ledger, Now: func() time.Time { return s.now }})
	return s, err
}

func (s *site) close() error {
	return errors.Join(s.db.Close(), s.ledger.Close(), s.lake.Close())
}

func open(t *testing.T, dir, address string) *site {
	t.Helper()
	s, err := newSite(t.Context(), dir, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil && !errors.Is(err, ledger.ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

// onEach runs a test on each engine.
func onEach(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{"SQLite": func(*testing.T) string { return "" }, "PostgreSQL": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, t.TempDir(), address(t)))
		})
	}
}

// hostile is a value that a log may hold.
const hostile = "</script><img src=x onerror=alert(1)>\u202e\u202d\u200b'\";--"

// uid is the id of the nth event.
func uid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// record is the nth CloudTrail record, of an account.
func record(n int, account string) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::%s:user/alice","accountId":"%s","userName":"alice"},"eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":"AttachUserPolicy","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.%d","userAgent":%q,"requestParameters":{"n":%d},"eventID":"%s","eventType":"AwsApiCall","recipientAccountId":"%s","readOnly":false}`,
		account, account, noon.Add(time.Duration(n)*time.Second).Format(time.RFC3339), n%250, hostile, n, uid(n), account)
}

// fill commits records to the lake; the ledger hears of them unless silent.
func (s *site) fill(ctx context.Context, silent bool, lines ...string) error {
	w, err := s.lake.NewWriter()
	if err != nil {
		return err
	}
	err = ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{}).Decode(ctx, strings.NewReader(strings.Join(lines, "\n")), "test", ocsf.Sink{
		Event: func(e *ocsf.Event) error {
			w.Append(lake.Prepare(&lake.Row{Event: e, Format: "cloudtrail", Lane: lake.LaneLive, SourceID: "trail", BatchID: "object-1", Received: noon}, noon))
			return nil
		},
		Unreadable: func(u ocsf.Unreadable) error { return errors.New(u.Reason) },
	})
	if err != nil {
		return err
	}
	if _, err := w.Commit(ctx, lake.Marks{}); err != nil {
		return err
	}
	if silent {
		return nil
	}
	return s.follow(ctx)
}

func (s *site) follow(ctx context.Context) error {
	return (&pipeline.Follower{Lake: s.lake, Ledger: s.ledger, Mark: filepath.Join(s.dir, "followed")}).Follow(ctx)
}

// events fills the lake with n events of ours, and one of another account.
func (s *site) events(t *testing.T, n int) []string {
	t.Helper()
	var lines, ids []string
	for i := range n {
		lines, ids = append(lines, record(i, own)), append(ids, uid(i))
	}
	if err := s.fill(t.Context(), false, append(lines, record(900, foreign))...); err != nil {
		t.Fatal(err)
	}
	return ids
}

func (s *site) capture(t *testing.T, r *Request) string {
	t.Helper()
	if r.Why == "" {
		r.Why = "the case asks for it"
	}
	id, err := s.Capture(t.Context(), all, ann, r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (s *site) verify(t *testing.T, id string) *Report {
	t.Helper()
	r, err := s.Verify(t.Context(), all, ann, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// story is an incident's document, with hostile text in it.
func story() []byte {
	b, err := encode(map[string]any{
		"uid": "i1", "headline": "alice attached AdministratorAccess " + hostile, "severity": "critical",
		"story":  []any{map[string]any{"time": noon, "tactic": "persistence", "text": "alice attached a policy " + hostile, "level": "high", "count": 3}, map[string]any{"time": noon.Add(time.Hour), "tactic": "exfiltration", "text": "and left", "level": "critical", "count": 1}},
		"alerts": []any{map[string]any{"signals": []any{map[string]any{"event": map[string]any{"uid": uid(0), "operation": "AttachUserPolicy", "origin": map[string]any{"type": "user", "id": "alice"}, "resources": []any{map[string]any{"type": "user", "id": "arn:aws:iam::111122223333:user/bob" + hostile}}}}}}},
	})
	if err != nil {
		panic(err)
	}
	return b
}

// pixel is a picture of one pixel.
var pixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82")

// whole captures of everything, in two steps.
func (s *site) whole(t *testing.T) string {
	t.Helper()
	ids := s.events(t, 5)
	id := s.capture(t, &Request{Title: "alice's attack", Incident: "i1", Events: ids, From: noon, To: noon.Add(time.Hour), Accounts: []string{own}, Documents: []Document{
		{Kind: KindIncident, Name: "i1", Media: "application/json", Body: story()}, {Kind: KindEntity, Name: "user alice", Media: "application/json", Body: []byte(`{"id":"alice"}`)},
	}})
	return s.capture(t, &Request{Set: id, Why: "what I saw", Documents: []Document{{Kind: KindScreenshot, Name: "page.png", Media: "image/png", Body: pixel}, {Kind: KindFile, Name: hostile, Body: []byte("a note\x00 with anything")}}})
}
