package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/report"
)

// DoctorOptions are what `tocsin doctor` is asked for.
type DoctorOptions struct {
	Read   func() (*Config, error) // reads tocsin.yaml
	Format string                  // table or json
	Child  []string                // the command that answers searches; nil: this binary
	Now    func() time.Time        // nil: time.Now
}

// verdict is how a check ends.
type verdict string

const (
	fine verdict = "OK"
	warn verdict = "WARN"
	fail verdict = "FAIL"
)

// checked is one line of the doctor.
type checked struct {
	Check string  `json:"check"`
	State verdict `json:"state"`
	Says  string  `json:"says"`
	Do    string  `json:"do,omitempty"` // what to do; empty for OK
}

func good(format string, args ...any) checked {
	return checked{State: fine, Says: fmt.Sprintf(format, args...)}
}

func (c checked) todo(do string) checked { c.Do = do; return c }

func doubt(format string, args ...any) checked {
	return checked{State: warn, Says: fmt.Sprintf(format, args...)}
}

func bad(format string, args ...any) checked {
	return checked{State: fail, Says: fmt.Sprintf(format, args...)}
}

// patient is what the checks look at. They change nothing of it.
type patient struct {
	c       *Config
	o       *DoctorOptions
	now     time.Time
	running bool // a tocsin serve answers
	current bool // the desk's tables are of this version
}

// checks are asked in this order; each gives a line, or several.
var checks = []struct {
	name string
	ask  func(ctx context.Context, p *patient) []checked
}{
	{"clock", single(checkClock)},
	{"address", single(checkAddress)},
	{"data folder", single(checkFolder)},
	{"disk", single(checkDisk)},
	{"desk", single(checkDesk)},
	{"lake", single(checkLake)},
	{"ledger", single(checkLedger)},
	{"stream", single(checkStream)},
	{"token file", single(checkToken)},
	{"environment", single(checkEnvironment)},
	{"organisation", single(checkOrganization)},
	{"rules", single(checkRules)},
	{"places", single(checkPlaces)},
	{"search", single(checkSearch)},
	{"source", checkSources},
}

func single(f func(context.Context, *patient) checked) func(context.Context, *patient) []checked {
	return func(ctx context.Context, p *patient) []checked { return []checked{f(ctx, p)} }
}

// checkTime is how long one check may take.
const checkTime = 20 * time.Second

// Doctor looks at everything that Tocsin stands on and says in a line each how it is and what to do. It ends with ExitFindings where
// something fails.
func Doctor(ctx context.Context, o DoctorOptions, streams Streams) error {
	if o.Format != "table" && o.Format != "json" {
		return UsageError{Err: fmt.Errorf("--format %q is not one of table, json", o.Format), Hint: "tocsin doctor --format json"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	var lines []checked
	c, err := o.Read()
	if err != nil {
		hint := "docs/configuration.md lists the keys that there are"
		var usage UsageError
		if errors.As(err, &usage) && usage.Hint != "" {
			hint = usage.Hint
		}
		line := bad("%s", strings.ReplaceAll(err.Error(), "\n", "; ")).todo(hint + "; the rest is looked at when this is right")
		line.Check = "configuration"
		lines = append(lines, line)
	} else {
		line := good("read, and every key is known")
		line.Check = "configuration"
		lines = append(append(lines, line), examine(ctx, &patient{c: c, o: &o, now: o.Now()})...)
	}
	return tellDoctor(lines, o.Format, streams)
}

func examine(ctx context.Context, p *patient) []checked {
	var out []checked
	for _, c := range checks {
		inner, cancel := context.WithTimeout(ctx, checkTime)
		for _, line := range c.ask(inner, p) {
			if line.Check == "" {
				line.Check = c.name
			}
			out = append(out, line)
		}
		cancel()
	}
	return out
}

func tellDoctor(lines []checked, format string, streams Streams) error {
	failed := 0
	for i := range lines {
		lines[i].Says, lines[i].Do = report.Clean(lines[i].Says), report.Clean(lines[i].Do)
		if lines[i].State == fail {
			failed++
		}
	}
	if format == "json" {
		if err := json.NewEncoder(streams.Out).Encode(lines); err != nil {
			return err
		}
	} else {
		for _, l := range lines {
			fmt.Fprintf(streams.Out, "%-4s  %-13s  %s\n", l.State, l.Check, l.Says)
			if l.Do != "" {
				fmt.Fprintf(streams.Out, "%-4s  %-13s  -> %s\n", "", "", l.Do)
			}
		}
	}
	if failed > 0 {
		return Outcome(ExitFindings)
	}
	return nil
}
