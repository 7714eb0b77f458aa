package api

import (
	"context"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/hunt"
)

// Suppress lets the filters that live take alerts, and gives back what those take that do not any more. It returns how many alerts changed.
func Suppress(ctx context.Context, d *desk.Desk, now time.Time) (changed int, err error) {
	list, err := d.Tunings(ctx, access.Everything())
	if err != nil {
		return 0, err
	}
	type live struct {
		id     string
		filter *hunt.Expected
	}
	byRule := map[string][]live{}
	for i := range list {
		t := &list[i]
		if !t.Lives(now) {
			if t.Takes > 0 {
				byRule[t.Rule] = append(byRule[t.Rule], nil...)
			}
			continue
		}
		f, err := hunt.ParseFilter(t.Sigma)
		if err != nil {
			return changed, err
		}
		byRule[t.Rule] = append(byRule[t.Rule], live{t.ID, f})
	}
	for rule, filters := range byRule {
		n, err := d.Suppress(ctx, rule, func(a *finding.Alert) string {
			for _, f := range filters {
				if f.filter.Alert(a) {
					return f.id
				}
			}
			return ""
		}, now)
		if err != nil {
			return changed, err
		}
		changed += n
	}
	return changed, nil
}
