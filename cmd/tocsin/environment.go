package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

func environmentCommand(io app.Streams) *cobra.Command {
	c := &cobra.Command{Use: "environment", Short: "Describe your organisation, so that rules can ask about it", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	c.AddCommand(&cobra.Command{
		Use:   "propose PATH…",
		Short: "Draft an environment.yaml from logs, each line with its reason",
		Args:  arguments(cobra.MinimumNArgs(1), "give logs to draft it from: tocsin environment propose ./AWSLogs > environment.yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.ProposeEnvironment(cmd.Context(), args, io)
		},
	})
	return c
}
