package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/report"
)

// VerifyOptions are what `tocsin ledger verify` is asked for.
type VerifyOptions struct {
	Lake, Ledger string // folders
	Key          string // file with the first public key, or the key itself; "" takes the ledger's own copy
	From, To     string // files that were added in this time are hashed; all are looked for
	JSON         bool
}

// In takes what was not named from a configuration.
func (o VerifyOptions) In(c *Config) VerifyOptions {
	if o.Lake == "" {
		o.Lake = c.lakeDir()
	}
	if o.Ledger == "" {
		o.Ledger = c.ledgerDir()
	}
	return o
}

// publicKey is the first public key, as the user gave it.
func (o VerifyOptions) publicKey(streams Streams) (string, error) {
	key := o.Key
	if key == "" {
		key = filepath.Join(o.Ledger, "ledger.pub")
		fmt.Fprintln(streams.Err, "the public key is taken from the ledger's own folder: who can change that can change the key; give your own copy with --key")
	}
	raw, err := os.ReadFile(key) //nolint:gosec // the user names it
	if err == nil {
		return strings.TrimSpace(string(raw)), nil
	}
	if o.Key == "" {
		return "", UsageError{Err: err, Hint: "name the ledger's folder with --ledger"}
	}
	return key, nil // the key itself
}

// VerifyLedger proves that the lake holds what was written, and says what does not. It needs the folders and the key alone.
func VerifyLedger(ctx context.Context, o VerifyOptions, streams Streams) error {
	from, err1 := parseTime("--from", o.From)
	to, err2 := parseTime("--to", o.To)
	if err := errors.Join(err1, err2); err != nil {
		return UsageError{Err: err, Hint: "write a day as 2026-03-10"}
	}
	key, err := o.publicKey(streams)
	if err != nil {
		return err
	}
	start := time.Now()
	r, err := ledger.Verify(ctx, o.Ledger, key, pipeline.DataFiles{Dir: o.Lake}, from, to)
	if err != nil {
		return err
	}
	if o.JSON {
		if err := json.NewEncoder(streams.Out).Encode(r); err != nil {
			return err
		}
	} else {
		showVerified(ctx, &r, pipeline.DataFiles{Dir: o.Lake}, time.Since(start), streams)
	}
	if len(r.Problems) > 0 {
		return Outcome(ExitFindings)
	}
	return nil
}

// showVerified writes a report for people.
func showVerified(ctx context.Context, r *ledger.Report, files pipeline.DataFiles, took time.Duration, streams Streams) {
	for _, p := range r.Problems {
		fmt.Fprintf(streams.Out, "%s\n", report.Clean(p.String()))
		if len(p.Events) == 0 {
			continue
		}
		names, err := files.Names(ctx, p.Path)
		for _, e := range p.Events {
			if err == nil && e.Row < len(names) {
				fmt.Fprintf(streams.Out, "  event %s\n", report.Clean(names[e.Row]))
			}
		}
	}
	for _, path := range r.Strays {
		fmt.Fprintf(streams.Out, "no part of the lake: %s: added by no commit; no search reads it, and tocsin serve removes it an hour after it was written\n", report.Clean(path))
	}
	if set := r.RuleSet; !set.Since.IsZero() {
		fmt.Fprintf(streams.Out, "%d rules in force since %s, set %s; %d versions of rules are in the log (tocsin ledger rules)\n", set.Rules, set.Since.Format(time.RFC3339), set.SHA256, len(r.Rules))
	}
	fmt.Fprintf(streams.Out, "%d leaves under %d keys; %d data files must be there, %d were hashed (%s) in %s; %d problems\n",
		r.Size, r.Keys, r.Expected, r.Hashed, binaryBytes(r.Bytes), took.Round(time.Millisecond), len(r.Problems))
}

// RotateLedger gives the ledger a new key.
func RotateLedger(ctx context.Context, c *Config, streams Streams) error {
	l, err := ledger.Open(ctx, ledger.Options{Dir: c.ledgerDir(), Origin: c.Origin})
	if errors.Is(err, ledger.ErrInUse) {
		return UsageError{Err: err, Hint: "stop tocsin serve first: one at a time writes"}
	}
	if err != nil {
		return err
	}
	if err := errors.Join(l.Rotate(ctx), l.Close()); err != nil {
		return err
	}
	fmt.Fprintln(streams.Out, "the ledger has a new key; the first public key proves the change, keep it")
	return nil
}

// ProvenRules shows which versions of rules were in force and when, as the ledger proves it by its key. wanted is a rule's id, or the hash that a
// finding names; "" is all. Exit code 1 where it was never in force, or the log is not as it was signed.
func ProvenRules(ctx context.Context, o VerifyOptions, wanted string, streams Streams) error {
	key, err := o.publicKey(streams)
	if err != nil {
		return err
	}
	r, err := ledger.Verify(ctx, o.Ledger, key, nil, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(slices.Clone(r.Rules), func(p ledger.RulePeriod) bool {
		return wanted != "" && p.ID != wanted && p.SHA256.String() != strings.ToLower(wanted)
	})
	if o.JSON {
		if err := json.NewEncoder(streams.Out).Encode(list); err != nil {
			return err
		}
	} else {
		table := [][]string{{"FROM", "TO", "LEAF", "RULE", "SHA-256 OF ITS FILE", "TITLE"}}
		for _, p := range list {
			to := "in force"
			if !p.To.IsZero() {
				to = p.To.Format(time.RFC3339)
			}
			table = append(table, []string{p.From.Format(time.RFC3339), to, strconv.FormatUint(p.Leaf, 10), report.Clean(p.ID), p.SHA256.String(), report.Clean(p.Title)})
		}
		writeTable(streams.Out, table)
	}
	for _, p := range r.Problems {
		fmt.Fprintln(streams.Err, report.Clean(p.String()))
	}
	if len(list) == 0 {
		fmt.Fprintf(streams.Err, "no leaf says that the rule %s was in force\n", report.Clean(wanted))
	}
	if len(list) == 0 || len(r.Problems) > 0 {
		return Outcome(ExitFindings)
	}
	return nil
}
