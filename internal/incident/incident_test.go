package incident

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/finding"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// shared is a World in which the named addresses are used by that many origins.
type shared map[string]int

func (s shared) AddressUsers(ip string) int { return s[ip] }

// act is one signal in short form.
type act struct {
	rule   string
	level  finding.Level
	tactic string
	origin string
	after  time.Duration
	edit   func(*finding.Card)
}

func (a act) signal() finding.Signal {
	at := noon.Add(a.after)
	uid := finding.UID(a.rule, a.origin, at.String())
	s := finding.Signal{
		UID: uid, Time: at, Subject: a.origin, Sentence: a.origin + " did " + a.rule,
		Rule:  finding.Rule{ID: a.rule, Title: a.rule, Level: a.level, Attacks: []finding.Attack{{Tactic: a.tactic}}},
		Event: finding.Card{UID: "e" + uid, Time: at, Account: "111122223333", ActorKind: "user", Proof: "aws", Principal: a.origin, Origin: finding.Entity{Type: "user", ID: a.origin}, SrcIP: "198.51.100.7"},
	}
	if a.edit != nil {
		a.edit(&s.Event)
	}
	return s
}

func queue(acts ...act) []finding.Alert {
	var signals []finding.Signal
	for _, a := range acts {
		signals = append(signals, a.signal())
	}
	alerts := finding.Fold(signals, nil)
	for i := range alerts {
		finding.Weigh(&alerts[i], finding.Context{})
	}
	queue, _ := finding.Promote(alerts)
	return queue
}

func kind(k string) func(*finding.Card) { return func(c *finding.Card) { c.ActorKind = k } }
func key(id string) func(*finding.Card) {
	return func(c *finding.Card) { c.ActorKind, c.AccessKey = "automation", id }
}

func grants(id string) func(*finding.Card) {
	return func(c *finding.Card) { c.Grants = []finding.Entity{{Type: "user", ID: id}} }
}

func foreign(acc string) func(*finding.Card) {
	return func(c *finding.Card) { c.Resources = []finding.Entity{{Type: "external_account", ID: acc}} }
}

func starts(instance string) func(*finding.Card) {
	return func(c *finding.Card) {
		c.Operation, c.Grants = "RunInstances", []finding.Entity{{Type: "instance", ID: instance}}
	}
}

func about(instance string) func(*finding.Card) {
	return func(c *finding.Card) {
		c.ActorKind, c.SrcIP, c.Resources = "workload", "10.0.0.9", []finding.Entity{{Type: "instance", ID: instance}}
	}
}

func rollsOut(c *finding.Card) {
	c.Operation, c.Grants = "CreateStackInstances", []finding.Entity{{Type: "stack_set", ID: "baseline"}}
}

// works is what the execution role of stack sets does in a member account, by CloudFormation or from an address.
func works(role, from string) func(*finding.Card) {
	return func(c *finding.Card) {
		c.ActorKind, c.SrcIP, c.Principal = "role", from, "arn:aws:sts::444455556666:assumed-role/"+role+"/0123456789abcdef"
	}
}

// chained is a session behind which a role stands.
func chained(role string) func(*finding.Card) {
	return func(c *finding.Card) {
		c.ActorKind, c.Chain = "role", []string{"arn:aws:sts::444455556666:assumed-role/far/x", "arn:aws:sts::111122223333:assumed-role/" + role + "/x"}
	}
}

const (
	mined  = "i-0a1b2c3d4e5f60718"
	medium = finding.Medium
	high   = finding.High
)

