package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/report"
	"github.com/tocsin-security/tocsin/internal/source"
)

// withDesk opens the desk of a configuration for one command. It may be open in a running tocsin serve as well.
func withDesk(ctx context.Context, c *Config, do func(d *desk.Desk) error) error {
	d, err := desk.Open(ctx, c.Desk)
	if err != nil {
		return err
	}
	return errors.Join(do(d), d.Close())
}

// AddSource adds a source. A running tocsin serve opens it within a few seconds.
func AddSource(ctx context.Context, c *Config, name, kind string, settings []string, streams Streams) error {
	s := desk.Source{Name: name, Kind: kind, Settings: map[string]string{}, Created: time.Now()}
	for _, text := range settings {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return UsageError{Err: fmt.Errorf("--set %q is not NAME=VALUE", text), Hint: "for example --set path=/var/log/aws"}
		}
		s.Settings[key] = value
	}
	if p := s.Settings["path"]; p != "" {
		abs, err := filepath.Abs(p)
		if err != nil {
			return err
		}
		s.Settings["path"] = abs
	}
	if err := source.Check(s); err != nil {
		return UsageError{Err: err, Hint: "tocsin source kinds lists the kinds and their settings"}
	}
	return withDesk(ctx, c, func(d *desk.Desk) error {
		if err := d.AddSource(ctx, s); err != nil {
			return err
		}
		fmt.Fprintf(streams.Out, "source %s (%s) is added; a running tocsin serve opens it within a few seconds\n", name, kind)
		if kind == "http" {
			fmt.Fprintf(streams.Err, "next: tocsin token add --source %s\n", name)
		}
		return nil
	})
}

func findSource(ctx context.Context, d *desk.Desk, name string) (desk.Source, error) {
	list, err := d.Sources(ctx)
	if err != nil {
		return desk.Source{}, err
	}
	i := slices.IndexFunc(list, func(s desk.Source) bool { return s.Name == name })
	if i < 0 {
		return desk.Source{}, UsageError{Err: fmt.Errorf("there is no source %q", name), Hint: "tocsin source list shows those that there are"}
	}
	return list[i], nil
}

// ListSources shows the sources.
func ListSources(ctx context.Context, c *Config, asJSON bool, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		list, err := d.Sources(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(streams.Out).Encode(list)
		}
		if len(list) == 0 {
			fmt.Fprintln(streams.Out, "no source yet; for example: tocsin source add logs --kind folder --set path=/var/log/aws")
		}
		for _, s := range list {
			settings, err := json.Marshal(s.Settings)
			if err != nil {
				return err
			}
			paused := ""
			if s.Paused {
				paused = "  (paused)"
			}
			fmt.Fprintf(streams.Out, "%-20s %-8s %s%s\n", s.Name, s.Kind, report.Clean(string(settings)), paused)
		}
		return nil
	})
}

// TestSource opens a source's door once.
func TestSource(ctx context.Context, c *Config, name string, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		s, err := findSource(ctx, d, name)
		if err != nil {
			return err
		}
		said, err := source.Test(ctx, s)
		if err != nil {
			return UsageError{Err: fmt.Errorf("source %s does not open: %w", name, err), Hint: "set it right with: tocsin source add " + name + " --kind " + s.Kind + " --set …"}
		}
		fmt.Fprintln(streams.Out, report.Clean(said))
		return nil
	})
}

// RemoveSource forgets a source.
func RemoveSource(ctx context.Context, c *Config, name string, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		if _, err := findSource(ctx, d, name); err != nil {
			return err
		}
		if err := d.RemoveSource(ctx, name); err != nil {
			return err
		}
		fmt.Fprintf(streams.Out, "source %s is removed; what it delivered stays\n", name)
		return nil
	})
}

// PauseSource pauses a source, or lets it go on. A running tocsin serve does so within a few seconds.
func PauseSource(ctx context.Context, c *Config, name string, paused bool, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		if _, err := findSource(ctx, d, name); err != nil {
			return err
		}
		if err := d.PauseSource(ctx, name, paused); err != nil {
			return err
		}
		if paused {
			fmt.Fprintf(streams.Out, "source %s is paused; what comes meanwhile waits where it is (let it go on with: tocsin source resume %s)\n", name, name)
		} else {
			fmt.Fprintf(streams.Out, "source %s goes on where it stopped\n", name)
		}
		return nil
	})
}

// ListKinds shows the kinds of sources and their settings.
func ListKinds(streams Streams) {
	for _, k := range source.Kinds() {
		fmt.Fprintf(streams.Out, "%-8s %s\n", k.Name, k.Title)
		for _, s := range k.Settings {
			must := ""
			if s.Required {
				must = " (required)"
			}
			fmt.Fprintf(streams.Out, "  %-12s %s%s\n", s.Name, s.Help, must)
		}
	}
}

// ListDeadLetters shows what could not be read.
func ListDeadLetters(ctx context.Context, c *Config, from string, limit int, asJSON bool, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		list, err := d.DeadLetters(ctx, access.Everything(), from, limit)
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(streams.Out).Encode(list)
		}
		for _, l := range list {
			again := ""
			if !l.ReplayedAt.IsZero() {
				again = "  (replayed)"
			}
			fmt.Fprintf(streams.Out, "%s  %s  %s  %s record %d: %s: %s%s\n", l.ID[:12], l.ReceivedAt.Format(time.DateTime), l.Source, report.Clean(l.Object), l.Record+1, l.Reason, report.Clean(l.Detail), again)
		}
		if len(list) == 0 {
			fmt.Fprintln(streams.Err, "no dead letters: every record could be read")
		}
		return nil
	})
}

// ShowDeadLetter writes one, with its record as it was received.
func ShowDeadLetter(ctx context.Context, c *Config, id string, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		l, err := d.DeadLetter(ctx, access.Everything(), id)
		if err != nil {
			return UsageError{Err: err, Hint: "tocsin deadletter list shows those that there are"}
		}
		fmt.Fprintf(streams.Out, "id        %s\nsource    %s\nobject    %s\nrecord    %d (byte %d)\nformat    %s\nreceived  %s\nreason    %s: %s\n", l.ID, l.Source, report.Clean(l.Object), l.Record+1, l.Offset, l.Format, l.ReceivedAt.Format(time.RFC3339), l.Reason, report.Clean(l.Detail))
		if len(l.Raw) == 0 {
			fmt.Fprintln(streams.Out, "record    not kept: it could not be told from its neighbours; its object has it")
			return nil
		}
		fmt.Fprintf(streams.Out, "record    %s\n", report.CleanLines(string(l.Raw)))
		return nil
	})
}

// ReplayDeadLetter gives a dead letter to its source again, by way of the running tocsin serve.
func ReplayDeadLetter(ctx context.Context, c *Config, id string, streams Streams) error {
	token, err := os.ReadFile(c.tokenFile())
	if err != nil {
		return UsageError{Err: err, Hint: "tocsin serve makes this file when it first starts; name its folder with --data"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.Listen+"/api/v1/deadletters/"+id+"/replay", bytes.NewReader(nil))
	if err != nil {
		return UsageError{Err: err, Hint: "tocsin deadletter list shows the ids"}
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // the address is the configuration's, and on this machine
	if err != nil {
		return UsageError{Err: err, Hint: "a replay goes through the running tocsin serve: start it"}
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return UsageError{Err: fmt.Errorf("%s: %s", resp.Status, report.Clean(string(body))), Hint: "tocsin deadletter show " + id + " tells what is kept of it"}
	}
	fmt.Fprintln(streams.Out, report.Clean(string(body)))
	return nil
}
