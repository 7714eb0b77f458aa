package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

func versionCommand(io app.Streams) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version and what is built in", Args: arguments(cobra.NoArgs, "it takes no arguments"),
		RunE: func(*cobra.Command, []string) error { return app.Version(version, io) },
	}
}
