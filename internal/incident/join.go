package incident

import (
	"fmt"
	"sort"
	"time"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// How alerts are joined.
const (
	// JoinWeight is the sum of link weights at which two alerts stand in one incident.
	JoinWeight = 1.0
	// ActivityGap is the longest silence within one stretch of activity of an origin. Ours: a working day apart is
	// still one story, a long weekend is not.
	ActivityGap = 48 * time.Hour
	// GrantReach is how long after an identity was made usable, or an instance started, what comes of it is still that story.
	GrantReach = 30 * 24 * time.Hour
	// RareUsers is the most origins that may share an address or foreign account for it to link them.
	RareUsers = 3
)

// World is what incidents ask of the history: how many origins use an address.
type World interface {
	AddressUsers(ip string) int
}

// links draws all links between alerts, which are in time order.
func links(alerts []finding.Alert, below []finding.Signal, world World) []Join {
	var out []Join
	out = append(out, originLinks(alerts)...)
	out = append(out, grantLinks(alerts, below)...)
	out = append(out, rolloutLinks(alerts, below)...)
	out = append(out, sharedLinks(alerts, world)...)
	out = append(out, reportLinks(alerts, world)...)
	return out
}

// joinsByOrigin reports whether being of one origin means being of one story. Shared identities (CI and services) run many
// unrelated jobs: only their session keys link.
func joinsByOrigin(a *finding.Alert) bool {
	switch actorKind(a) {
	case "automation", "aws_service", "service_linked_role", "anonymous", "unknown", "":
		return false
	}
	return a.Origin.ID != ""
}

func actorKind(a *finding.Alert) string {
	if len(a.Signals) == 0 {
		return ""
	}
	return a.Signals[0].Event.ActorKind
}

// originLinks chains alerts of one origin while the gap between them is below ActivityGap.
func originLinks(alerts []finding.Alert) []Join {
	latest := map[string]int{}
	var out []Join
	for i := range alerts {
		a := &alerts[i]
		if !joinsByOrigin(a) {
			continue
		}
		if j, ok := latest[a.Origin.ID]; ok {
			if a.First.Sub(alerts[j].Last) <= ActivityGap {
				out = append(out, Join{alerts[j].UID, a.UID, "same origin " + a.Origin.ID, JoinWeight})
			}
			if alerts[j].Last.After(a.Last) {
				continue
			}
		}
		latest[a.Origin.ID] = i
	}
	return out
}

// grant is what one event of an alert's story made usable.
type grant struct {
	at    time.Time
	alert int
}

// grantsOf lists by id what the events of each alert made usable. An instance, and a stack set, counts also where the call that started it is
// no part of an alert: a signal below the queue, of the same origin and within the stretch of the alert, is its story too.
func grantsOf(alerts []finding.Alert, below []finding.Signal) map[string][]grant {
	out := map[string][]grant{}
	take := func(c *finding.Card, alert int, beside bool) {
		for _, g := range c.Grants {
			switch {
			case g.Type == "stack_set":
				out[stackSets] = append(out[stackSets], grant{c.Time, alert})
			case !beside || g.Type == "instance":
				out[g.ID] = append(out[g.ID], grant{c.Time, alert})
			}
		}
	}
	byOrigin := map[string][]int{}
	for i := range alerts {
		if joinsByOrigin(&alerts[i]) {
			byOrigin[alerts[i].Origin.ID] = append(byOrigin[alerts[i].Origin.ID], i)
		}
		for k := range alerts[i].Signals {
			s := &alerts[i].Signals[k]
			take(&s.Event, i, false)
			for r := range s.Related {
				take(&s.Related[r], i, false)
			}
		}
	}
	for k := range below {
		s := &below[k]
		for _, i := range byOrigin[s.Event.Origin.ID] {
			if s.Time.Before(alerts[i].First.Add(-ActivityGap/2)) || s.Time.After(alerts[i].Last.Add(ActivityGap/2)) {
				continue
			}
			for _, c := range append([]finding.Card{s.Event}, s.Related...) {
				take(&c, i, true)
			}
		}
	}
	return out
}

// grantLinks joins an alert that made an identity or key usable, or started an instance, with later alerts of which that is a part.
func grantLinks(alerts []finding.Alert, below []finding.Signal) []Join {
	granted := grantsOf(alerts, below)
	found := map[Join]bool{}
	for i := range alerts {
		a := &alerts[i]
		for id, how := range identities(a) {
			for _, g := range granted[id] {
				wait := a.Last.Sub(g.at)
				if g.alert != i && wait >= 0 && wait <= GrantReach && alerts[g.alert].Origin.ID != id {
					found[Join{alerts[g.alert].UID, a.UID, how + ": " + id, JoinWeight}] = true
				}
			}
		}
	}
	out := make([]Join, 0, len(found))
	for j := range found {
		out = append(out, j)
	}
	sortJoins(out)
	return out
}

// identities lists what an alert acts as (origin, principals, roles of the chain, access keys) and the instances that it is about, each with
// how a grant of it joins.
func identities(a *finding.Alert) map[string]string {
	const usable = "acts with the %s that the other made usable"
	out := map[string]string{a.Origin.ID: fmt.Sprintf(usable, "identity")}
	for k := range a.Signals {
		c := &a.Signals[k].Event
		out[c.Principal] = fmt.Sprintf(usable, "identity")
		out[roleARN(c.Principal)] = fmt.Sprintf(usable, "role")
		if c.AccessKey != "" {
			out[c.AccessKey] = fmt.Sprintf(usable, "access key")
		}
		for _, session := range c.Chain {
			out[session] = fmt.Sprintf(usable, "role session")
			out[roleARN(session)] = fmt.Sprintf(usable, "role")
		}
		for _, instance := range instances(c) {
			out[instance] = "is about an instance that the other started"
		}
	}
	delete(out, "")
	return out
}

// roleARN is the role behind a role session, as IAM names one without a path; "" for any other principal.
func roleARN(principal string) string {
	name, _, ok := aws.RoleOf(principal)
	arn, _ := aws.ParseARN(principal)
	if !ok {
		return ""
	}
	return "arn:" + arn.Partition + ":iam::" + arn.Account + ":role/" + name
}

// sharedLinks joins alerts by a session key, a rare public address or a rare foreign account that both name.
func sharedLinks(alerts []finding.Alert, world World) []Join {
	holders := map[finding.Entity][]int{}
	for i := range alerts {
		for e := range pivots(&alerts[i]) {
			holders[e] = append(holders[e], i)
		}
	}
	var out []Join
	for e, in := range holders {
		weight, reason := rarity(e, in, alerts, world)
		if weight == 0 {
			continue
		}
		for k := 1; k < len(in); k++ {
			a, b := &alerts[in[k-1]], &alerts[in[k]]
			if b.First.Sub(a.Last) <= ActivityGap {
				out = append(out, Join{a.UID, b.UID, reason, weight})
			}
		}
	}
	sortJoins(out)
	return out
}

func pivots(a *finding.Alert) map[finding.Entity]bool {
	out := map[finding.Entity]bool{}
	for _, s := range a.Signals {
		add := func(kind, id string) {
			if id != "" {
				out[finding.Entity{Type: kind, ID: id}] = true
			}
		}
		add("access_key", s.Event.AccessKey)
		add("ip", s.Event.SrcIP)
		for _, r := range s.Event.Resources {
			if r.Type == "external_account" {
				add(r.Type, r.ID)
			}
		}
	}
	return out
}

// rarity gives a link's weight: a session key is one holder's; an address or account counts the less the more share it.
func rarity(e finding.Entity, in []int, alerts []finding.Alert, world World) (float64, string) {
	origins := map[string]bool{}
	for _, i := range in {
		origins[alerts[i].Origin.ID] = true
	}
	switch e.Type {
	case "access_key":
		return JoinWeight, "same access key " + e.ID
	case "external_account":
		if len(origins) <= RareUsers {
			return JoinWeight, "same foreign account " + e.ID
		}
	case "ip":
		if users := world.AddressUsers(e.ID); users > 1 && users <= RareUsers {
			return JoinWeight, fmt.Sprintf("same address %s, used by %d origins in all", e.ID, users)
		}
	}
	return 0, ""
}

func sortJoins(j []Join) {
	sort.Slice(j, func(a, b int) bool {
		switch {
		case j[a].A != j[b].A:
			return j[a].A < j[b].A
		case j[a].B != j[b].B:
			return j[a].B < j[b].B
		}
		return j[a].Reason < j[b].Reason
	})
}
