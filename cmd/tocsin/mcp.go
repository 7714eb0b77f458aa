package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

func mcpCommand(io app.Streams) *cobra.Command {
	var s settings
	var token string
	c := s.command("mcp", "Let an assistant read what a token may read (Model Context Protocol, on standard input and output)", 0, "it takes no arguments", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		return app.ServeAssistant(cmd.Context(), c, token, version, io)
	})
	c.Long = `Serves tools that only read (search, incident, entity, coverage, explain) to the assistant that started it, and asks the
running tocsin serve with a token. Give it a token of its own, for the accounts that it may see:

  tocsin token add --name assistant --role viewer --account 111122223333 --days 30

Over HTTP the same tools are at /api/v1/mcp.`
	s.flags(c)
	c.Flags().StringVar(&token, "token", "", "file with the token (default: the owner's)")
	return c
}
