package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

func intelCommand(io app.Streams) *cobra.Command {
	var s settings
	var f app.FeedConfig
	var asJSON bool
	root := &cobra.Command{
		Use:   "intel",
		Short: "Feeds of what others call malicious: addresses, names, URLs, hashes",
		Long: `Feeds are files or URLs: a plain list, CSV, a STIX 2.1 bundle, MISP events. MISP warning lists say what no feed
may accuse. None is on by default; docs/intelligence.md names a few public ones with their licences.`,
	}
	s.flags(root)
	add := s.command("add NAME", "Add a feed, or change it, and fetch it", 1, "name it: tocsin intel add c2 --url https://example.org/c2.txt --confidence 90", func(cmd *cobra.Command, c *app.Config, args []string) error {
		f.Name = args[0]
		return app.AddFeed(cmd.Context(), c, f, io)
	})
	feedFlags(add, &f)
	list := s.command("list", "List the feeds with how they do", 0, "", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		return app.ListFeeds(cmd.Context(), c, asJSON, io)
	})
	list.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	refresh := &cobra.Command{
		Use: "refresh [NAME]", Short: "Fetch a feed now, or all", Args: arguments(cobra.MaximumNArgs(1), "name one feed, or none for all"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.read()
			if err != nil {
				return err
			}
			return app.RefreshFeeds(cmd.Context(), c, append(args, "")[0], io)
		},
	}
	root.AddCommand(add, list, refresh, sweepCommand(&s, io),
		s.command("show NAME", "Show a feed, what it refused and what it met", 1, "name the feed", func(cmd *cobra.Command, c *app.Config, args []string) error {
			return app.ShowFeed(cmd.Context(), c, args[0], io)
		}),
		s.command("remove NAME", "Forget a feed", 1, "name the feed", func(cmd *cobra.Command, c *app.Config, args []string) error {
			return app.RemoveFeed(cmd.Context(), c, args[0], io)
		}),
		s.command("check VALUE", "Say what the feeds say of a value; exit code 1 where one names it", 1, "give an address, a name, a URL or a hash", func(cmd *cobra.Command, c *app.Config, args []string) error {
			return app.CheckValue(cmd.Context(), c, args[0], io)
		}))
	return root
}

func feedFlags(c *cobra.Command, f *app.FeedConfig) {
	fl := c.Flags()
	fl.StringVar(&f.URL, "url", "", "where it is, http or https")
	fl.StringVar(&f.File, "file", "", "a file, in place of --url")
	fl.StringVar(&f.Format, "format", "", "one of list, csv, stix, misp, warninglist (default: by its content)")
	fl.StringVar(&f.Kind, "kind", "", "take only ip, domain, url or hash (default: what each entry looks like)")
	fl.StringVar(&f.Column, "column", "", "of a CSV: header or number of the column with the indicators")
	fl.IntVar(&f.Confidence, "confidence", 0, "0–100, where the feed gives none (default 50, which alone makes no alert)")
	fl.StringVar(&f.Expires, "expires", "", "how long after it was last seen an indicator counts: 30d (default: as the feed says)")
	fl.StringVar(&f.Every, "every", "", "how often to look for a new version (default 1h)")
	fl.StringArrayVar(&f.Tags, "tag", nil, "give each indicator a tag, such as tor or c2; can be repeated")
	fl.BoolVar(&f.Allow, "allow", false, "an allow-list: what it covers accuses nobody")
}

func sweepCommand(s *settings, io app.Streams) *cobra.Command {
	var o app.SweepOptions
	c := s.command("sweep", "Look for the indicators in all of the lake", 0, "", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		o.Width, o.Color = terminal()
		o.Version = version
		return app.Sweep(cmd.Context(), c, o, io)
	})
	c.Long = `Sifts the lake's files by their columns and judges what is left by the feeds alone. A running tocsin serve does
this by itself whenever a feed brings something new, and keeps what it finds.`
	f := c.Flags()
	f.StringVar(&o.Lake, "lake", "", "folder of the lake (default: lake in the data folder)")
	f.StringArrayVar(&o.Intel, "intel", nil, "look for this file or folder of feeds instead of those that were added")
	f.StringVar(&o.From, "from", "", "events from this time on")
	f.StringVar(&o.To, "to", "", "events before this time")
	f.StringVar(&o.Format, "format", "", "as of tocsin scan")
	f.StringVarP(&o.Output, "output", "o", "", "file to write")
	f.StringVar(&o.MinSeverity, "min-severity", "", "show only what is at least so severe")
	f.StringVar(&o.FailOn, "fail-on", "", "end with code 1 at this level or above")
	return c
}
