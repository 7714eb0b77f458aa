package api

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// TestNothingOfAnotherAccountIsTold makes random organisations and a caller who sees some accounts of each, and asks all there is to ask: what
// is another account's own stands in no answer, head or body, and every answer, its counts too, is what it would be if the other accounts
// were not there at all. TOCSIN_SCOPES=n takes n seeds; TOCSIN_SCOPE_SEED=k the one that failed.
func TestNothingOfAnotherAccountIsTold(t *testing.T) {
	t.Parallel()
	if !duck.Available {
		t.Skip("this build has no search engine: build it with a C compiler")
	}
	seeds := []uint64{1}
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_SCOPES")); err == nil {
		seeds = nil
		for k := range n {
			seeds = append(seeds, uint64(k)+1) //nolint:gosec // a count
		}
	}
	if k, err := strconv.ParseUint(os.Getenv("TOCSIN_SCOPE_SEED"), 10, 64); err == nil {
		seeds = []uint64{k}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			scopeHolds(t, seed)
		})
	}
}

func scopeHolds(t *testing.T, seed uint64) {
	w := newWorld(seed)
	r := rand.New(rand.NewPCG(seed, 77))
	order := r.Perm(len(w.tenants))
	sees := order[:1+r.IntN(len(order)-2)]
	p := &prying{t: t, seed: seed, world: w, sees: sees}
	p.full, p.fullToken = p.place(func(int) bool { return true })
	p.alone, p.aloneToken = p.place(func(i int) bool { return slices.Contains(sees, i) })
	p.lists()
	p.searches()
	p.entities()
	p.assistants()
	p.evidence()
	p.live()
	if p.asked < 60 {
		t.Errorf("seed %d: only %d questions were asked", seed, p.asked)
	}
}

// prying asks two sites the same: one with all accounts, one with the caller's alone.
type prying struct {
	t                     *testing.T
	seed                  uint64
	world                 *world
	sees                  []int
	full, alone           *site
	fullToken, aloneToken string
	asked                 int
}

func (p *prying) place(keep func(int) bool) (*site, string) {
	s := newSite(p.t, nil)
	p.world.put(s, keep)
	p.world.hunts(s, "narrow")
	return s, p.world.narrow(p.t.Context(), s, p.sees)
}

// clean fails where a text tells what is an unseen account's own. What was asked for is no news.
func (p *prying) clean(what, asked, text string) {
	p.t.Helper()
	lower, asked := strings.ToLower(text), strings.ToLower(asked)
	for i, x := range p.world.tenants {
		if slices.Contains(p.sees, i) {
			continue
		}
		for _, secret := range []string{x.account, x.mark, x.address} {
			if at := strings.Index(lower, secret); at >= 0 && !strings.Contains(asked, secret) {
				p.t.Errorf("seed %d: %s tells %s of account %d: …%s…", p.seed, what, secret, i, text[max(0, at-150):min(len(text), at+80)])
			}
		}
	}
}

// ask asks both, and compares.
func (p *prying) ask(method, path, body string) {
	p.t.Helper()
	p.asked++
	full := p.full.tell(method, path, p.fullToken, body)
	alone := p.alone.tell(method, path, p.aloneToken, body)
	p.clean(method+" "+path+" "+body, path+body, fmt.Sprint(full.header)+full.body)
	if full.status != alone.status {
		p.t.Errorf("seed %d: %s %s %s: %d, and %d where the other accounts are not there: %.300s", p.seed, method, path, body, full.status, alone.status, full.body)
		return
	}
	if d := cmp.Diff(still(alone.body), still(full.body)); d != "" {
		p.t.Errorf("seed %d: %s %s %s: the answer depends on accounts that are not seen (- without, + with them):\n%.2000s", p.seed, method, path, body, d)
	}
}

// moving are the keys of what differs from one time to the next. files and bytes say what a question read of the lake, which is one for
// all accounts: docs/access.md says so.
var moving = []string{"millis", "files", "bytes", "seq", "expires_at", "change_id", "id"}

// still is an answer without what moves.
func still(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			for _, k := range moving {
				delete(x, k)
			}
			for _, item := range x {
				walk(item)
			}
		case []any:
			for _, item := range x {
				walk(item)
			}
		}
	}
	walk(v)
	return v
}

// unseen are tenants that the caller does not see.
func (p *prying) unseen() (out []tenant) {
	for i, x := range p.world.tenants {
		if !slices.Contains(p.sees, i) {
			out = append(out, x)
		}
	}
	return out
}