func TestWhatJoins(t *testing.T) {
	cases := []struct {
		name string
		acts []act
		in   shared
		want int // incidents and loose alerts together: groups
	}{
		{"one origin in one stretch", []act{{"a", medium, "persistence", "alice", 0, nil}, {"b", medium, "impact", "alice", 5 * time.Hour, nil}}, nil, 1},
		{"one origin, a week apart", []act{{"a", medium, "persistence", "alice", 0, nil}, {"b", medium, "impact", "alice", 7 * 24 * time.Hour, nil}}, nil, 2},
		{"two origins at once in one account", []act{{"a", medium, "persistence", "alice", 0, nil}, {"b", medium, "impact", "bob", time.Minute, nil}}, nil, 2},
		{"a NAT address joins nothing", []act{{"a", medium, "persistence", "alice", 0, nil}, {"b", medium, "impact", "bob", time.Minute, nil}}, shared{"198.51.100.7": 40}, 2},
		{"a rare address joins", []act{{"a", medium, "persistence", "alice", 0, nil}, {"b", medium, "impact", "bob", time.Minute, nil}}, shared{"198.51.100.7": 2}, 1},
		{"a CI role joins nothing", []act{{"a", medium, "persistence", "ci", 0, kind("automation")}, {"b", medium, "impact", "ci", time.Minute, kind("automation")}}, nil, 2},
		{"one CI session joins", []act{{"a", medium, "persistence", "ci", 0, key("ASIA1")}, {"b", medium, "impact", "ci", time.Minute, key("ASIA1")}}, nil, 1},
		{"the user whose key was made", []act{{"a", medium, "persistence", "alice", 0, grants("bob")}, {"b", medium, "impact", "bob", 3 * time.Hour, nil}}, nil, 1},
		{"a key made afterwards joins nothing", []act{{"b", medium, "impact", "bob", 0, nil}, {"a", medium, "persistence", "alice", 3 * time.Hour, grants("bob")}}, nil, 2},
		{"an instance that the other started", []act{{"a", medium, "impact", "alice", 0, starts(mined)}, {"b", high, "impact", mined, 3 * time.Hour, about(mined)}}, nil, 1},
		{"an instance that a CI role's alert started", []act{{"a", medium, "impact", "ci", 0, func(c *finding.Card) { starts(mined)(c); kind("automation")(c) }}, {"b", high, "impact", mined, time.Hour, about(mined)}}, nil, 1},
		{"an instance that was started afterwards", []act{{"b", high, "impact", mined, 0, about(mined)}, {"a", medium, "impact", "alice", 3 * time.Hour, starts(mined)}}, nil, 2},
		{"an instance that nobody is known to have started", []act{{"a", medium, "impact", "alice", 0, nil}, {"b", high, "impact", mined, 3 * time.Hour, about(mined)}}, nil, 2},
		{"an instance that another than its own was started beside", []act{{"a", medium, "impact", "alice", 0, starts("i-0ffffffffffffffff")}, {"b", high, "impact", mined, 3 * time.Hour, about(mined)}}, shared{"10.0.0.9": 2}, 2},
		{"an instance of last quarter", []act{{"a", medium, "impact", "alice", 0, starts(mined)}, {"b", high, "impact", mined, 90 * 24 * time.Hour, about(mined)}}, nil, 2},
		{"a role behind a session that the other made", []act{{"a", medium, "persistence", "ci", 0, func(c *finding.Card) { grants("arn:aws:iam::111122223333:role/own")(c); kind("automation")(c) }}, {"b", medium, "impact", "job", time.Hour, chained("own")}}, nil, 1},
		{"a role behind a session that nobody made", []act{{"a", medium, "persistence", "ci", 0, func(c *finding.Card) { grants("arn:aws:iam::111122223333:role/own")(c); kind("automation")(c) }}, {"b", medium, "impact", "job", time.Hour, chained("other")}}, nil, 2},
		{"the work of a stack set that the other had rolled out", []act{{"a", medium, "persistence", "alice", 0, rollsOut}, {"b", medium, "persistence", "exec", time.Hour, works("stacksets-exec-0a1b", "")}}, nil, 1},
		{"the work of a stack set where permissions are managed by hand", []act{{"a", medium, "persistence", "alice", 0, rollsOut}, {"b", medium, "persistence", "exec", time.Hour, works("AWSCloudFormationStackSetExecutionRole", "")}}, nil, 1},
		{"the work of a stack set of yesterday", []act{{"a", medium, "persistence", "alice", 0, rollsOut}, {"b", medium, "persistence", "exec", 20 * time.Hour, works("stacksets-exec-0a1b", "")}}, nil, 2},
		{"the work of a stack set before it was rolled out", []act{{"b", medium, "persistence", "exec", 0, works("stacksets-exec-0a1b", "")}, {"a", medium, "persistence", "alice", time.Hour, rollsOut}}, nil, 2},
		{"an execution role that somebody took by hand", []act{{"a", medium, "persistence", "alice", 0, rollsOut}, {"b", medium, "persistence", "exec", time.Hour, works("AWSControlTowerExecution", "203.0.113.9")}}, nil, 2},
		{"an ordinary stack of a member account", []act{{"a", medium, "persistence", "alice", 0, rollsOut}, {"b", medium, "persistence", "deploy", time.Hour, works("deploy", "")}}, nil, 2},
		{"a stack set that nobody of an alert had rolled out", []act{{"a", medium, "persistence", "alice", 0, nil}, {"b", medium, "persistence", "exec", time.Hour, works("stacksets-exec-0a1b", "")}}, nil, 2},
		{"a common foreign account", []act{{"a", medium, "exfiltration", "alice", 0, foreign("444455556666")}, {"b", medium, "persistence", "bob", time.Hour, foreign("444455556666")}}, nil, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			incidents, loose := Build(queue(c.acts...), nil, c.in)
			if got := len(incidents) + len(loose); got != c.want {
				t.Errorf("%d groups, want %d", got, c.want)
			}
		})
	}
}

// TestTheLastRolloutCounts: of two people who had stack sets rolled out, what is done is the work of the later one.
func TestTheLastRolloutCounts(t *testing.T) {
	alerts := queue(act{"a", high, "persistence", "alice", 0, rollsOut}, act{"b", high, "persistence", "bob", time.Hour, rollsOut}, act{"c", high, "persistence", "exec", 2 * time.Hour, works("stacksets-exec-0a1b", "")})
	incidents, loose := Build(alerts, nil, shared{"198.51.100.7": 40})
	if len(incidents) != 2 || len(loose) != 0 {
		t.Fatalf("%d incidents and %d loose alerts", len(incidents), len(loose))
	}
	for i := range incidents {
		if who := incidents[i].Who; len(who) == 2 && who[0].ID != "bob" && who[1].ID != "bob" {
			t.Errorf("it stands with %v", who)
		}
	}
}

