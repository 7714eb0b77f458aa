package incident

import (
	"net/netip"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// reportLinks joins what another product found with our own alerts on the same behaviour: of one account, from one address that few
// use, or on one instance. A common origin or access key joins them as it joins any alerts. Between two of our own alerts an
// instance means nothing: many people work on one.
func reportLinks(alerts []finding.Alert, world World) []Join {
	type place struct{ account, kind, id string }
	type seen struct {
		report int   // the last report there, or -1
		own    []int // our alerts there since
	}
	at := map[place]*seen{}
	var out []Join
	link := func(i, j int, why string) {
		if alerts[j].First.Sub(alerts[i].Last) <= ActivityGap {
			out = append(out, Join{alerts[i].UID, alerts[j].UID, why, JoinWeight})
		}
	}
	for j := range alerts {
		isReport := alerts[j].Rule.Source != ""
		for e := range reportPivots(&alerts[j], world) {
			p := place{alerts[j].Account, e.Type, e.ID}
			s := at[p]
			if s == nil {
				s = &seen{report: -1}
				at[p] = s
			}
			why := "same " + e.Type + " " + e.ID + ", as " + product(alerts, s.report, j) + " reports"
			if s.report >= 0 {
				link(s.report, j, why)
			}
			if !isReport {
				s.own = append(s.own, j)
				continue
			}
			for _, i := range s.own {
				link(i, j, why)
			}
			s.report, s.own = j, nil
		}
	}
	sortJoins(out)
	return out
}

func product(alerts []finding.Alert, report, j int) string {
	if source := alerts[j].Rule.Source; source != "" || report < 0 {
		return source
	}
	return alerts[report].Rule.Source
}

// reportPivots lists the rare public addresses and the instances of an alert.
func reportPivots(a *finding.Alert, world World) map[finding.Entity]bool {
	out := map[finding.Entity]bool{}
	for i := range a.Signals {
		c := &a.Signals[i].Event
		if ip, err := netip.ParseAddr(c.SrcIP); err == nil && !ip.IsPrivate() && !ip.IsLoopback() && world.AddressUsers(c.SrcIP) <= RareUsers {
			out[finding.Entity{Type: "address", ID: c.SrcIP}] = true
		}
		for _, instance := range instances(c) {
			out[finding.Entity{Type: "instance", ID: instance}] = true
		}
	}
	return out
}

// instances lists the EC2 instances of an event: the one that acts, and those that it names.
func instances(c *finding.Card) (out []string) {
	for _, id := range [...]string{c.Principal, c.Origin.ID} {
		if instance := enrich.InstanceID(id); instance != "" {
			out = append(out, instance)
		}
	}
	for _, r := range c.Resources {
		if r.Type == "instance" {
			out = append(out, r.ID)
		}
	}
	return out
}