func (p *prying) lists() {
	for _, path := range []string{
		"incidents?limit=1000&withdrawn=true", "alerts?limit=1000&withdrawn=true", "alerts?sort=rank&limit=1", "alerts?limit=1", "alerts?suppressed=true", "incidents?limit=1&sort=newest", "alerts?verdict=false_positive", "alerts?rule=" + p.world.rules[0],
		"precision", "rules", "rules/" + p.world.rules[0], "attack", "coverage", "hunts", "hunts/mine", "people/names", "evidence", "audit", "sources", "intel", "tunings", "settings", "ledger", "deadletters", "sessions", "tokens", "people", "session",
	} {
		p.ask("GET", "/api/v1/"+path, "")
	}
	for k, list := range p.world.incidents {
		if len(list) > 0 {
			uid := p.world.incidentUID(k)
			p.ask("GET", "/api/v1/incidents/"+uid, "")
			p.ask("GET", "/api/v1/incidents/"+uid+"/decision", "")
			p.ask("GET", "/api/v1/alerts?incident="+uid, "")
		}
	}
	for k := range p.world.alerts {
		p.ask("GET", "/api/v1/alerts/"+p.world.alert(k).UID, "")
		p.ask("GET", "/api/v1/alerts/"+p.world.alert(k).UID+"/decision", "")
	}
	for _, x := range p.unseen() {
		p.ask("GET", "/api/v1/alerts?q="+x.mark, "")
		p.ask("GET", "/api/v1/incidents?q="+x.mark, "")
		p.ask("GET", "/api/v1/hunts/theirs-"+x.mark, "")
	}
}

func (p *prying) searches() {
	var seen []string
	for _, i := range p.sees {
		seen = append(seen, "'"+p.world.tenants[i].account+"'")
	}
	sigma := "title: t\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  a: {sourceIPAddress: " + sharedAddress + "}\n  condition: a\n"
	for _, q := range []map[string]any{
		{"sql": "SELECT account, count(*) AS n, count(DISTINCT src_ip), min(raw_data), max(raw_data) FROM events GROUP BY ALL ORDER BY ALL"},
		{"sql": "SELECT * EXCLUDE (batch_id, processed) FROM events ORDER BY time_dt, metadata.uid"},
		{"sql": "SELECT count(*), approx_count_distinct(resource), (SELECT string_agg(DISTINCT principal ORDER BY principal) FROM events) FROM events"},
		{"sql": "SELECT max(principal || 'x')::INT + min(resource)::INT FROM events"}, // what cannot be converted stands in the error
		{"sql": "SELECT error(min(raw_data)) FROM events WHERE src_ip LIKE '203.%'"},  // and so does this
		{"sql": "SELECT error(raw_data) FROM events WHERE account NOT IN (" + strings.Join(seen, ", ") + ")"},
		{"sql": "SELECT CASE WHEN count(*) > 0 THEN error('some') END FROM events WHERE src_ip = '" + p.unseen()[0].address + "'"},
		{"sql": "SELECT * FROM (PIVOT events ON account USING count(*) GROUP BY region)"},
		{"sql": "FROM events SELECT DISTINCT account ORDER BY account", "rows": 1},
	} {
		text, _ := json.Marshal(q)
		p.ask("POST", "/api/v1/search", string(text))
	}
	for _, q := range []map[string]any{{"filter": "src_ip = '" + sharedAddress + "'"}, {"sigma": sigma}, {"sql": "SELECT origin, count(*) FROM events GROUP BY 1 ORDER BY 1"}, {"filter": "account = '" + p.unseen()[0].account + "'"}} {
		text, _ := json.Marshal(q)
		p.ask("POST", "/api/v1/hunt", string(text))
	}
	p.ask("POST", "/api/v1/hunts/mine/run", "")
}

func (p *prying) entities() {
	x := p.unseen()[0]
	for _, e := range []url.Values{{"kind": {"ip"}, "value": {sharedAddress}}, {"kind": {"account"}, "value": {x.account}}} {
		p.ask("GET", "/api/v1/entity?"+e.Encode(), "")
	}
	p.ask("GET", "/api/v1/graph?depth=2&"+url.Values{"kind": {"ip"}, "value": {sharedAddress}}.Encode(), "")
	p.ask("GET", "/api/v1/graph?"+url.Values{"kind": {"ip"}, "value": {x.address}}.Encode(), "")
	for _, value := range []string{sharedAddress, x.mark + "-bucket", p.world.tenants[p.sees[0]].account} {
		text, _ := json.Marshal(map[string]any{"value": value})
		p.ask("POST", "/api/v1/pivot", string(text))
	}
	if nobodys, theirs := p.read("nobody-has-this"), p.read(x.mark+"-bucket"); nobodys == "" || nobodys != theirs {
		p.t.Errorf("seed %d: a pivot reads %s for what nobody holds, and %s for what an account holds that is not seen", p.seed, nobodys, theirs)
	}
}

