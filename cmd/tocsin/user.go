package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/app"
)

func userCommand(io app.Streams) *cobra.Command {
	var s settings
	var role string
	var accounts []string
	var asJSON bool
	root := &cobra.Command{Use: "user", Short: "Add, list, change and disable people who sign in"}
	s.flags(root)
	add := s.command("add NAME", "Add a person; the password is read from standard input", 1, "name the person", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.AddUser(cmd.Context(), c, access.Person{Name: args[0], Role: access.Role(role), Accounts: accounts}, os.Stdin, io)
	})
	change := s.command("role NAME", "Set a person's role and accounts", 1, "name the person", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.ChangeUser(cmd.Context(), c, args[0], access.Role(role), accounts, io)
	})
	for _, c := range []*cobra.Command{add, change} {
		c.Flags().StringVar(&role, "role", "", "viewer, analyst, responder, engineer or admin")
		c.Flags().StringSliceVar(&accounts, "account", nil, "accounts whose data is seen; '*' is all")
	}
	list := s.command("list", "List people", 0, "", func(cmd *cobra.Command, c *app.Config, _ []string) error {
		return app.ListUsers(cmd.Context(), c, asJSON, io)
	})
	list.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	root.AddCommand(add, list, change,
		s.command("disable NAME", "End a person's access and sessions", 1, "name the person", func(cmd *cobra.Command, c *app.Config, args []string) error {
			return app.DisableUser(cmd.Context(), c, args[0], io)
		}),
		s.command("reset NAME", "Give a person another password, read from standard input; sessions end", 1, "name the person", func(cmd *cobra.Command, c *app.Config, args []string) error {
			return app.ResetUser(cmd.Context(), c, args[0], os.Stdin, io)
		}))
	return root
}
