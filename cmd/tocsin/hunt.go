package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
	"github.com/tocsin-security/tocsin/internal/hunt"
)

// investigation are the flags of the commands that ask about entities.
type investigation struct {
	settings
	o app.InvestigateOptions
}

func (i *investigation) bind(c *cobra.Command) {
	i.flags(c)
	f := c.PersistentFlags()
	f.StringVar(&i.o.Lake, "lake", "", "folder of the lake (default: that of the data folder)")
	f.StringVar(&i.o.From, "from", "", "from this time on (2026-03-10 or 2026-03-10T10:00:00Z)")
	f.StringVar(&i.o.To, "to", "", "before this time, and as it was then")
	f.StringSliceVar(&i.o.Accounts, "account", nil, "only these accounts; can be repeated")
	f.StringVar(&i.o.Format, "format", "table", "one of table, json")
}

// bindOwn adds the flag of the commands that leave Tocsin's own out.
func (i *investigation) bindOwn(c *cobra.Command) {
	c.Flags().BoolVar(&i.o.Own, "own", false, "also Tocsin's own audit events: who asked, signed in, changed")
}

// run reads the configuration before a command.
func (i *investigation) run(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		config, err := i.read()
		if err != nil {
			return err
		}
		i.o.Config = config
		return do(cmd, args)
	}
}

func entityCommand(io app.Streams) *cobra.Command {
	var i investigation
	c := &cobra.Command{
		Use: "entity KIND VALUE", Short: "Show who or what an entity is, what it does, and what of it is new",
		Long: `Shows the profile of an entity: since when it is known, how its sessions lead to a person, what it
does and to what, what of the last day was never seen before, and the findings that name it.
Kinds are origin, principal, session, access_key, account, ip, asn, user_agent, role, bucket and more.`,
		Example: "  tocsin entity ip 203.0.113.9\n  tocsin entity origin person:maria@example.org --from 2026-03-07 --to 2026-03-08",
		Args:    arguments(cobra.ExactArgs(2), "give a kind and a value: tocsin entity ip 203.0.113.9"),
	}
	c.RunE = i.run(func(cmd *cobra.Command, args []string) error {
		return app.Entity(cmd.Context(), i.o, args[0], args[1], io)
	})
	i.bind(c)
	i.bindOwn(c)
	return c
}

func graphCommand(io app.Streams) *cobra.Command {
	var i investigation
	var depth, nodes int
	c := &cobra.Command{
		Use: "graph KIND VALUE", Short: "Show what an entity is tied to, and how many others share each tie",
		Example: "  tocsin graph ip 203.0.113.9 --depth 2", Args: arguments(cobra.ExactArgs(2), "give a kind and a value: tocsin graph ip 203.0.113.9"),
	}
	c.RunE = i.run(func(cmd *cobra.Command, args []string) error {
		return app.Graph(cmd.Context(), i.o, args[0], args[1], depth, nodes, io)
	})
	i.bind(c)
	i.bindOwn(c)
	c.Flags().IntVar(&depth, "depth", 1, "steps from the entity, at most 3")
	c.Flags().IntVar(&nodes, "nodes", 80, "at most so many entities")
	return c
}

func pivotCommand(io app.Streams) *cobra.Command {
	var i investigation
	var depth string
	var rows int
	c := &cobra.Command{
		Use: "pivot VALUE", Short: "Show everything that mentions a value, in time order",
		Example: "  tocsin pivot 203.0.113.9\n  tocsin pivot i-0a1b2c3d4e5f60718 --depth records", Args: arguments(cobra.ExactArgs(1), "give a value: tocsin pivot 203.0.113.9"),
	}
	c.RunE = i.run(func(cmd *cobra.Command, args []string) error {
		return app.Pivot(cmd.Context(), i.o, args[0], depth, rows, io)
	})
	i.bind(c)
	i.bindOwn(c)
	c.Flags().StringVar(&depth, "depth", "", "columns or records (default: records only where columns hold nothing)")
	c.Flags().IntVar(&rows, "rows", 200, "at most so many, the newest")
	return c
}

func huntCommand(io app.Streams) *cobra.Command {
	var i investigation
	root := &cobra.Command{Use: "hunt", Short: "Keep questions, run them, and make rules of them"}
	i.bind(root)
	list := &cobra.Command{Use: "list", Short: "List hunts and their results", Args: arguments(cobra.NoArgs, "it takes no arguments")}
	list.RunE = i.run(func(*cobra.Command, []string) error { return app.ListHunts(i.o, io) })
	run := &cobra.Command{Use: "run NAME", Short: "Run a hunt and keep its result", Args: arguments(cobra.ExactArgs(1), "name the hunt: tocsin hunt list")}
	run.RunE = i.run(func(cmd *cobra.Command, args []string) error { return app.RunHunt(cmd.Context(), i.o, args[0], io) })
	var h hunt.File
	var file string
	save := &cobra.Command{
		Use: "save NAME", Short: "Keep a hunt, out of a file or flags", Args: arguments(cobra.ExactArgs(1), "name the hunt"),
		Example: "  tocsin hunt save root-use --title 'Use of root' --question 'Who signs in as root?' --filter \"origin LIKE '%:root'\" --span 7d --every 1h --notify alert",
	}
	save.RunE = i.run(func(_ *cobra.Command, args []string) error {
		h.Name = args[0]
		return app.SaveHunt(i.o, h, file, io)
	})
	f := save.Flags()
	f.StringVar(&file, "file", "", "a hunt as YAML, in place of the other flags")
	f.StringVar(&h.Title, "title", "", "title")
	f.StringVar(&h.Question, "question", "", "what is wanted to be known, in words")
	f.StringVar(&h.Query.SQL, "sql", "", "one SELECT over events")
	f.StringVar(&h.Query.Filter, "filter", "", "a condition over the columns of events")
	f.StringVar(&h.Query.Sigma, "sigma", "", "a Sigma rule, as text")
	f.StringVar(&h.Notes, "notes", "", "notes, in Markdown")
	f.StringVar(&h.Owner, "owner", "", "who answers for it")
	f.StringVar(&h.Span, "span", "", "how far back a run looks: 24h, 7d (default: all)")
	f.StringVar(&h.Every, "every", "", "how often tocsin serve runs it by itself: 1h, 1d")
	f.StringVar(&h.Notify, "notify", "", "alert: more hits than before make an alert")
	var drafts, accept string
	rule := &cobra.Command{Use: "to-rule NAME", Short: "Draft a rule with tests of a hunt; with --accept, take the draft in", Args: arguments(cobra.ExactArgs(1), "name the hunt: tocsin hunt list")}
	rule.RunE = i.run(func(cmd *cobra.Command, args []string) error {
		return app.HuntToRule(cmd.Context(), i.o, args[0], drafts, accept, io)
	})
	rule.Flags().StringVar(&drafts, "drafts", "drafts", "folder of drafts")
	rule.Flags().StringVar(&accept, "accept", "", "folder of rules that the draft is written into, once its tests pass")
	root.AddCommand(list, run, save, rule)
	return root
}
