package simulate

import (
	"fmt"
	"slices"
	"time"
)

// attack is one story, written from a public incident report.
type attack struct {
	id, title, report string
	run               func(a *attackRun)
}

// attacks is the table of all attacks.
var attacks = []attack{leakedKeyMining, instanceCredentials, helpDeskTakeover, bucketRansom, modelHijack, mailFraud, trustBackdoor, insiderCopy, functionBackdoor, extortion, databaseRansom, foreignBuild, containerFoothold, organisationTakeover}

// AttackInfo names an attack.
type AttackInfo struct{ ID, Title, Report string }

// AttackList lists the attacks that there are.
func AttackList() []AttackInfo {
	var out []AttackInfo
	for _, a := range attacks {
		out = append(out, AttackInfo{a.id, a.title, a.report})
	}
	return out
}

// Labels say what was really done in a tree.
type Labels struct {
	Accounts int           `json:"accounts"`
	Days     int           `json:"days"`
	Attacks  []AttackLabel `json:"attacks"`
}

// AttackLabel is one attack with the ids of the events that record it.
type AttackLabel struct {
	ID     string      `json:"id"`
	Title  string      `json:"title"`
	Report string      `json:"report"`
	First  time.Time   `json:"first"`
	Last   time.Time   `json:"last"`
	Steps  []StepLabel `json:"steps"`
}

// StepLabel is one step of an attack. Tactic is ATT&CK's short name. An event is named by its own id (CloudTrail's eventID, GuardDuty's id@updatedAt),
// and a line of a log that has none by the object that it stands in and its number there: AWSLogs/….log.gz#17.
type StepLabel struct {
	Name     string   `json:"name"`
	Tactic   string   `json:"tactic"`
	EventIDs []string `json:"event_ids"`
}

// add names an event in a step, which is made where there is none of that name. when is what the attacker did; zero for what others say of it.
func (l *Labels) add(at *mark, id string, when time.Time) {
	a := &l.Attacks[at.attack]
	i := slices.IndexFunc(a.Steps, func(s StepLabel) bool { return s.Name == at.step && s.Tactic == at.tactic })
	if i < 0 {
		a.Steps = append(a.Steps, StepLabel{Name: at.step, Tactic: at.tactic})
		i = len(a.Steps) - 1
	}
	a.Steps[i].EventIDs = append(a.Steps[i].EventIDs, id)
	if !when.IsZero() {
		a.span(when)
	}
}

func (a *AttackLabel) span(at time.Time) {
	if a.First.IsZero() || at.Before(a.First) {
		a.First = at
	}
	if at.After(a.Last) {
		a.Last = at
	}
}

// attackRun is an attack while it is written.
type attackRun struct {
	*world
	label AttackLabel
}

// step begins the next step.
func (a *attackRun) step(tactic, name string) {
	a.label.Steps = append(a.label.Steps, StepLabel{Name: name, Tactic: tactic})
}

func (a *attackRun) add(id string, at time.Time) {
	if len(a.label.Steps) == 0 {
		a.step("initial-access", "first contact")
	}
	s := &a.label.Steps[len(a.label.Steps)-1]
	s.EventIDs = append(s.EventIDs, id)
	a.label.span(at)
}

// stranger is an account that is not the organisation's.
const stranger = "905418330271"

// look makes a number of read-only calls.
func (a *attackRun) look(who identity, refusedEvery int, calls ...string) {
	for i, c := range calls {
		a.jitter(6 * time.Second)
		service, name := c[:index(c)], c[index(c)+1:]
		opts := m{}
		if refusedEvery > 0 && i%refusedEvery == refusedEvery-1 {
			opts = denied(who, service, name)
		}
		a.call(who, service, name, nil, nil, opts)
	}
}

func index(s string) int {
	for i := range len(s) {
		if s[i] == ':' {
			return i
		}
	}
	return len(s) - 1
}

func (a *attackRun) tries(who identity, service, name string, request m) {
	a.call(who, service, name, request, nil, denied(who, service, name))
}

func instanceIDs(w *world, n int) []any {
	var out []any
	for range n {
		out = append(out, m{"instanceId": "i-" + w.hex(17)})
	}
	return out
}

func bucketKey(i int) string { return fmt.Sprintf("records/2026/%02d/batch-%05d.csv", 1+i%12, i) }
