package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
	"github.com/tocsin-security/tocsin/internal/desk"
)

func tokenCommand(io app.Streams) *cobra.Command {
	var s settings
	var t desk.Token
	var days int
	var asJSON bool
	root := &cobra.Command{Use: "token", Short: "Make, list and revoke tokens"}
	s.flags(root)
	add := s.command("add", "Make a token; its secret is shown once", 0, "", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		if days < 0 {
			return app.UsageError{Err: errors.New("--days cannot be negative"), Hint: "leave it out for a token that does not end by itself"}
		}
		if days > 0 {
			t.Expires = time.Now().AddDate(0, 0, days)
		}
		return app.AddToken(cmd.Context(), c, t, io)
	})
	f := add.Flags()
	f.StringVar(&t.Name, "name", "", "what to call it, to revoke it by; a name is never given twice (left out: one is made up)")
	f.StringVar(&t.Source, "source", "", "it may deliver to this source, and nothing else")
	f.StringSliceVar(&t.Accounts, "account", nil, "it may see these accounts; '*' is all")
	f.StringVar(&t.Role, "role", "", "what it may do: viewer, analyst, responder, engineer or admin (default viewer)")
	f.IntVar(&days, "days", 0, "it ends after so many days (default: never)")
	list := s.command("list", "List the tokens, without their secrets", 0, "", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		return app.ListTokens(cmd.Context(), c, asJSON, io)
	})
	list.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	root.AddCommand(add, list, s.command("revoke NAME", "End all tokens of a name", 1, "name the token", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.RevokeTokens(cmd.Context(), c, args[0], io)
	}))
	return root
}
