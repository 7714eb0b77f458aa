package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

// settings are the flags by which every command of a running Tocsin finds its configuration.
type settings struct{ file, data, listen string }

func (s *settings) flags(c *cobra.Command) {
	f := c.PersistentFlags()
	f.StringVar(&s.file, "config", "", "configuration file (default tocsin.yaml, where it is there)")
	f.StringVar(&s.data, "data", "", "folder of all that is kept (default "+app.DefaultData+")")
	f.StringVar(&s.listen, "listen", "", "address to serve on (default 127.0.0.1:8420)")
}

func (s *settings) read() (*app.Config, error) {
	file, asked := s.file, s.file != ""
	if !asked {
		file = "tocsin.yaml"
	}
	return app.ReadConfig(file, asked, s.data, s.listen)
}

func serveCommand(io app.Streams) *cobra.Command {
	var s settings
	var verbose bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Collect, keep, detect and answer, until it is told to stop",
		Long: `Runs all of Tocsin in one process: opens the sources, keeps every record in the lake, judges it as it
arrives, and serves the API at http://127.0.0.1:8420. Incidents are written to standard output as they
appear. It ends on an interrupt after it has stored what it has; after a kill it goes on where it was.`,
		Example: "  tocsin source add logs --kind folder --set path=./AWSLogs\n  tocsin serve",
		Args:    arguments(cobra.NoArgs, "it takes no arguments; sources are added with: tocsin source add"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := s.read()
			if err != nil {
				return err
			}
			return app.Serve(cmd.Context(), app.ServeOptions{Config: config, Version: version, Verbose: verbose}, io)
		},
	}
	s.flags(c)
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "say more of what is done")
	return c
}

// command is a subcommand that works on a configuration.
func (s *settings) command(use, short string, args int, hint string, run func(cmd *cobra.Command, c *app.Config, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: arguments(cobra.ExactArgs(args), hint), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := s.read()
		if err != nil {
			return err
		}
		return run(cmd, c, args)
	}}
}

func deadletterCommand(io app.Streams) *cobra.Command {
	var s settings
	var from string
	var limit int
	var asJSON bool
	var with string
	root := &cobra.Command{Use: "deadletter", Short: "Look at records that could not be read, and give them in again"}
	s.flags(root)
	list := s.command("list", "List them, the newest first", 0, "", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		return app.ListDeadLetters(cmd.Context(), c, from, limit, asJSON, io)
	})
	list.Flags().StringVar(&from, "source", "", "only those of this source")
	list.Flags().IntVar(&limit, "limit", 100, "at most so many")
	list.Flags().BoolVar(&asJSON, "json", false, "as JSON, with the records")
	replay := s.command("replay ID", "Give one to its source again, by way of the running tocsin serve", 1, "give the id, or the beginning of it", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.ReplayDeadLetter(cmd.Context(), c, args[0], with, io)
	})
	replay.Flags().StringVar(&with, "with", "", "file with the repaired record, to be read in its place")
	root.AddCommand(list, replay,
		s.command("show ID", "Show one with its record", 1, "give the id, or the beginning of it", func(cmd *cobra.Command, c *app.Config, args []string) error {
			return app.ShowDeadLetter(cmd.Context(), c, args[0], io)
		}))
	return root
}

