//go:build cgo

package hunt_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/hunt"
)

// The intruder of the simulated organisation: who was taken over, and the user that was made use of.
const (
	takenOver = "person:viktor.chen@example.org"
	backup    = "arn:aws:iam::210987650003:user/svc-backup-agent"
)

func TestProfileSaysWhatIsNew(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	v := investigator(o.lake)
	busiest := rows(t, o.lake, "SELECT origin FROM events WHERE origin LIKE 'person:%' GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")[0][0]
	p, err := v.Entity(t.Context(), access.Everything(), hunt.EntityQuery{Kind: "origin", Value: busiest})
	if err != nil {
		t.Fatal(err)
	}
	if p.Now == 0 || p.Events < p.Now || !p.First.Before(p.Last) || !p.Support.Enough || p.Support.Events+p.Now != p.Events {
		t.Errorf("events %d in all, %d in the window, %+v before, seen %s to %s", p.Events, p.Now, p.Support, p.First, p.Last)
	}
	standings := map[hunt.Standing]int{}
	for _, panel := range p.Panels {
		for _, h := range panel.Habits {
			standings[h.Standing]++
			if isNew := h.Now > 0 && h.Before == 0; panel.Name != "hours" && isNew != (h.Standing == hunt.New) {
				t.Errorf("%s %s: %d now, %d before, and it is %s", panel.Name, h.Key, h.Now, h.Before, h.Standing)
			}
		}
	}
	if standings[hunt.Usual] == 0 || standings[hunt.Past] == 0 {
		t.Errorf("standings %v", standings)
	}
	if len(p.Origins) != 1 || p.Origins[0] != busiest {
		t.Errorf("origins %v", p.Origins)
	}
	stranger, err := v.Entity(t.Context(), access.Everything(), hunt.EntityQuery{Kind: "origin", Value: backup})
	if err != nil {
		t.Fatal(err)
	}
	if stranger.Support.Enough || len(stranger.New) > 0 || !strings.Contains(strings.Join(stranger.Notes, "\n"), "too little history") {
		t.Errorf("of one without a history: %+v, new %v, %v", stranger.Support, stranger.New, stranger.Notes)
	}
}

// TestChainLeadsToWhoTookTheSession starts at a session and wants the caller who asked for it.
func TestChainLeadsToWhoTookTheSession(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	taken := rows(t, o.lake, "SELECT json_extract_string(api.response.data, '$.assumedRoleUser.arn'), principal FROM events WHERE operation = 'AssumeRole' AND principal IS NOT NULL AND json_extract_string(api.response.data, '$.assumedRoleUser.arn') IN (SELECT session FROM events) ORDER BY time_dt LIMIT 1")
	if len(taken) == 0 {
		t.Fatal("nobody of the organisation takes a role and uses it")
	}
	p, err := investigator(o.lake).Entity(t.Context(), access.Everything(), hunt.EntityQuery{Kind: "session", Value: taken[0][0]})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Chain) == 0 || p.Chain[0].As != taken[0][0] || p.Chain[0].By != taken[0][1] {
		t.Errorf("chain %+v, want one that begins with %v", p.Chain, taken[0])
	}
}

// TestEachPanelShowsItsOwnQuestion asks every panel's SQL by itself.
func TestEachPanelShowsItsOwnQuestion(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	p, err := investigator(o.lake).Entity(t.Context(), access.Everything(), hunt.EntityQuery{Kind: "origin", Value: takenOver})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hours", "apis", "agents"} {
		i := slices.IndexFunc(p.Panels, func(x hunt.Panel) bool { return x.Name == name })
		from, to := p.Panels[i].Asked.From.Format("2006-01-02 15:04:05.999"), p.Panels[i].Asked.To.Format("2006-01-02 15:04:05.999")
		sql := strings.Replace(p.Panels[i].Asked.SQL, "FROM events WHERE ", "FROM events WHERE time_dt >= '"+from+"' AND time_dt < '"+to+"' AND ", 1)
		got := map[string]string{}
		for _, r := range rows(t, o.lake, sql, p.Panels[i].Asked.Args...) {
			got[r[1]] = r[2] + " " + r[3]
		}
		want := map[string]string{}
		for _, h := range p.Panels[i].Habits {
			want[h.Key] = itoa(h.Now) + " " + itoa(h.Before)
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("%s: the panel and its question differ (-panel +question):\n%s", name, diff)
		}
	}
}

