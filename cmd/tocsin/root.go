package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

// rootCommand lists the subcommands; each is a file of its own.
func rootCommand(io app.Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "tocsin",
		Short: "Detect, investigate and explain security events",
		Long: `Tocsin reads security logs and answers: what happened, in what order, by whom, why it
matters, and what is not visible.

Start here:
  tocsin scan ./logs                 ranked incidents of a folder of CloudTrail files
  tocsin scan ./logs -o report.html  the same as one offline page
  tocsin simulate --sample -o demo   a sample organisation under attack, to try it on

Exit codes: 0 clean, 1 findings at or above --fail-on, 2 wrong usage,
3 some input could not be read (the rest was), 4 a fault of tocsin itself.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return app.UsageError{Err: err, Hint: "run '" + cmd.CommandPath() + " --help' for the flags it takes"}
	})
	root.AddCommand(
		scanCommand(io), serveCommand(io), ingestCommand(io), searchCommand(io), replayCommand(io), queryChildCommand(io),
		doctorCommand(io), sourceCommand(io), tokenCommand(io), userCommand(io), backupCommand(io), restoreCommand(io), deadletterCommand(io), ledgerCommand(io), evidenceCommand(io), mcpCommand(io), intelCommand(io),
		rulesCommand(io), entityCommand(io), graphCommand(io), pivotCommand(io), huntCommand(io),
		environmentCommand(io),
		simulateCommand(io),
		evaluateCommand(io),
		versionCommand(io),
	)
	return root
}

// arguments turns cobra's complaint about the number of arguments into a usage error with what to do.
func arguments(check cobra.PositionalArgs, hint string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return app.UsageError{Err: err, Hint: hint}
		}
		return nil
	}
}
