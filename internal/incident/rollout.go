package incident

import (
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// RolloutReach is how long after somebody had a stack set rolled out its execution role's work in another account is taken for that. Ours: an
// operation over hundreds of accounts ends within hours.
const RolloutReach = 6 * time.Hour

// stackSets is under what grants of stack sets are listed: what the execution role does in a member account names no stack set.
const stackSets = "stack sets"

// executionRoles are the roles that CloudFormation works with for stack sets, where permissions are managed by hand and where Control Tower does.
// With permissions managed by Organizations the name begins with executionPrefix.
// Sources: AWS CloudFormation User Guide, "Prerequisites for stack set operations"; AWS managed policy
// CloudFormationStackSetsOrgAdminServiceRolePolicy; AWS Control Tower User Guide, "How AWS Control Tower works with roles".
var executionRoles = map[string]bool{"AWSCloudFormationStackSetExecutionRole": true, "AWSControlTowerExecution": true}

const executionPrefix = "stacksets-exec-"

// rolledOut reports whether an event is the work of a stack set: CloudFormation's, with an execution role. Whoever takes that role by
// hand comes from an address.
func rolledOut(c *finding.Card) bool {
	role, _, ok := aws.RoleOf(c.Principal)
	return ok && c.SrcIP == "" && (executionRoles[role] || strings.HasPrefix(role, executionPrefix))
}

// later orders grants by their time; of one time, the one of the earlier alert counts.
func (g grant) later(than grant) bool {
	return g.at.After(than.at) || g.at.Equal(than.at) && g.alert < than.alert
}

// rolloutLinks joins what stack sets did in an account with the alert whose origin had one rolled out last before that: the records in the
// account name neither the stack set nor the person.
func rolloutLinks(alerts []finding.Alert, below []finding.Signal) []Join {
	begun := grantsOf(alerts, below)[stackSets]
	if len(begun) == 0 {
		return nil
	}
	var out []Join
	for i := range alerts {
		a := &alerts[i]
		if len(a.Signals) == 0 || !rolledOut(&a.Signals[0].Event) {
			continue
		}
		last := -1
		for k, g := range begun {
			wait := a.First.Sub(g.at)
			if g.alert != i && wait >= 0 && wait <= RolloutReach && (last < 0 || g.later(begun[last])) {
				last = k
			}
		}
		if last >= 0 {
			out = append(out, Join{alerts[begun[last].alert].UID, a.UID, "is the work of a stack set that the other had rolled out", JoinWeight})
		}
	}
	return out
}