// read is what a pivot on a value says that it asked and read in columns: ask takes no count of files for news.
func (p *prying) read(value string) string {
	p.asked++
	var got struct {
		Searched []struct {
			Asked struct {
				SQL          string
				Files, Bytes int64
			}
		}
	}
	a := p.full.tell("POST", "/api/v1/pivot", p.fullToken, `{"value":"`+value+`","depth":"columns"}`)
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || len(got.Searched) == 0 || got.Searched[0].Asked.Files == 0 {
		p.t.Errorf("seed %d: pivot: %v %s", p.seed, err, a.body)
		return ""
	}
	return fmt.Sprint(got.Searched[0].Asked)
}

func (p *prying) assistants() {
	full, alone := p.full.assistant(p.fullToken), p.alone.assistant(p.aloneToken)
	for _, x := range []struct {
		tool string
		in   map[string]any
	}{
		{"incident", nil},
		{"incident", map[string]any{"uid": p.world.incidentUID(p.some())}},
		{"explain", map[string]any{"alert": p.world.alert(0).UID}},
		{"explain", map[string]any{"rule": p.world.rules[0]}},
		{"coverage", nil},
		{"coverage", map[string]any{"of": "attack"}},
		{"search", map[string]any{"filter": "src_ip = '" + sharedAddress + "'"}},
		{"entity", map[string]any{"kind": "ip", "value": sharedAddress}},
	} {
		p.asked++
		got, _ := p.full.call(full, x.tool, x.in)
		want, _ := p.alone.call(alone, x.tool, x.in)
		what := fmt.Sprint("the tool ", x.tool, " ", x.in)
		p.clean(what, what, got)
		if d := cmp.Diff(inside(want), inside(got)); d != "" {
			p.t.Errorf("seed %d: %s depends on accounts that are not seen:\n%.2000s", p.seed, what, d)
		}
	}
}

// some is an incident that is there.
func (p *prying) some() int {
	return slices.IndexFunc(p.world.incidents, func(list []int) bool { return len(list) > 0 })
}

// inside is the JSON between the marks of an answer to an assistant.
func inside(text string) any {
	a, b := strings.IndexByte(text, '{'), strings.LastIndexByte(text, '}')
	if l := strings.IndexByte(text, '['); l >= 0 && (a < 0 || l < a) {
		a, b = l, strings.LastIndexByte(text, ']')
	}
	if a < 0 || b < a {
		return text
	}
	return still(text[a : b+1])
}

// evidence freezes every incident as who sees all, and exports what the caller can.
func (p *prying) evidence() {
	s, exported := p.full, 0
	for k, list := range p.world.incidents {
		if len(list) == 0 {
			continue
		}
		a := s.tell("POST", "/api/v1/evidence", s.tokens["admin all"], `{"why":"w","incident":"`+p.world.incidentUID(k)+`"}`)
		var got struct{ ID string }
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
			p.t.Fatal(a, err)
		}
		for _, form := range []string{"zip", "html"} {
			p.asked++
			a := s.tell("POST", "/api/v1/evidence/"+got.ID+"/export", p.fullToken, `{"format":"`+form+`","why":"w"}`)
			if a.status == 200 {
				exported++
			}
			p.clean("the export as "+form+" of incident "+strconv.Itoa(k), "", fmt.Sprint(a.header)+a.body+p.unpacked(form, a))
		}
	}
	a := s.ask("GET", "/api/v1/evidence", p.fullToken, nil)
	p.clean("the list of evidence", "", a.body)
	p.t.Logf("seed %d: %d of %d accounts seen, %d questions, %d exports", p.seed, len(p.sees), len(p.world.tenants), p.asked, exported)
}

func (p *prying) unpacked(form string, a answered) string {
	if form != "zip" || a.status != 200 {
		return ""
	}
	z, err := zip.NewReader(bytes.NewReader([]byte(a.body)), int64(len(a.body)))
	if err != nil {
		p.t.Fatal(err)
	}
	var out strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			p.t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			p.t.Fatal(err)
		}
		out.WriteString(f.Name + "\n" + string(raw))
	}
	return out.String()
}

// live hears all changes that there ever were, up to one that it may hear.
func (p *prying) live() {
	s := p.full
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	now, mine := time.Now(), p.world.tenants[p.sees[0]].account
	last := finding.Alert{UID: "the-last-one", Severity: finding.High, First: now, Last: now, Account: mine, Accounts: []string{mine}}
	if err := s.desk.Save(ctx, &desk.Conclusion{Partition: "9", Position: 1, Findings: true, Now: now, Loose: []finding.Alert{last}}); err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/live", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.fullToken)
	req.Header.Set("Last-Event-ID", "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	p.clean("the live stream's head", "", fmt.Sprint(resp.Header))
	heard := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		p.clean("the live stream", "", lines.Text())
		if strings.HasPrefix(lines.Text(), "data:") {
			heard++
		}
		if strings.Contains(lines.Text(), "the-last-one") {
			return
		}
	}
	p.t.Errorf("seed %d: the live stream ended after %d changes: %v", p.seed, heard, ctx.Err())
}