// TestNeighbourhoodHoldsTheAttack wants every step of the attack among what the graph of the one taken over ties together.
func TestNeighbourhoodHoldsTheAttack(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	first, last := o.labels.Attacks[0].First, o.labels.Attacks[0].Last
	g, err := investigator(o.lake).Graph(t.Context(), access.Everything(), hunt.GraphQuery{Kind: "origin", Value: takenOver, From: first.Add(-time.Minute), To: last.Add(time.Minute), Depth: 3, Nodes: 300})
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]hunt.Node{}
	for _, n := range g.Nodes {
		nodes[n.ID] = n
	}
	for _, want := range []string{"user:" + backup, "origin:" + backup, "access_key:AKIASVCXBACKUPXAGENT", "ip:45.134.140.12", "ip:146.70.41.77", "secret:prod/service-a/credentials"} {
		if _, there := nodes[want]; !there {
			t.Errorf("%s is not in the neighbourhood", want)
		}
	}
	operations := map[string]bool{}
	for _, e := range g.Edges {
		for _, op := range e.Operations {
			operations[op] = true
		}
	}
	for _, s := range o.labels.Attacks[0].Steps {
		found := false
		for _, id := range s.EventIDs {
			for _, r := range rows(t, o.lake, "SELECT operation FROM events WHERE metadata.uid = $1", id) {
				found = found || operations[r[0]]
			}
		}
		if !found {
			t.Errorf("the step %q (%s) is on no edge", s.Name, s.Tactic)
		}
	}
	if nodes["ip:45.134.140.12"].Others != 0 || nodes["account:210987650003"].Others == 0 {
		t.Errorf("others: the intruder's address %d, the account %d", nodes["ip:45.134.140.12"].Others, nodes["account:210987650003"].Others)
	}
	small, err := investigator(o.lake).Graph(t.Context(), access.Everything(), hunt.GraphQuery{Kind: "origin", Value: takenOver, Nodes: 5})
	if err != nil || len(small.Nodes) > 5 || len(small.Notes) == 0 || !strings.Contains(strings.Join(small.Notes, "\n"), "left out") {
		t.Errorf("a small neighbourhood: %d nodes, %v, %v", len(small.Nodes), small.Notes, err)
	}
}

