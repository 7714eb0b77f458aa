package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/finding"
)

// RuleBench shows the files of rules, and tries rules. Errors are desk.ErrNotFound where no rule has an id, and access.MistakeError where what
// was asked is wrong.
type RuleBench interface {
	// File is the text of a rule's file, how it is evaluated, and what the tests beside it come to.
	File(ctx context.Context, id string) (RuleFile, error)
	// Explain says for records which parts of a rule hold.
	Explain(ctx context.Context, id string, records []byte) ([]RuleExplained, error)
	// Try judges the lake's history with a rule as it stands, and with a text in its place; "" tries it as it stands alone.
	Try(ctx context.Context, id, text string, from, to time.Time) (*RuleTrial, error)
}

// RuleFile is what lies in the folder of rules.
type RuleFile struct {
	File   string      `json:"file"`
	Text   string      `json:"text"`
	Plan   string      `json:"plan" doc:"how it is evaluated"`
	Tests  []RuleTried `json:"tests" doc:"those beside it, run just now"`
	Broken string      `json:"broken,omitempty" doc:"why the tests could not be run"`
}

// RuleTried is what one test of a rule came to.
type RuleTried struct {
	Name    string            `json:"name"`
	Fires   bool              `json:"fires" doc:"whether it must fire"`
	Passed  bool              `json:"passed"`
	Fault   string            `json:"fault,omitempty"`
	Said    []string          `json:"said" doc:"severity and sentence of each signal"`
	Records []json.RawMessage `json:"records" doc:"what it was run on: JSON, or a line as text; the first few"`
	Events  int               `json:"events" doc:"how many there were"`
}

// RuleExplained is what a rule makes of one record.
type RuleExplained struct {
	Event     string `json:"event"`
	Time      string `json:"time"`
	Operation string `json:"operation"`
	Rule      string `json:"rule" doc:"its title: a correlation is explained by the rules that it counts"`
	Holds     bool   `json:"holds"`
	Text      string `json:"text"`
}

// RuleTrial is what a rule finds in history, and what another text in its place would.
type RuleTrial struct {
	From    time.Time    `json:"from"`
	To      time.Time    `json:"to"`
	Events  int64        `json:"events" doc:"that were judged"`
	Edited  bool         `json:"edited" doc:"another text was tried: after, gained, lost and changed are about it"`
	Before  int          `json:"before" doc:"alerts, also below the queue, of the rule as it stands"`
	After   int          `json:"after"`
	Gained  int          `json:"gained"`
	Lost    int          `json:"lost"`
	Changed int          `json:"changed"`
	Days    []TrialDay   `json:"days"`
	Shown   []TrialFound `json:"shown" doc:"the first of what differs; of a rule as it stands, of what it finds"`
	Notes   []string     `json:"notes" doc:"bounds that were met"`
}

// TrialDay counts the alerts of a day, by the day of their first event.
type TrialDay struct {
	Day    string `json:"day"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// TrialFound is one alert of a trial.
type TrialFound struct {
	How      string        `json:"how" enum:"found,gained,lost,changed"`
	Severity finding.Level `json:"severity"`
	Sentence string        `json:"sentence"`
	Account  string        `json:"account"`
	Origin   string        `json:"origin"`
	First    time.Time     `json:"first_seen"`
	Signals  int           `json:"signals"`
}

// mostTried is how long a range a trial reads; it takes a place among the questions of the lake as long as it runs.
const mostTried = 31 * 24 * time.Hour

func (s *Server) ruleBench(api huma.API) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/rules/{uid}/file", "The text of a rule's file, and what the tests beside it come to"), func(ctx context.Context, in *Named) (*body[RuleFile], error) {
		if s.Bench == nil {
			return nil, huma.Error404NotFound("no rules are here")
		}
		f, err := s.Bench.File(ctx, in.UID)
		return &body[RuleFile]{f}, s.fault(err)
	})
	huma.Register(api, op(access.Read, "POST", "/api/v1/rules/{uid}/explain", "Say for records which parts of a rule hold"), func(ctx context.Context, in *struct {
		Named
		Body struct {
			Records string `json:"records" minLength:"1" maxLength:"1048576" doc:"as a source delivers them, in any format that is known"`
		}
	},
	) (*body[[]RuleExplained], error) {
		if s.Bench == nil {
			return nil, huma.Error404NotFound("no rules are here")
		}
		list, err := s.Bench.Explain(ctx, in.UID, []byte(in.Body.Records))
		return &body[[]RuleExplained]{list}, s.fault(err)
	})
	asks(s, api, op(access.Tend, "POST", "/api/v1/rules/{uid}/try", "Judge history with a rule as it stands, and with another text in its place"), s.tryRule)
}

func (s *Server) tryRule(ctx context.Context, in *struct {
	Named
	Body struct {
		Text string    `json:"text,omitempty" maxLength:"262144" doc:"a rule in Sigma that would stand in its place; without it the rule is tried as it stands"`
		From time.Time `json:"from"`
		To   time.Time `json:"to"`
	}
},
) (*body[*RuleTrial], error) {
	from, to := in.Body.From, in.Body.To
	switch {
	case !scope(ctx).All():
		return nil, huma.Error403Forbidden("rules judge all accounts: this needs somebody who sees all")
	case s.Bench == nil:
		return nil, huma.Error404NotFound("no rules are here")
	case !from.Before(to) || to.Sub(from) > mostTried:
		return nil, huma.Error422UnprocessableEntity("give a range of at most 31 days, its beginning before its end")
	}
	select {
	case s.trials <- struct{}{}:
		defer func() { <-s.trials }()
	default:
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests("another rule is being tried: try again when that is done"), http.Header{"Retry-After": {"10"}})
	}
	if err := s.noteOf(ctx, "rule.try", in.UID, ""); err != nil {
		return nil, s.fault(err)
	}
	t, err := s.Bench.Try(ctx, in.UID, in.Body.Text, from, to)
	return &body[*RuleTrial]{t}, s.fault(err)
}
