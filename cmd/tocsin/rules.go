package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

func rulesCommand(io app.Streams) *cobra.Command {
	c := &cobra.Command{Use: "rules", Short: "List, check, test and explain detection rules", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var jsonOut bool
	list := &cobra.Command{
		Use: "list [FOLDER]", Short: "List rules with level, tier and ATT&CK techniques", Args: arguments(cobra.MaximumNArgs(1), "give at most one folder"),
		RunE: func(_ *cobra.Command, args []string) error { return app.ListRules(first(args), jsonOut, io) },
	}
	list.Flags().BoolVar(&jsonOut, "json", false, "a JSON line per rule")
	check := &cobra.Command{
		Use: "check [FOLDER]", Short: "Check rules: syntax, ids, levels, tags, stories, tests", Args: arguments(cobra.MaximumNArgs(1), "give at most one folder"),
		RunE: func(_ *cobra.Command, args []string) error { return app.CheckRules(first(args), io) },
	}
	var run string
	test := &cobra.Command{
		Use: "test [FOLDER]", Short: "Run the tests that lie beside rules (*.test.yml)", Args: arguments(cobra.MaximumNArgs(1), "give at most one folder"),
		RunE: func(_ *cobra.Command, args []string) error { return app.TestRules(first(args), run, io) },
	}
	test.Flags().StringVar(&run, "run", "", "only rule files whose path contains this text")
	var events string
	explain := &cobra.Command{
		Use: "explain RULE", Short: "Show how a rule is evaluated, and for events which parts held", Args: arguments(cobra.ExactArgs(1), "give the id, title or file of a rule: tocsin rules list"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.ExplainRule(cmd.Context(), args[0], events, io)
		},
	}
	explain.Flags().StringVar(&events, "events", "", "file or folder of logs to evaluate it on")
	var layer string
	coverage := &cobra.Command{
		Use: "coverage [FOLDER]", Short: "Show which ATT&CK techniques rules cover; write a Navigator layer", Args: arguments(cobra.MaximumNArgs(1), "give at most one folder"),
		RunE: func(_ *cobra.Command, args []string) error { return app.Coverage(first(args), layer, io) },
	}
	coverage.Flags().StringVar(&layer, "navigator", "", "file for an ATT&CK Navigator layer")
	c.AddCommand(list, check, test, explain, coverage)
	return c
}

func first(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return ""
}
