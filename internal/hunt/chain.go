package hunt

import (
	"context"
	"fmt"

	"github.com/tocsin-security/tocsin/internal/access"
)

// issuing are the calls that give credentials out.
const issuing = "'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetFederationToken', 'GetSessionToken'"

// The bounds of a chain: how many records are looked at, and how many links are shown.
const (
	maxIssued = 2000
	maxLinks  = 50
)

// chain tells how who stands at the start of the entity's sessions came to them: the latest record of each step.
func (v *Investigator) chain(ctx context.Context, scope access.Scope, p *Profile) error {
	if len(p.Origins) == 0 {
		return nil
	}
	q := &question{to: p.To, from: p.Baseline, rows: maxIssued}
	as := member("response", "assumedRoleUser.arn").SQL
	key := member("response", "credentials.accessKeyId").SQL
	q.sql = fmt.Sprintf("SELECT time_dt, coalesce(principal, origin), %s AS taken, %s, metadata.uid, account FROM events WHERE origin = %s AND operation IN (%s) ORDER BY time_dt DESC", as, key, q.arg(p.Origins[0]), issuing)
	seen := map[[2]string]bool{}
	var links []Link
	asked, err := v.ask(ctx, scope, q, func(c cells) error {
		l := Link{Time: c.time(0), By: c.text(1), As: c.text(2), Key: c.text(3), Event: c.text(4), Account: c.text(5)}
		if l.As == "" {
			l.As = l.Key
		}
		if step := [2]string{l.By, l.As}; l.As != "" && !seen[step] {
			seen[step] = true
			links = append(links, l)
		}
		return nil
	})
	p.Asked = append(p.Asked, asked)
	if err != nil {
		return err
	}
	if asked.More {
		p.Notes = append(p.Notes, fmt.Sprintf("role chain: only the newest %d records of sessions were looked at", maxIssued))
	}
	p.Chain = follow(links, p)
	return nil
}

// follow keeps the links that lead to the entity, the last step first; of an entity that is no session it keeps all.
func follow(links []Link, p *Profile) []Link {
	out := []Link{}
	if p.Kind == "session" || p.Kind == "access_key" || p.Kind == "principal" {
		at := p.Value
		used := map[string]bool{}
		for !used[at] && len(out) < maxLinks {
			used[at] = true
			for _, l := range links {
				if l.As == at || l.Key == at {
					out = append(out, l)
					at = l.By
					break
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	if len(links) > maxLinks {
		p.Notes = append(p.Notes, fmt.Sprintf("role chain: the newest %d steps of %d are here", maxLinks, len(links)))
		links = links[:maxLinks]
	}
	return append(out, links...)
}
