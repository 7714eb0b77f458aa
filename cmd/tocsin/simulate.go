package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/app"
	"github.com/tocsin-security/tocsin/simulate"
)

func simulateCommand(io app.Streams) *cobra.Command {
	var c simulate.Config
	var l liveFlags
	var out, start string
	var sample, list, live bool
	var volume, files int
	cmd := &cobra.Command{
		Use:   "simulate -o FOLDER",
		Short: "Write the logs of a simulated organisation, with labelled attacks",
		Long: `Writes a tree of files as AWS delivers them, labels.json (which events are whose attack) and
environment.yaml. The same seed gives the same bytes. CloudTrail alone is written unless --format names
more; all formats tell one story. Nothing is sent anywhere, unless --live is told where with --to.`,
		Example: `  tocsin simulate --sample -o demo && tocsin scan demo/logs --environment demo/environment.yaml
  tocsin simulate --days 30 --attack all --format all -o month
  tocsin simulate --live -o live --to s3://logs/prefix --endpoint http://127.0.0.1:5000 --rate 60x`,
		Args: arguments(cobra.NoArgs, "name the folder with -o"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				for _, a := range simulate.AttackList() {
					fmt.Fprintf(io.Out, "%-22s %s (%s)\n", a.ID, a.Title, a.Report)
				}
				return nil
			}
			if cmd.Flags().Changed("start") || !live && !sample {
				var err error
				if c.Start, err = time.Parse(time.DateOnly, start); err != nil {
					return app.UsageError{Err: fmt.Errorf("--start %q is no date", start), Hint: "write it as 2026-03-02"}
				}
			}
			if live {
				return l.run(cmd, c, out, io)
			}
			if err := freshFolder(out); err != nil {
				return err
			}
			if volume > 0 {
				return simulate.Volume(cmd.Context(), out, volume, files, c.Seed)
			}
			if sample {
				formats := c.Formats
				c = simulate.SampleConfig()
				c.Formats = formats
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
	f.StringVar(&start, "start", "2026-03-02", "first day; with --live by the clock, so that the attack was yesterday")
	f.IntVar(&c.Days, "days", 30, "days to write; with --live 8: days of the past, and today")
	f.Float64Var(&c.Scale, "scale", 1, "load: 1 is ordinary")
	f.StringArrayVar(&c.Attacks, "attack", nil, "attack to write in, by id, or all; can be repeated")
	f.StringSliceVar(&c.Formats, "format", nil, "what to write: "+strings.Join(simulate.Formats(), ", ")+", or all (default cloudtrail; with --live all)")
	f.BoolVar(&live, "live", false, "deliver as time passes: the past at once, the rest when it comes; with the folder of before, goes on there")
	f.IntVar(&volume, "volume", 0, "write so many plain events instead, for benchmarks")
	f.IntVar(&files, "files", 4000, "with --volume: files to spread them over")
	l.flags(cmd)
	return cmd
}

// liveFlags are what only --live asks.
type liveFlags struct {
	to, tokens       []string
	rate             string
	catchUp          time.Duration
	endpoint, region string
}

func (l *liveFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.DurationVar(&l.catchUp, "catch-up", 20*time.Second, "with --live: how long the delivery of the past takes")
	f.StringVar(&l.rate, "rate", "", "with --live: deliver the past at so many events a second (500/s), or so many times as fast as it was (60x)")
	f.StringArrayVar(&l.to, "to", nil, "with --live: [FORMAT,FORMAT=]TARGET; folder (logs/ in -o), s3://BUCKET/PREFIX or a source's URL …/api/v1/ingest/NAME; can be repeated")
	f.StringArrayVar(&l.tokens, "token", nil, "with --to a source's URL: NAME=FILE, the file that holds the source's token; can be repeated")
	f.StringVar(&l.endpoint, "endpoint", "", "with --to s3://…: another endpoint, of an emulator")
	f.StringVar(&l.region, "region", "", "with --to s3://…: Region of the bucket")
}

// run delivers. What is not asked for is the sample's.
func (l *liveFlags) run(cmd *cobra.Command, c simulate.Config, out string, io app.Streams) error {
	sample := simulate.SampleConfig()
	for name, otherwise := range map[string]func(){
		"seed": func() { c.Seed = sample.Seed }, "days": func() { c.Days = sample.Days }, "scale": func() { c.Scale = sample.Scale },
		"attack": func() { c.Attacks = sample.Attacks }, "format": func() { c.Formats = []string{"all"} },
	} {
		if !cmd.Flags().Changed(name) {
			otherwise()
		}
	}
	if _, err := os.Stat(filepath.Join(out, simulate.MemoryFile)); out == "" || err != nil {
		if err := freshFolder(out); err != nil {
			return err
		}
	}
	live := simulate.LiveConfig{
		Config: c, Dir: out, CatchUp: l.catchUp, S3: simulate.Store{Endpoint: l.endpoint, Region: l.region}, Now: time.Now,
		Said: func(line string) { fmt.Fprintln(io.Err, "simulate:", line) },
	}
	var err error
	if live.Rate, err = simulate.ParseRate(l.rate); err != nil {
		return app.UsageError{Err: err, Hint: "for example --rate 500/s or --rate 60x"}
	}
	tokens := map[string]string{}
	for _, text := range l.tokens {
		name, file, _ := strings.Cut(text, "=")
		raw, err := os.ReadFile(file)
		if err != nil {
			return app.UsageError{Err: err, Hint: "--token NAME=FILE: a file that holds the token of the source NAME"}
		}
		tokens[name] = strings.TrimSpace(string(raw))
	}
	for _, text := range l.to {
		d, err := simulate.ParseDestination(text, tokens)
		if err != nil {
			return app.UsageError{Err: err, Hint: "for example --to s3://logs/prefix --to alb,waf=http://127.0.0.1:8420/api/v1/ingest/web"}
		}
		live.To = append(live.To, d)
	}
	return simulate.Live(cmd.Context(), live)
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
			if err := trees(cmd.Context(), dir, seed, days, &o, io); err != nil {
				return err
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

// trees writes what is judged, several at once: the month with every attack, the month without, and twelve days with each attack alone.
func trees(ctx context.Context, dir string, seed uint64, days int, o *app.EvaluateOptions, io app.Streams) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	write := func(to, said string, c simulate.Config) {
		fmt.Fprintln(io.Err, said)
		group.Go(func() error {
			_, err := simulate.WriteTree(ctx, to, c, nil)
			return err
		})
	}
	for name, attacks := range map[string][]string{"attacks": {"all"}, "benign": nil} {
		write(filepath.Join(dir, name), "writing a simulated month ("+name+")", simulate.Config{Seed: seed, Start: start, Days: days, Scale: 1, Attacks: attacks})
	}
	for _, a := range simulate.AttackList() {
		one := filepath.Join(dir, "alone", a.ID)
		write(one, "writing twelve simulated days with "+a.ID+" alone", simulate.Config{Seed: seed, Start: start, Days: 12, Scale: 0.5, Attacks: []string{a.ID}})
		o.Alone = append(o.Alone, one)
	}
	return group.Wait()
}