func TestPivotFindsEveryMention(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	v := investigator(o.lake)
	p, err := v.Pivot(t.Context(), access.Everything(), hunt.PivotQuery{Value: "AKIASVCXBACKUPXAGENT", Depth: hunt.DepthRecords, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	want := rows(t, o.lake, "SELECT count(*) FROM events WHERE contains(raw_data, $1)", "AKIASVCXBACKUPXAGENT")[0][0]
	if itoa(int64(len(p.Sightings))) != want {
		t.Errorf("%d sightings, want %s", len(p.Sightings), want)
	}
	if !slices.IsSortedFunc(p.Sightings, func(a, b hunt.Sighting) int { return a.Time.Compare(b.Time) }) {
		t.Error("they are not in time order")
	}
	if len(p.Searched) != 3 {
		t.Errorf("searched %d places", len(p.Searched))
	}
	for _, s := range p.Sightings[1:] {
		if !slices.Contains(s.As, "access_key") && !slices.Contains(s.As, "raw_data") {
			t.Errorf("%s is there as %v", s.Event, s.As)
		}
	}
	few, err := v.Pivot(t.Context(), access.Everything(), hunt.PivotQuery{Value: "210987650003", Limit: 10})
	if err != nil || len(few.Sightings) != 10 || !few.More {
		t.Errorf("a cut pivot: %d, more %v, %v", len(few.Sightings), few.More, err)
	}
}

// TestScope asks everything as somebody who sees one account: no answer may name what is only in others.
func TestScope(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	v := investigator(o.lake)
	const mine = "210987650005"
	scope := access.Accounts(mine)
	var all strings.Builder // every record and origin of my account
	for _, r := range rows(t, o.lake, "SELECT raw_data, coalesce(origin, '') FROM events WHERE account = '"+mine+"'") {
		all.WriteString(r[0] + "\n" + r[1] + "\n")
	}
	own := all.String()
	inMine := func(value string) bool { return strings.Contains(own, value) }
	busiest := rows(t, o.lake, "SELECT origin FROM events WHERE origin LIKE 'person:%' AND account = '"+mine+"' GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")[0][0]
	for kind, value := range map[string]string{"origin": busiest, "account": "210987650003", "ip": "194.25.17.80"} {
		p, err := v.Entity(t.Context(), scope, hunt.EntityQuery{Kind: kind, Value: value})
		if err != nil {
			t.Fatal(err)
		}
		for _, panel := range p.Panels {
			for _, h := range panel.Habits {
				if panel.Name == "accounts" && h.Key != mine || !inMine(h.Key) && (panel.Name == "addresses" || panel.Name == "sessions" || panel.Name == "access_keys") {
					t.Errorf("the profile of %s names %s, of the panel %s", value, h.Key, panel.Name)
				}
			}
		}
		g, err := v.Graph(t.Context(), scope, hunt.GraphQuery{Kind: kind, Value: value})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range g.Nodes {
			if n.Step > 0 && n.Kind != "object_prefix" && !inMine(strings.TrimPrefix(n.Value, "arn:aws:iam::"+mine+":user/")) {
				t.Errorf("the graph of %s names %s, which only others have", value, n.ID)
			}
		}
		for name, sc := range map[string]access.Scope{"one account": scope, "none": {}} {
			pv, err := v.Pivot(t.Context(), sc, hunt.PivotQuery{Value: value, Depth: hunt.DepthRecords, Limit: 50_000})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range pv.Sightings {
				if s.Account != mine {
					t.Errorf("%s: the pivot on %s shows an event of %s", name, value, s.Account)
				}
			}
			if name == "none" && len(pv.Sightings) > 0 {
				t.Errorf("who sees nothing is shown %d events", len(pv.Sightings))
			}
		}
	}
}

func TestHostileValuesAreValues(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	v := investigator(o.lake)
	for name, value := range map[string]string{
		"quote": "' OR true OR '", "double": `" OR 1=1 --`, "nul": "a\x00b", "dollar": "$1", "long": strings.Repeat("x'\"", 350_000), "broken": "\xff\xfe", "star": "%", "semicolon": "x'; DROP VIEW events; --",
	} {
		p, err := v.Pivot(t.Context(), access.Everything(), hunt.PivotQuery{Value: value, Depth: hunt.DepthColumns})
		if err != nil || len(p.Sightings) > 0 {
			t.Errorf("pivot on %s: %v, %v", name, p, err)
		}
		if name != "quote" && name != "long" {
			continue
		}
		e, err := v.Entity(t.Context(), access.Everything(), hunt.EntityQuery{Kind: "ip", Value: value})
		if err != nil || e.Events > 0 {
			t.Errorf("entity %s: %v", name, err)
		}
	}
	var mistake hunt.MistakeError
	if _, err := v.Entity(t.Context(), access.Everything(), hunt.EntityQuery{Kind: "planet", Value: "x"}); !errors.As(err, &mistake) {
		t.Errorf("an unknown kind: %v", err)
	}
	if _, err := v.Pivot(t.Context(), access.Everything(), hunt.PivotQuery{}); !errors.As(err, &mistake) {
		t.Errorf("an empty value: %v", err)
	}
	for days, fits := range map[int]bool{400: true, 402: false, 3_000_000: false} {
		p, err := v.Entity(t.Context(), access.Everything(), hunt.EntityQuery{Kind: "ip", Value: "198.51.100.1", From: now.AddDate(0, 0, -days), To: now})
		if fits && (err != nil || len(p.Risk.Days) < days) || !fits && !errors.As(err, &mistake) {
			t.Errorf("a profile of %d days: %v", days, err)
		}
	}
}

// TestEveryPlaceReads puts the expression of every kind to the lake.
func TestEveryPlaceReads(t *testing.T) {
	t.Parallel()
	o := simulated(t)
	var parts []string
	for _, k := range hunt.Kinds() {
		for _, p := range k.Places {
			only := "true"
			if p.Only != "" {
				only = p.Only
			}
			parts = append(parts, "SELECT '"+k.Name+" "+strings.ReplaceAll(p.Path, "'", "")+"' AS place, count("+p.SQL+") AS n FROM events WHERE "+only)
		}
	}
	found := map[string]bool{}
	for _, r := range rows(t, o.lake, strings.Join(parts, " UNION ALL ")) {
		if r[1] != "0" {
			kind, _, _ := strings.Cut(r[0], " ")
			found[kind] = true
		}
	}
	for _, kind := range []string{"origin", "principal", "session", "access_key", "account", "ip", "user_agent", "bucket", "role", "user", "secret", "resource", "object_prefix"} {
		if !found[kind] {
			t.Errorf("no event of the organisation names a %s", kind)
		}
	}
}
