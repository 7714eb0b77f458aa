package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tocsin-security/tocsin/internal/app"
	"github.com/tocsin-security/tocsin/internal/report"
)

func scanCommand(io app.Streams) *cobra.Command {
	var o app.ScanOptions
	c := &cobra.Command{
		Use:   "scan PATH…",
		Short: "Read logs and print ranked, explained incidents",
		Long: `Reads CloudTrail (and OCSF events as JSON) from files, folders, archives (gz, zst, zip,
tar, nested) and standard input (-), whatever their names, and prints what happened: incidents
first, then alerts that stand alone, then what was read and what cannot be seen in it.`,
		Example: `  tocsin scan ./AWSLogs
  tocsin scan ./AWSLogs -o report.html
  aws cloudtrail lookup-events --output json | tocsin scan -
  tocsin scan ./AWSLogs --from 2026-03-01 --to 2026-03-08 --fail-on high --format json`,
		Args: arguments(cobra.MinimumNArgs(1), "give a file, a folder or - for standard input: tocsin scan ./AWSLogs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Paths, o.Version = args, version
			o.Width, o.Color = terminal()
			return app.Scan(cmd.Context(), o, io)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Rules, "rules", "", "folder of Sigma rules to use instead of the built-in ones")
	f.StringVar(&o.Format, "format", "", "one of "+join(report.Names())+" (default: by the ending of -o, else table)")
	f.StringVarP(&o.Output, "output", "o", "", "file to write instead of standard output")
	f.StringArrayVar(&o.Also, "also", nil, "write a further report, FORMAT=FILE; can be repeated")
	f.StringVar(&o.MinSeverity, "min-severity", "", "show alerts and incidents from this level on")
	f.StringVar(&o.FailOn, "fail-on", "", "end with exit code 1 if anything is at or above this level")
	f.StringVar(&o.From, "from", "", "judge events from this time on (2026-03-10 or 2026-03-10T10:00:00Z)")
	f.StringVar(&o.To, "to", "", "judge events before this time")
	f.StringVar(&o.Environment, "environment", "", "environment.yaml: what only you know of your organisation")
	f.StringArrayVar(&o.Intel, "intel", nil, "feed of indicators, a file or a folder, with settings after commas (c2.txt,confidence=90,tag=c2); can be repeated")
	f.IntVar(&o.Workers, "workers", 0, "goroutines that read (default: one per core)")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "no progress")
	return c
}

// terminal returns the width of the terminal on standard output and whether it takes colours. https://no-color.org
func terminal() (width int, color bool) {
	fd := int(os.Stdout.Fd()) //nolint:gosec // a descriptor
	if !term.IsTerminal(fd) {
		return 0, false
	}
	width, _, err := term.GetSize(fd)
	if err != nil {
		width = 0
	}
	return width, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func join(list []string) string {
	out := ""
	for i, s := range list {
		if i > 0 {
			out += ", "
		}
		out += s
	}
	return out
}
