package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
	"github.com/tocsin-security/tocsin/simulate"
)

func simulateCommand(io app.Streams) *cobra.Command {
	var c simulate.Config
	var out, start string
	var sample, list, live bool
	var catchUp time.Duration
	var volume, files int
	cmd := &cobra.Command{
		Use:   "simulate -o FOLDER",
		Short: "Write the CloudTrail of a simulated organisation, with labelled attacks",
		Long: `Writes a tree of CloudTrail files as AWS delivers them, labels.json (which events are whose
attack) and environment.yaml. The same seed gives the same bytes. Nothing is sent anywhere.`,
		Example: "  tocsin simulate --sample -o demo && tocsin scan demo/logs --environment demo/environment.yaml\n  tocsin simulate --days 30 --attack all -o month",
		Args:    arguments(cobra.NoArgs, "name the folder with -o"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				for _, a := range simulate.AttackList() {
					fmt.Fprintf(io.Out, "%-22s %s (%s)\n", a.ID, a.Title, a.Report)
				}
				return nil
			}
			if err := freshFolder(out); err != nil {
				return err
			}
			if live {
				c := simulate.LiveConfig{Config: simulate.SampleConfig(), Dir: filepath.Join(out, "logs"), CatchUp: catchUp, Now: time.Now, Said: func(line string) { fmt.Fprintln(io.Err, "simulate:", line) }}
				return simulate.Live(cmd.Context(), c)
			}
			if volume > 0 {
				return simulate.Volume(cmd.Context(), out, volume, files, c.Seed)
			}
			if sample {
				c = simulate.SampleConfig()
			} else {
				var err error
				if c.Start, err = time.Parse(time.DateOnly, start); err != nil {
					return app.UsageError{Err: fmt.Errorf("--start %q is no date", start), Hint: "write it as 2026-03-02"}
				}
			}
			labels, err := simulate.WriteTree(cmd.Context(), out, c, func(n int) { fmt.Fprintf(io.Err, "\r%d events", n) })
			fmt.Fprintln(io.Err)
			if err != nil {
				return app.UsageError{Err: err, Hint: "'tocsin simulate --list' shows the attacks that there are"}
			}
			fmt.Fprintf(io.Err, "wrote %s: %d days of %d accounts, %d attacks\n", out, labels.Days, labels.Accounts, len(labels.Attacks))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "output", "o", "", "folder to write into; it must be new or empty")
	f.BoolVar(&sample, "sample", false, "a small organisation under one attack, to try Tocsin on")
	f.BoolVar(&list, "list", false, "list the attacks that there are")
	f.Uint64Var(&c.Seed, "seed", 1, "another seed, another organisation")
	f.StringVar(&start, "start", "2026-03-02", "first day")
	f.IntVar(&c.Days, "days", 30, "days to write")
	f.Float64Var(&c.Scale, "scale", 1, "load: 1 is ordinary")
	f.StringArrayVar(&c.Attacks, "attack", nil, "attack to write in, by id, or all; can be repeated")
	f.BoolVar(&live, "live", false, "deliver a small organisation's logs as time passes: the past week at once, the rest when it comes")
	f.DurationVar(&catchUp, "catch-up", 20*time.Second, "with --live: how long the delivery of the past takes")
	f.IntVar(&volume, "volume", 0, "write so many plain events instead, for benchmarks")
	f.IntVar(&files, "files", 4000, "with --volume: files to spread them over")
	return cmd
}

func freshFolder(dir string) error {
	if dir == "" {
		return app.UsageError{Err: fmt.Errorf("no folder to write into"), Hint: "name one with -o"}
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return app.UsageError{Err: fmt.Errorf("%s is not empty", dir), Hint: "give a new folder, so that nothing of yours is mixed with what is invented"}
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return app.UsageError{Err: err, Hint: "give a folder that can be written"}
	}
	return nil
}

func evaluateCommand(io app.Streams) *cobra.Command {
	var o app.EvaluateOptions
	var seed uint64
	var days int
	cmd := &cobra.Command{
		Use:   "evaluate",
		Short: "Judge detection on simulated attacks, a benign month and foreign data",
		Long: `Writes a simulated month with every attack, and the same month without, scans both, and compares
with the labels. With --foreign, each file of attacks and of ordinary records there is scanned by
itself. With --baseline, a fall below the figures of the file ends with exit code 1.`,
		Args: arguments(cobra.NoArgs, "it takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := os.MkdirTemp("", "tocsin-evaluate-*")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			for name, attacks := range map[string][]string{"attacks": {"all"}, "benign": nil} {
				fmt.Fprintf(io.Err, "writing a simulated month (%s)\n", name)
				c := simulate.Config{Seed: seed, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: days, Scale: 1, Attacks: attacks}
				if _, err := simulate.WriteTree(cmd.Context(), filepath.Join(dir, name), c, nil); err != nil {
					return err
				}
			}
			for _, a := range simulate.AttackList() {
				fmt.Fprintf(io.Err, "writing twelve simulated days with %s alone\n", a.ID)
				one := filepath.Join(dir, "alone", a.ID)
				c := simulate.Config{Seed: seed, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 12, Scale: 0.5, Attacks: []string{a.ID}}
				if _, err := simulate.WriteTree(cmd.Context(), one, c, nil); err != nil {
					return err
				}
				o.Alone = append(o.Alone, one)
			}
			o.Attacks, o.Benign = filepath.Join(dir, "attacks"), filepath.Join(dir, "benign")
			return app.Evaluate(cmd.Context(), o, io)
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&seed, "seed", 1, "seed of the simulated month")
	f.IntVar(&days, "days", 30, "days of it")
	f.StringVar(&o.Rules, "rules", "", "folder of rules instead of the built-in ones")
	f.StringVar(&o.ForeignAttacks, "foreign-attacks", "", "folder of CloudTrail files of one attack each")
	f.StringVar(&o.ForeignBenign, "foreign-benign", "", "folder of files of ordinary CloudTrail records, judged one by one")
	f.StringVar(&o.Baseline, "baseline", "", "JSON file with figures that must not be fallen below")
	f.StringVar(&o.JSON, "json", "", "file to write the figures into")
	return cmd
}
