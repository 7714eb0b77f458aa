package app

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/api"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// feedHouse is a house with a desk, a lake and feeds, and a clock that a test sets.
func feedHouse(t *testing.T) (*house, *atomic.Int64) {
	t.Helper()
	dir := t.TempDir()
	c := &Config{Data: dir}
	d, err := desk.Open(t.Context(), filepath.Join(dir, "desk.db"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := lake.Open(t.Context(), c.lakeDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	clock := &atomic.Int64{}
	clock.Store(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC).Unix())
	now := func() time.Time { return time.Unix(clock.Load(), 0).UTC() }
	log := slog.New(slog.DiscardHandler)
	h := &house{o: &ServeOptions{Config: c}, log: log, desk: d, lake: l, worker: &pipeline.Worker{}}
	h.feeds = &feedKeeper{desk: d, folder: intel.Folder(c.intelDir()), now: now, log: log}
	return h, clock
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// once is one turn of watchFeeds.
func once(t *testing.T, h *house) []desk.Feed {
	t.Helper()
	list, err := h.desk.Feeds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range h.feeds.due(list) {
		_ = h.feeds.refresh(t.Context(), &list[i]) // its error is in the state
	}
	if signature(list) != h.feedsAs {
		h.loadFeeds(t.Context(), list)
	}
	if err := h.sweepOld(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err = h.desk.Feeds(t.Context()); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestFeedsAreFetchedOnScheduleAndSurviveFaults(t *testing.T) {
	t.Parallel()
	h, clock := feedHouse(t)
	var body atomic.Pointer[string]
	var asked atomic.Int64
	say := func(s string) { body.Store(&s) }
	say("45.9.148.77\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		text := *body.Load()
		if text == "broken" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		tag := fmt.Sprintf("%q", text)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", strings.ReplaceAll(tag, "\n", ""))
		_, _ = io.WriteString(w, text)
	}))
	defer server.Close()
	f := intel.Feed{Name: "c2", URL: server.URL, Confidence: 90, Every: time.Hour}
	if err := h.desk.AddFeed(t.Context(), f, h.feeds.now()); err != nil {
		t.Fatal(err)
	}
	if list := once(t, h); h.intel.Load().Size() != 1 || list[0].State.Tally.Loaded != 1 || list[0].State.Error != "" {
		t.Fatalf("after the first look: %d indicators, %+v", h.intel.Load().Size(), list[0].State)
	}
	first := h.intel.Load()
	once(t, h)
	if asked.Load() != 1 || h.intel.Load() != first {
		t.Errorf("asked %d times within the hour, want once", asked.Load())
	}
	clock.Add(3601)
	say("broken")
	if list := once(t, h); !strings.Contains(list[0].State.Error, "502") || h.intel.Load() != first {
		t.Errorf("a feed that fails: %q", list[0].State.Error)
	}
	clock.Add(3601)
	say("# gone\n")
	if list := once(t, h); !strings.Contains(list[0].State.Error, "left as it was") || h.intel.Load() != first {
		t.Errorf("a feed that came empty: %q", list[0].State.Error)
	}
	clock.Add(3601)
	say("45.9.148.78\n")
	if list := once(t, h); list[0].State.Error != "" || list[0].State.Gone != 1 || h.intel.Load().Size() != 2 {
		t.Errorf("a new version: %+v", list[0].State)
	}
	f.Confidence = 70
	if err := h.desk.AddFeed(t.Context(), f, h.feeds.now()); err != nil {
		t.Fatal(err)
	}
	once(t, h)
	if found, _, err := h.intel.Load().Check("45.9.148.78"); err != nil || len(found) != 1 || found[0].Indicator.Confidence != 70 {
		t.Errorf("new settings are not taken in at once: %+v, %v", found, err)
	}
	if err := h.desk.RemoveFeed(t.Context(), "c2"); err != nil {
		t.Fatal(err)
	}
	if once(t, h); h.intel.Load().Size() != 0 {
		t.Error("a feed that was removed is still matched")
	}
}

// TestANewFeedIsLookedForInOldEvents: what is older than live detection reaches gives late alerts once, and later only what is new is
// looked for.
func TestANewFeedIsLookedForInOldEvents(t *testing.T) {
	t.Parallel()
	h, clock := feedHouse(t)
	dir := t.TempDir()
	var lines []string
	for i, day := range []string{"2026-01-10", "2026-05-31"} {
		for k, ip := range []string{"45.9.148.77", "45.9.148.78"} {
			lines = append(lines, fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"A","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","accessKeyId":"AKIAEXAMPLEALICE0001","userName":"alice"},"eventTime":"%sT10:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeVpcs","awsRegion":"eu-west-1","sourceIPAddress":%q,"eventID":"00000000-0000-4000-8000-%012d","eventType":"AwsApiCall","recipientAccountId":"111122223333"}`, day, ip, i*10+k))
		}
	}
	write(t, filepath.Join(dir, "x.json"), `{"Records":[`+strings.Join(lines, ",")+`]}`)
	inv, err := collect.List(t.Context(), []string{dir}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close() //nolint:errcheck // a test
	received := h.feeds.now().Add(-time.Hour)
	if _, err := pipeline.Store(t.Context(), pipeline.Files{Inventory: inv}, pipeline.StoreOptions{Lake: h.lake, Now: received}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "c2.txt")
	write(t, file, "45.9.148.77\n")
	if err := h.desk.AddFeed(t.Context(), intel.Feed{Name: "c2", File: file, Confidence: 90, Every: time.Hour}, h.feeds.now()); err != nil {
		t.Fatal(err)
	}
	alerts := func() []desk.AlertRow {
		rows, err := h.desk.Alerts(t.Context(), access.Everything(), desk.Query{})
		if err != nil {
			t.Fatal(err)
		}
		return rows.Items
	}
	once(t, h)
	rows := alerts()
	if len(rows) != 1 || !rows[0].Late || !rows[0].Ingested.Equal(received) || rows[0].First.Month() != time.January || rows[0].Rule != "intel:c2:45.9.148.77" {
		t.Fatalf("%+v", rows)
	}
	created := rows[0].Created
	clock.Add(7200)
	write(t, file, "45.9.148.77\n45.9.148.78\n")
	once(t, h)
	if rows = alerts(); len(rows) != 2 {
		t.Fatalf("%d alerts after a second indicator, want 2", len(rows))
	}
	for _, r := range rows {
		if r.Rule == "intel:c2:45.9.148.77" && !r.Created.Equal(created) {
			t.Error("what was found before is found anew")
		}
	}
	hits, err := h.desk.HitsOf(t.Context(), "c2", 10)
	if err != nil || len(hits) != 2 || hits[0].Count != 1 {
		t.Errorf("%+v, %v", hits, err)
	}
	apiSays(t, h)
}

// apiSays asks the API for what the feeds say.
func apiSays(t *testing.T, h *house) {
	t.Helper()
	all, err := h.desk.NewToken(t.Context(), desk.Token{Name: "all", Accounts: []string{"*"}, Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	one, err := h.desk.NewToken(t.Context(), desk.Token{Name: "one", Accounts: []string{"111122223333"}, Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer((&api.Server{Version: "test", Desk: h.desk, Lake: h.lake, Intel: h.intel.Load, Log: h.log, Now: h.feeds.now}).Handler())
	defer server.Close()
	get := func(path, token string, into any) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // read to its end
		if into != nil && resp.StatusCode == http.StatusOK {
			if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
				t.Fatal(err)
			}
		}
		return resp.StatusCode
	}
	var feeds []struct {
		Name         string
		Hits, Loaded int
	}
	if code := get("/api/v1/intel", all, &feeds); code != 200 || len(feeds) != 1 || feeds[0].Hits != 2 || feeds[0].Loaded != 2 {
		t.Errorf("GET /api/v1/intel: %d, %+v", code, feeds)
	}
	if code := get("/api/v1/intel", one, nil); code != 403 {
		t.Errorf("hits of all accounts are shown to who sees one: %d", code)
	}
	var said struct{ Listed bool }
	if code := get("/api/v1/intel/check?value=hxxp%3A%2F%2F45.9.148.77%2F", one, &said); code != 200 || !said.Listed {
		t.Errorf("check: %d, %+v", code, said)
	}
	if code := get("/api/v1/intel/check?value=nonsense", one, nil); code != 422 {
		t.Errorf("check of nonsense: %d", code)
	}
}
