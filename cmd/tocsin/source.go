package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

func sourceCommand(io app.Streams) *cobra.Command {
	var s settings
	root := &cobra.Command{
		Use:   "source",
		Short: "Add, list and test the doors that logs come in by",
		Long: `Each source is a door of one kind: a folder, pushes over HTTP, or an S3 bucket. What is changed here is taken
up by a running tocsin serve within a few seconds. Standard input is no source: give a file to tocsin ingest - without
a server, or push it to a running one: curl --data-binary @- …/api/v1/ingest/NAME.`,
	}
	s.flags(root)
	root.AddCommand(sourceAdd(&s, io), sourceList(&s, io), sourceBackfill(&s, io),
		s.command("test NAME", "Open a source's door once", 1, "name the source", func(cmd *cobra.Command, c *app.Config, args []string) error {
			return app.TestSource(cmd.Context(), c, args[0], io)
		}),
		s.command("pause NAME", "Let a source wait; nothing is lost", 1, "name the source", func(cmd *cobra.Command, c *app.Config, args []string) error {
			return app.PauseSource(cmd.Context(), c, args[0], true, io)
		}),
		s.command("resume NAME", "Let a paused source go on", 1, "name the source", func(cmd *cobra.Command, c *app.Config, args []string) error {
			return app.PauseSource(cmd.Context(), c, args[0], false, io)
		}),
		s.command("remove NAME", "Forget a source", 1, "name the source", func(cmd *cobra.Command, c *app.Config, args []string) error {
			return app.RemoveSource(cmd.Context(), c, args[0], io)
		}),
		s.command("kinds", "List the kinds of sources and their settings", 0, "", func(*cobra.Command, *app.Config, []string) error {
			app.ListKinds(io)
			return nil
		}))
	return root
}

func sourceAdd(s *settings, io app.Streams) *cobra.Command {
	var kind string
	var set []string
	c := s.command("add NAME", "Add a source, or change it", 1, "name it: tocsin source add logs --kind folder --set path=/var/log/aws", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.AddSource(cmd.Context(), c, args[0], kind, set, io)
	})
	c.Example = `  tocsin source add logs --kind folder --set path=/var/log/aws
  tocsin source add apps --kind http
  tocsin source add trail --kind s3 --set queue=https://sqs.eu-west-1.amazonaws.com/111111111111/trail --set region=eu-west-1`
	c.Flags().StringVar(&kind, "kind", "folder", "one of folder, http, s3")
	c.Flags().StringArrayVar(&set, "set", nil, "a setting, NAME=VALUE; can be repeated ('tocsin source kinds' lists them)")
	return c
}

func sourceList(s *settings, io app.Streams) *cobra.Command {
	var asJSON bool
	c := s.command("list", "List the sources", 0, "", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		return app.ListSources(cmd.Context(), c, asJSON, io)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

func sourceBackfill(s *settings, io app.Streams) *cobra.Command {
	var o app.BackfillOptions
	c := s.command("backfill NAME", "List a part of a bucket's past as well", 1, "name the source", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.Backfill(cmd.Context(), c, args[0], o, io)
	})
	c.Long = `Adds a source that lists a part of the bucket of another, once, and delivers it in the other's name. The running
tocsin serve does it, or the next one that is started; it goes on where it was stopped. Branches of the bucket that are
not asked for are not listed. The events are of the lane backfill: judged, and no news.`
	c.Example = "  tocsin source backfill trail --account 111111111111 --region eu-west-1 --from 2026-03-01 --to 2026-04-01"
	f := c.Flags()
	f.StringSliceVar(&o.Accounts, "account", nil, "only this account; can be repeated")
	f.StringSliceVar(&o.Regions, "region", nil, "only this Region; can be repeated")
	f.StringVar(&o.From, "from", "", "first day (2026-03-01)")
	f.StringVar(&o.To, "to", "", "day after the last")
	return c
}