func ledgerCommand(io app.Streams) *cobra.Command {
	var s settings
	var o app.VerifyOptions
	root := &cobra.Command{Use: "ledger", Short: "Prove that what is kept was not changed"}
	s.flags(root)
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Check every data file against the signed log",
		Long: `Follows the keys from the first public key, recomputes the signed tree from its leaves, and hashes every data
file. It names each file that was changed, removed or added, and the event where it is one. It needs the two
folders and the key, nothing of the machine that wrote them. Exit code 1 where something is wrong.`,
		Args: arguments(cobra.NoArgs, "it takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.read()
			if err != nil {
				return err
			}
			return app.VerifyLedger(cmd.Context(), o.In(c), io)
		},
	}
	f := verify.Flags()
	f.StringVar(&o.Lake, "lake", "", "folder of the lake (default: lake in the data folder)")
	f.StringVar(&o.Ledger, "ledger", "", "folder of the ledger (default: ledger in the data folder)")
	f.StringVar(&o.Key, "key", "", "first public key, or a file with it")
	f.StringVar(&o.From, "from", "", "hash only files that were added from this time on")
	f.StringVar(&o.To, "to", "", "hash only files that were added before this time")
	f.BoolVar(&o.JSON, "json", false, "as JSON")
	var all, asJSON bool
	digests := s.command("digests", "Show what came of checking CloudTrail's digest files, and what to do", 0, "", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		return app.ListDigests(cmd.Context(), c, all, asJSON, io)
	})
	digests.Flags().BoolVar(&all, "all", false, "list the valid ones too")
	digests.Flags().BoolVar(&asJSON, "json", false, "as JSON, with all")
	rules := &cobra.Command{
		Use:   "rules [ID | HASH]",
		Short: "Show which versions of rules were in force and when, by the signed log",
		Long: `Checks the signed log and lists each version of each rule that was in force: from when, until when, by which
leaf, and the SHA-256 of its file. A finding names that hash: give it to prove that the rule was in force.`,
		Args: arguments(cobra.MaximumNArgs(1), "give one rule's id, or the hash that a finding names"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.read()
			if err != nil {
				return err
			}
			return app.ProvenRules(cmd.Context(), o.In(c), strings.Join(args, ""), io)
		},
	}
	f = rules.Flags()
	f.StringVar(&o.Ledger, "ledger", "", "folder of the ledger (default: ledger in the data folder)")
	f.StringVar(&o.Key, "key", "", "first public key, or a file with it")
	f.BoolVar(&o.JSON, "json", false, "as JSON")
	root.AddCommand(verify, digests, rules, s.command("rotate", "Give the ledger a new key", 0, "", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		return app.RotateLedger(cmd.Context(), c, io)
	}))
	return root
}

var errDiff = errors.New("--diff compares two sets of rules")

func replayCommand(io app.Streams) *cobra.Command {
	var o app.ReplayOptions
	c := &cobra.Command{
		Use:   "replay",
		Short: "Judge the lake's history again, with these rules or others",
		Long: `Judges what the lake holds as a scan judges files. With --diff given twice it says which findings
the second set of rules gains, loses and changes, all of them, in one reading; when it is
interrupted or killed, the same command goes on where it was.`,
		Example: `  tocsin replay --from 2026-03-01 --rules ./rules
  tocsin replay --diff ./rules-old --diff ./rules-new`,
		Args: arguments(cobra.NoArgs, "it takes no arguments: the lake is named with --lake"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Width, o.Color = terminal()
			o.Version = version
			if n := len(o.Diff); n != 0 && n != 2 {
				return app.UsageError{Err: errDiff, Hint: "tocsin replay --diff ./rules-old --diff ./rules-new"}
			}
			return app.Replay(cmd.Context(), o, io)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Lake, "lake", app.DefaultLake, "folder of the lake")
	f.StringVar(&o.Rules, "rules", "", "folder of rules instead of the built-in ones")
	f.StringArrayVar(&o.Diff, "diff", nil, "give it twice: two folders of rules to compare ('' is the built-in ones)")
	f.StringVar(&o.From, "from", "", "from this time on")
	f.StringVar(&o.To, "to", "", "before this time")
	f.StringVar(&o.Environment, "environment", "", "environment.yaml")
	f.StringArrayVar(&o.Intel, "intel", nil, "feed of indicators, a file or a folder; as of tocsin scan")
	f.BoolVar(&o.Restart, "restart", false, "begin a comparison anew, though an earlier one was not ended")
	f.StringVar(&o.Format, "format", "", "as of tocsin scan; of a comparison one of table, json, markdown")
	f.StringVarP(&o.Output, "output", "o", "", "file to write")
	f.StringVar(&o.MinSeverity, "min-severity", "", "show only what is at least so severe")
	f.StringVar(&o.FailOn, "fail-on", "", "end with code 1 at this level or above")
	f.IntVar(&o.Workers, "workers", 0, "goroutines that read (default: one per core)")
	return c
}
