package finding

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func rule(id string, l Level, tactics ...string) Rule {
	r := Rule{ID: id, Title: "Title of " + id, Level: l}
	for _, t := range tactics {
		r.Attacks = append(r.Attacks, Attack{Tactic: t})
	}
	return r
}

func signal(r Rule, origin string, after time.Duration) Signal {
	at := noon.Add(after)
	uid := UID(r.ID, origin, at.String())
	return Signal{
		UID: uid, Rule: r, Time: at, Sentence: origin + " acted", Subject: origin,
		Event: Card{UID: "e-" + uid, Time: at, Account: "111122223333", Origin: Entity{Type: "user", ID: origin}},
	}
}

func TestFoldMakesAStormOneAlert(t *testing.T) {
	r := rule("storm", Medium)
	var in []Signal
	for i := range 40 {
		in = append(in, signal(r, "alice", time.Duration(i)*time.Minute))
	}
	in = append(in, signal(r, "bob", 0), signal(r, "alice", 24*time.Hour))
	got := Fold(in, nil)
	if len(got) != 3 {
		t.Fatalf("%d alerts, want 3: one storm, one other origin, one other day", len(got))
	}
	storm := got[0]
	if storm.Origin.ID != "alice" {
		storm = got[1]
	}
	if storm.Count != 40 || len(storm.EventUIDs) != 40 || len(storm.Signals) != MaxKeptSignals {
		t.Errorf("count %d, events %d, signals kept %d", storm.Count, len(storm.EventUIDs), len(storm.Signals))
	}
	if !storm.First.Equal(noon) || !storm.Last.Equal(noon.Add(39*time.Minute)) {
		t.Errorf("from %v to %v", storm.First, storm.Last)
	}
}

func TestFoldDoesNotDependOnOrder(t *testing.T) {
	var in []Signal
	for i := range 30 {
		in = append(in, signal(rule([]string{"a", "b"}[i%2], Low), []string{"x", "y", "z"}[i%3], time.Duration(i)*time.Hour))
	}
	want := Fold(in, nil)
	for seed := range uint64(5) {
		rand.New(rand.NewPCG(seed, 7)).Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		if diff := cmp.Diff(want, Fold(in, nil)); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestWeighMovesAtMostOneStep(t *testing.T) {
	cases := []struct {
		name  string
		level Level
		in    Context
		want  Level
		steps int
	}{
		{"unknown context is neutral", Medium, Context{}, Medium, 0},
		{"two reasons up are one step", Medium, Context{CriticalAsset: true, NewNetwork: true}, High, 2},
		{"up and down cancel", Medium, Context{CriticalAsset: true, ProvenAutomation: true}, Medium, 2},
		{"automation lowers", High, Context{ProvenAutomation: true}, Medium, 1},
		{"critical stays", Critical, Context{CriticalAsset: true}, Critical, 1},
		{"informational is never raised", Informational, Context{CriticalAsset: true}, Informational, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := Alert{Rule: Rule{Level: c.level}}
			Weigh(&a, c.in)
			if a.Severity != c.want || len(a.Steps) != c.steps {
				t.Errorf("severity %v with %d steps, want %v with %d", a.Severity, len(a.Steps), c.want, c.steps)
			}
		})
	}
}

func TestPromote(t *testing.T) {
	weigh := func(in []Signal, c Context) []Alert {
		alerts := Fold(in, nil)
		for i := range alerts {
			Weigh(&alerts[i], c)
		}
		return alerts
	}
	tactics := []string{"discovery", "persistence", "impact", "collection", "exfiltration", "stealth", "execution"}
	var breadth, onlyDiscovery []Signal
	for i, tactic := range tactics {
		breadth = append(breadth, signal(rule("low-"+tactic, Low, tactic), "mallory", time.Duration(i)*time.Hour))
		onlyDiscovery = append(onlyDiscovery, signal(rule("list-"+tactic, Low, "discovery"), "auditor", time.Duration(i)*time.Hour))
	}
	cases := []struct {
		name      string
		alerts    []Alert
		promotion []string
	}{
		{"medium by level", weigh([]Signal{signal(rule("m", Medium), "alice", 0)}, Context{}), []string{"level"}},
		{"low stays", weigh([]Signal{signal(rule("l", Low), "alice", 0)}, Context{}), nil},
		{"low by context", weigh([]Signal{signal(rule("l", Low), "alice", 0)}, Context{CriticalAsset: true}), []string{"context"}},
		{"lows over many tactics by risk", weigh(breadth, Context{}), []string{"risk"}},
		{"listing alone never", weigh(onlyDiscovery, Context{}), nil},
		{"automation keeps a medium out", weigh([]Signal{signal(rule("m", Medium), "ci", 0)}, Context{ProvenAutomation: true}), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			queue, _ := Promote(c.alerts)
			var got []string
			for _, a := range queue {
				got = append(got, a.Promotion)
				if Sum(a.Parts) != a.Score || a.Score <= 0 {
					t.Errorf("score %v is not the sum of its parts %v", a.Score, a.Parts)
				}
			}
			if diff := cmp.Diff(c.promotion, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiminished(t *testing.T) {
	if Diminished(Medium, 1) != 20 || Diminished(Medium, 2) != 25 || Diminished(Medium, 1_000_000) != 40 || Diminished(Medium, 0) != 0 {
		t.Errorf("got %v %v %v", Diminished(Medium, 1), Diminished(Medium, 2), Diminished(Medium, 1_000_000))
	}
}

func TestLevelNames(t *testing.T) {
	for _, l := range Levels() {
		back, err := ParseLevel(l.String())
		if err != nil || back != l {
			t.Errorf("%v: %v, %v", l, back, err)
		}
	}
	if _, err := ParseLevel("urgent"); err == nil {
		t.Error("a level that does not exist was read")
	}
}
