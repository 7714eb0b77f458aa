package api

import (
	"cmp"
	"context"
	"sort"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/attack"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/sigma"
)

// ruleRow is a rule as lists show it.
type ruleRow struct {
	finding.Rule
	Kind      string   `json:"kind" enum:"rule,correlation"`
	File      string   `json:"file"`
	Data      []string `json:"data" doc:"kinds of log that it cannot do without"`
	Sight     string   `json:"sight" enum:"sees,blind,unknown" doc:"blind: a kind of log that it needs comes from no source; unknown: its format comes in, but whether that kind of event does is not counted"`
	Lacks     []string `json:"lacks" doc:"kinds of log that come from no source"`
	Precision *float64 `json:"precision,omitempty" minimum:"0" maximum:"1" doc:"share of judged alerts that were what they said; missing where none was judged"`
	desk.RuleUse
}

// ruleView is a rule with what its file says.
type ruleView struct {
	ruleRow
	Description    string   `json:"description"`
	Outcome        string   `json:"outcome,omitempty"`
	FalsePositives []string `json:"false_positives"`
	Conditions     []string `json:"conditions"`
	Product        string   `json:"product,omitempty"`
	Service        string   `json:"service,omitempty"`
}

// technique is how an ATT&CK technique is covered.
type technique struct {
	Tactic    string        `json:"tactic"`
	TacticIs  string        `json:"tactic_name,omitempty"`
	Technique string        `json:"technique"`
	Name      string        `json:"name,omitempty"`
	Rules     []string      `json:"rules" doc:"ids"`
	Seeing    int           `json:"seeing" doc:"rules whose data comes in, as far as is known"`
	Best      finding.Level `json:"best_level"`
	Alerts    int           `json:"alerts_30_days"`
	Last      time.Time     `json:"last_fired,omitzero"`
}

func (s *Server) rules(api huma.API) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/rules", "Rules: level, tier, precision, volume, last fired, blind or not"), func(ctx context.Context, _ *struct{}) (*body[[]ruleRow], error) {
		list, err := s.ruleViews(ctx)
		out := make([]ruleRow, len(list))
		for i := range list {
			out[i] = list[i].ruleRow
		}
		return &body[[]ruleRow]{out}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/rules/{uid}", "One rule, with what its file says"), func(ctx context.Context, in *Named) (*body[ruleView], error) {
		list, err := s.ruleViews(ctx)
		if err != nil {
			return nil, s.fault(err)
		}
		for i := range list {
			if list[i].ID == in.UID {
				return &body[ruleView]{list[i]}, nil
			}
		}
		return nil, s.fault(desk.ErrNotFound)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/attack", "ATT&CK techniques: the rules on each, whether their data comes in, and when they fired"), func(ctx context.Context, _ *struct{}) (*body[[]technique], error) {
		list, err := s.ruleViews(ctx)
		return &body[[]technique]{techniques(list, s.Names)}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "GET", "/api/v1/attack/layer", "The rules as a layer of the ATT&CK Navigator"), func(context.Context, *struct{}) (*body[attack.Layer], error) {
		rules := &detect.Rules{}
		if s.Rules != nil {
			rules = s.Rules()
		}
		return &body[attack.Layer]{attack.LayerOf(rules)}, nil
	})
}

// ruleViews lists all rules, the highest level first.
func (s *Server) ruleViews(ctx context.Context) ([]ruleView, error) {
	out := []ruleView{}
	if s.Rules == nil {
		return out, nil
	}
	uses, err := s.Desk.RuleUses(ctx, scope(ctx), s.Now())
	if err != nil {
		return nil, err
	}
	formats := map[string]bool{}
	if err := s.Desk.Streams(ctx, func(k health.Key) { formats[k.Format] = true }); err != nil {
		return nil, err
	}
	rules := s.Rules()
	for _, r := range rules.All {
		v := viewOfRule(r.Finding, r.Head(), &r.Attributes, "rule", formats, uses)
		v.Conditions, v.Product, v.Service = append(v.Conditions, r.Conditions...), r.LogSource.Product, r.LogSource.Service
		out = append(out, v)
	}
	for _, c := range rules.Correlations {
		out = append(out, viewOfRule(c.Finding, c.Head(), &c.Attributes, "correlation", formats, uses))
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].Level != out[j].Level {
			return out[i].Level > out[j].Level
		}
		return out[i].Title < out[j].Title
	})
	return out, nil
}

func viewOfRule(f finding.Rule, h *sigma.Header, a *detect.Attributes, kind string, formats map[string]bool, uses map[string]desk.RuleUse) ruleView {
	row := ruleRow{Rule: f, Kind: kind, File: h.File, Data: append([]string{}, a.Data...), Sight: "sees", Lacks: []string{}, RuleUse: uses[f.ID]}
	row.Precision = row.RuleUse.Precision()
	for _, kind := range a.Data {
		format, part, _ := strings.Cut(kind, ".")
		switch {
		case !formats[format]:
			row.Sight, row.Lacks = "blind", append(row.Lacks, kind)
		case strings.HasPrefix(part, "data.") && row.Sight == "sees":
			row.Sight = "unknown"
		}
	}
	return ruleView{ruleRow: row, Description: h.Description, Outcome: a.Outcome, FalsePositives: append([]string{}, h.FalsePositives...), Conditions: []string{}}
}

// techniques lays rules out by ATT&CK technique, in the order of the tactics.
func techniques(list []ruleView, names attack.Names) []technique {
	at := map[[2]string]*technique{}
	for i := range list {
		r := &list[i]
		for _, a := range r.Attacks {
			if a.Technique == "" {
				continue
			}
			t := at[[2]string{a.Tactic, a.Technique}]
			if t == nil {
				t = &technique{Tactic: a.Tactic, TacticIs: names.Of(a.Tactic), Technique: a.Technique, Name: cmp.Or(names.Of(a.Technique), a.Name), Rules: []string{}}
				at[[2]string{a.Tactic, a.Technique}] = t
			}
			t.Rules, t.Alerts, t.Best = append(t.Rules, r.ID), t.Alerts+r.Recent, max(t.Best, r.Level)
			if r.Sight != "blind" {
				t.Seeing++
			}
			if r.Last.After(t.Last) {
				t.Last = r.Last
			}
		}
	}
	order := map[string]int{}
	for i, tactic := range detect.Tactics {
		order[tactic] = i
	}
	out := make([]technique, 0, len(at))
	for _, t := range at {
		out = append(out, *t)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Tactic != out[j].Tactic {
			return order[out[i].Tactic] < order[out[j].Tactic]
		}
		return out[i].Technique < out[j].Technique
	})
	return out
}