// TestLaunchesBelowTheQueueJoin: the call that started an instance need not be an alert, but it must be of the same story.
func TestLaunchesBelowTheQueueJoin(t *testing.T) {
	launch := func(origin string, after time.Duration, edit func(*finding.Card)) finding.Signal {
		return act{"launch", finding.Low, "execution", origin, after, edit}.signal()
	}
	counted := launch("alice", time.Hour, nil)
	counted.Related = []finding.Card{launch("alice", 50*time.Minute, starts(mined)).Event}
	for _, c := range []struct {
		name   string
		origin func(*finding.Card)
		below  finding.Signal
		want   int
	}{
		{"by the same person within the stretch", nil, launch("alice", time.Hour, starts(mined)), 1},
		{"as one of the calls that were counted", nil, counted, 1},
		{"by someone else", nil, launch("bob", time.Hour, starts(mined)), 2},
		{"by the same person a week before", nil, launch("alice", -7*24*time.Hour, starts(mined)), 2},
		{"by a role that many share", kind("automation"), launch("alice", time.Hour, starts(mined)), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			incidents, loose := Build(queue(act{"a", medium, "persistence", "alice", 0, c.origin}, act{"b", high, "impact", mined, 3 * time.Hour, about(mined)}), []finding.Signal{c.below}, shared{})
			if got := len(incidents) + len(loose); got != c.want {
				t.Errorf("%d groups, want %d", got, c.want)
			}
		})
	}
}

func TestSmallThingsAreNoIncident(t *testing.T) {
	if incidents, loose := Build(queue(act{"a", medium, "persistence", "alice", 0, nil}), nil, shared{}); len(incidents) != 0 || len(loose) != 1 {
		t.Errorf("one medium alert: %d incidents, %d loose", len(incidents), len(loose))
	}
	below := []finding.Signal{
		act{"x", finding.Low, "discovery", "alice", -time.Hour, nil}.signal(), act{"y", finding.Low, "discovery", "alice", -time.Minute, nil}.signal(),
		act{"z", finding.Low, "discovery", "bob", 0, nil}.signal(),
	}
	incidents, _ := Build(queue(act{"a", medium, "persistence", "alice", 0, nil}), below, shared{})
	if len(incidents) != 1 || len(incidents[0].Signals) != 2 {
		t.Fatalf("a medium with two other behaviours around it: %+v", incidents)
	}
}

func TestScoreIsItsSumAndBreadthRaises(t *testing.T) {
	incidents, _ := Build(queue(
		act{"enter", medium, "initial-access", "alice", 0, nil},
		act{"stay", medium, "persistence", "alice", time.Hour, nil},
		act{"take", medium, "exfiltration", "alice", 2 * time.Hour, nil},
	), nil, shared{})
	in := incidents[0]
	if finding.Sum(in.Parts) != in.Score || in.Score != 80 {
		t.Errorf("score %v, parts %v", in.Score, in.Parts)
	}
	if in.Severity != high || len(in.Steps) != 1 {
		t.Errorf("three behaviours over three tactics: severity %v, steps %v", in.Severity, in.Steps)
	}
	if want := "alice did enter, did stay, and did take"; in.Headline != want {
		t.Errorf("headline %q, want %q", in.Headline, want)
	}
}

func TestStoryFoldsAndDropsWhatIsTold(t *testing.T) {
	count := act{"twelve secrets read", high, "credential-access", "alice", 12 * time.Minute, nil}.signal()
	var acts []finding.Signal
	for i := range 12 {
		one := act{"secret read", finding.Low, "credential-access", "alice", time.Duration(i+1) * time.Minute, nil}.signal()
		acts = append(acts, one)
		count.Related = append(count.Related, one.Event)
	}
	count.Event = count.Related[11]
	lines := story(append(acts, count, act{"listed", finding.Low, "discovery", "alice", 0, nil}.signal()))
	if len(lines) != 2 || lines[1].Count != 12 || !strings.Contains(lines[1].Text, "twelve") {
		t.Fatalf("got %+v", lines)
	}
	repeated := story(acts)
	if len(repeated) != 1 || repeated[0].Count != 12 {
		t.Fatalf("repeated calls are not folded: %+v", repeated)
	}
}

func TestBuildDoesNotDependOnOrder(t *testing.T) {
	var acts []act
	for i := range 24 {
		acts = append(acts, act{string(rune('a' + i%5)), medium, []string{"persistence", "impact", "discovery"}[i%3], string(rune('p' + i%4)), time.Duration(i*i) * time.Hour, nil})
	}
	alerts := queue(acts...)
	want, wantLoose := Build(alerts, nil, shared{"198.51.100.7": 2})
	for seed := range uint64(5) {
		mixed := slices.Clone(alerts)
		rand.New(rand.NewPCG(seed, 3)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		got, loose := Build(mixed, nil, shared{"198.51.100.7": 2})
		if diff := cmp.Diff(want, got) + cmp.Diff(wantLoose, loose); diff != "" {
			t.Fatal(diff)
		}
	}
}
