package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

func backupCommand(io app.Streams) *cobra.Command {
	var s settings
	c := s.command("backup FOLDER", "Copy desk, lake, ledger and keys into a folder, while tocsin serve is stopped", 1, "name a folder that is not there yet", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.Backup(cmd.Context(), c, args[0], io)
	})
	s.flags(c)
	return c
}

func restoreCommand(io app.Streams) *cobra.Command {
	var s settings
	c := s.command("restore FOLDER", "Put a backup back, and prove with the ledger that it is whole", 1, "name a folder that tocsin backup made", func(cmd *cobra.Command, c *app.Config, args []string) error {
		return app.Restore(cmd.Context(), c, args[0], io)
	})
	s.flags(c)
	return c
}
