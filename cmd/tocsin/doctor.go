package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

func doctorCommand(io app.Streams) *cobra.Command {
	var s settings
	var format string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that Tocsin stands on, and say what to do",
		Long: `Looks at configuration, clock, address, data folder, disk, desk, lake, ledger, stream, token, environment, rules,
places, search engine and each source, one line each: OK, WARN or FAIL with what to do. It changes nothing,
and may run beside tocsin serve. Exit code 1 where something fails, 0 otherwise.`,
		Example: "  tocsin doctor\n  tocsin doctor --data /srv/tocsin --format json",
		Args:    arguments(cobra.NoArgs, "it takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.Doctor(cmd.Context(), app.DoctorOptions{Read: s.read, Format: format}, io)
		},
	}
	s.flags(c)
	c.Flags().StringVar(&format, "format", "table", "table or json")
	return c
}
