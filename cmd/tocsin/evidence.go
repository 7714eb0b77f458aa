package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

func evidenceCommand(io app.Streams) *cobra.Command {
	var s settings
	root := &cobra.Command{Use: "evidence", Short: "Freeze what a case rests on, hold it, export it, and prove that it is as it was"}
	s.flags(root)
	root.AddCommand(
		captureEvidenceCommand(&s, io), listEvidenceCommand(&s, io), showEvidenceCommand(&s, io), verifyEvidenceCommand(&s, io), exportEvidenceCommand(&s, io),
		judgeEvidenceCommand(&s, io, "hold", "Put a set on legal hold: it cannot be deleted"),
		judgeEvidenceCommand(&s, io, "release", "End a legal hold"),
		judgeEvidenceCommand(&s, io, "delete", "Let go of a set's bytes; that it was, and who deleted it, stays"),
	)
	return root
}

func captureEvidenceCommand(s *settings, io app.Streams) *cobra.Command {
	var o app.CaptureOptions
	c := s.command("capture", "Freeze an incident or events with their proof, and add files", 0, "name what to capture with --incident, --events or --file", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		return app.CaptureEvidence(cmd.Context(), c, &o, io)
	})
	c.Example = `  tocsin evidence capture --incident 4f1c… --why "key of alice was stolen"
  tocsin evidence capture --set r7sqk4mvj2uiddq3 --screenshot page.png --why "what I saw"`
	f := c.Flags()
	f.StringVar(&o.Incident, "incident", "", "its document, and every event that it tells of")
	f.StringSliceVar(&o.Events, "events", nil, "ids of events (metadata.uid); can be repeated")
	f.StringSliceVar(&o.Files, "file", nil, "a file to add; can be repeated")
	f.StringSliceVar(&o.Screenshots, "screenshot", nil, "a picture of a page to add; can be repeated")
	f.StringVar(&o.Set, "set", "", "a set to add to (default: a new one)")
	f.StringVar(&o.Title, "title", "", "what to call a new set (default: the incident's headline)")
	f.StringVar(&o.Why, "why", "", "the reason, for the chain of custody (required)")
	f.StringVar(&o.From, "from", "", "the events occurred from this time on: fewer days are faster to look through")
	f.StringVar(&o.To, "to", "", "the events occurred before this time")
	return c
}

func listEvidenceCommand(s *settings, io app.Streams) *cobra.Command {
	var incident string
	var asJSON bool
	c := s.command("list", "List the sets, the newest first", 0, "", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		return app.ListEvidence(cmd.Context(), c, incident, asJSON, io)
	})
	c.Flags().StringVar(&incident, "incident", "", "only sets about this incident")
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, one set a line")
	return c
}

func showEvidenceCommand(s *settings, io app.Streams) *cobra.Command {
	var asJSON bool
	c := s.command("show ID", "Show a set's items and its chain of custody, which notes that you did", 1, "name the set", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.ShowEvidence(cmd.Context(), c, args[0], asJSON, io)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

var errVerifyWhat = errors.New("say what to verify")

func verifyEvidenceCommand(s *settings, io app.Streams) *cobra.Command {
	var key string
	var all, asJSON bool
	c := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check an exported file, or with --all every set that is kept here",
		Long: `Checks that every byte is as it was captured, that every event is one of those that its data file held, and that all of it
is sealed by the ledger, with the ledger's first public key alone. It needs no running tocsin serve. Exit code 1 where
something is not as it was.`,
		Example: "  tocsin evidence verify evidence-r7sqk4mvj2uiddq3.html --key ledger.pub\n  tocsin evidence verify --all",
		Args:    arguments(cobra.MaximumNArgs(1), "one file at a time"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.read()
			if err != nil {
				return err
			}
			if len(args) == 0 != all {
				return app.UsageError{Err: errVerifyWhat, Hint: "name a file, or give --all"}
			}
			return app.VerifyEvidence(cmd.Context(), c, append(args, "")[0], key, asJSON, io)
		},
	}
	c.Flags().StringVar(&key, "key", "", "the ledger's first public key, or a file with it")
	c.Flags().BoolVar(&all, "all", false, "every set that is kept in the data folder")
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, one set a line")
	return c
}

func exportEvidenceCommand(s *settings, io app.Streams) *cobra.Command {
	var format, output, why string
	c := s.command("export ID", "Write a set as zip, or as one offline page that verifies itself", 1, "name the set", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.ExportEvidence(cmd.Context(), c, args[0], format, output, why, io)
	})
	f := c.Flags()
	f.StringVar(&format, "format", "html", "html or zip")
	f.StringVarP(&output, "output", "o", "", "file to write (default: evidence-ID.html or .zip)")
	f.StringVar(&why, "why", "", "the reason, for the chain of custody (required)")
	return c
}

func judgeEvidenceCommand(s *settings, io app.Streams, what, short string) *cobra.Command {
	var why string
	c := s.command(what+" ID", short, 1, "name the set", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.JudgeEvidence(cmd.Context(), c, args[0], what, why, io)
	})
	c.Flags().StringVar(&why, "why", "", "the reason, for the chain of custody (required)")
	return c
}
