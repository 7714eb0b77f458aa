package enrich

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// MaxRoles bounds the roles of which a Survey remembers who made them; maxMakings, how often one was made.
const (
	MaxRoles   = 100_000
	maxMakings = 8
)

// selfMadeReach is how long, in milliseconds, a role counts as made for whoever made it. Ours: what a pipeline deploys today and uses next week
// is its product; what it makes and steps into within a day is a way around what it was given.
const selfMadeReach = 24 * 60 * 60 * 1000

// making is that a role was made.
type making struct {
	By   caller
	Time int64
}

// learnRole remembers who made a role.
func (s *Survey) learnRole(e *ocsf.Event) {
	role := roleKey(e.Str(ocsf.CloudAccountUID), e.Text(at.roleName))
	if e.Text(at.errorCode) != "" || role == "" {
		return
	}
	s.made(role, making{ownedCaller(callerOf(e)), e.Millis})
}

// made keeps the earliest makings of a role, whatever their order.
func (s *Survey) made(role string, m making) {
	list, known := s.roles[role]
	if !known && len(s.roles) >= MaxRoles {
		s.overflow++
		return
	}
	at, there := slices.BinarySearchFunc(list, m, func(a, b making) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.By.ARN, b.By.ARN), cmp.Compare(a.By.AccessKey, b.By.AccessKey))
	})
	if there || at >= maxMakings {
		return
	}
	list = slices.Insert(slices.Clip(list), at, m)
	s.roles[role] = list[:min(len(list), maxMakings)]
	s.changes++
}

// roleKey is a role's name in its account, as sessions name it: without the path. Names do not differ by case alone.
func roleKey(account, name string) string {
	if account == "" || name == "" {
		return ""
	}
	return account + "/" + strings.ToLower(name)
}

// selfMade reports whether a chain went through a role that it, or who stands at its start, had made shortly before.
func (s *Survey) selfMade(origin caller, chain []string, now int64) bool {
	for _, session := range chain {
		arn, _ := aws.ParseARN(session)
		name, _, _ := aws.RoleOf(session)
		for _, m := range s.roles[roleKey(arn.Account, name)] {
			if m.Time > now || now-m.Time > selfMadeReach {
				continue
			}
			if slices.Contains(chain, m.By.ARN) {
				return true
			}
			if by, _, known := s.trace(m.By); known && by.ARN+by.Provider+by.Name == origin.ARN+origin.Provider+origin.Name {
				return true
			}
		}
	}
	return false
}
