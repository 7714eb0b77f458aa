package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
	"github.com/tocsin-security/tocsin/internal/source"
)

func checkEnvironment(_ context.Context, p *patient) checked {
	if p.c.Environment == "" {
		return good("none: what only you know of the organisation is unknown (tocsin environment propose drafts one)")
	}
	env, err := enrich.ReadEnvironment(p.c.Environment)
	if err != nil {
		return bad("%v", err).todo("set it right; tocsin environment propose drafts one")
	}
	return good("%d accounts, %d Regions, %d networks", len(env.Accounts), len(env.Regions), len(env.Networks))
}

func checkOrganization(_ context.Context, p *patient) checked {
	if p.c.Organization == "" {
		return good("no list of accounts: coverage goes by environment.yaml alone")
	}
	list, err := health.ReadOrganization(p.c.Organization)
	if err != nil {
		return bad("%v", err).todo("aws organizations list-accounts > " + p.c.Organization)
	}
	return good("%d accounts", len(list))
}

func checkRules(_ context.Context, p *patient) checked {
	rules, err := LoadRules(p.c.Rules)
	if err != nil {
		return bad("%v", err).todo("tocsin rules check names every mistake")
	}
	n := len(rules.All) + len(rules.Correlations)
	if n == 0 {
		return bad("there is no rule in %s", p.c.Rules).todo("set rules to a folder with rules, or leave it out for the built-in ones")
	}
	return good("%d", n)
}

func checkPlaces(context.Context, *patient) checked {
	places, err := openPlaces()
	if err != nil {
		return bad("%v", err).todo("build it again: make build")
	}
	if !places.Ready() {
		return doubt("country and network of an address are %s", places.Status()).todo("rules on places are blind in this build: use a release, or make build")
	}
	return good("%s", places.Status())
}

// checkSearch asks the engine something, over an empty lake of its own.
func checkSearch(ctx context.Context, p *patient) (out checked) {
	engine, err := engineOf(p.o.Child)
	if err != nil {
		return bad("%v", err)
	}
	dir, err := os.MkdirTemp("", "tocsin-doctor-*")
	if err != nil {
		return bad("%v", err).todo("see to it that the folder for temporary files can be written (TMPDIR)")
	}
	defer os.RemoveAll(dir)
	l, err := lake.Open(ctx, dir)
	if err != nil {
		return bad("%v", err).todo("see to it that the folder for temporary files can be written (TMPDIR)")
	}
	defer l.Close() //nolint:errcheck // of a folder that goes
	start := time.Now()
	_, err = engine.Ask(ctx, access.Everything(), l, duck.Question{SQL: "SELECT count(*) FROM events", Rows: 1, Timeout: checkTime}, func(duck.Answer) {}, func([]json.RawMessage) error { return nil })
	switch {
	case errors.Is(err, duck.ErrNoEngine) || err != nil && strings.Contains(err.Error(), duck.ErrNoEngine.Error()):
		return doubt("this build has no search engine").todo("build with a C compiler (CGO_ENABLED=1), or query the lake with DuckDB, Trino or Spark")
	case err != nil:
		return bad("the engine does not answer: %v", err).todo("tocsin search 'SELECT 1' says more; memory limits of the service are a usual cause")
	}
	return good("the engine answers in %s", time.Since(start).Round(time.Millisecond))
}

// checkSources opens each door once, and tells of silence.
func checkSources(ctx context.Context, p *patient) []checked {
	if !p.current {
		return nil // there is no desk yet, or it is to be brought up to date
	}
	var out []checked
	err := withDesk(ctx, p.c, func(d *desk.Desk) error {
		list, err := d.Sources(ctx)
		if err != nil {
			return err
		}
		alerts, err := d.Alerts(ctx, access.Everything(), desk.Query{Status: "new", Limit: 1000})
		if err != nil {
			return err
		}
		for _, s := range list {
			line := checkSource(ctx, s)
			line.Check = "source " + s.Name
			out = append(out, line)
		}
		for _, a := range alerts.Items {
			if a.Kind == desk.KindHealth {
				line := doubt("%s", a.Sentence).todo("tocsin source list; tocsin source test NAME")
				line.Check = "health"
				out = append(out, line)
			}
		}
		return nil
	})
	if err != nil {
		return append(out, bad("the sources cannot be listed: %v", err).todo("see desk above"))
	}
	if len(out) == 0 {
		return []checked{doubt("there is none").todo("tocsin source add logs --kind folder --set path=/var/log/aws")}
	}
	return out
}

func checkSource(ctx context.Context, s desk.Source) checked {
	if s.Paused {
		return good("is paused")
	}
	said, err := source.Test(ctx, s)
	if err != nil {
		return bad("%v", err).todo("set it right with: tocsin source add " + s.Name + " --kind " + s.Kind + " --set …")
	}
	return good("%s", said)
}
