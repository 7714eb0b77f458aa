package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

func ingestCommand(io app.Streams) *cobra.Command {
	var o app.IngestOptions
	c := &cobra.Command{
		Use:   "ingest PATH…",
		Short: "Read logs into the lake, an open table that any engine can read",
		Long: `Reads logs as scan does and keeps every event in the lake: Parquet files under an Iceberg table,
in a folder that DuckDB, Trino, Spark and PyIceberg read as well. What is there already is not
added again, so it can be run as often as one likes.`,
		Example: "  tocsin ingest ./AWSLogs\n  tocsin ingest ./AWSLogs --lake /srv/lake",
		Args:    arguments(cobra.MinimumNArgs(1), "give a file, a folder or - for standard input: tocsin ingest ./AWSLogs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Paths = args
			return app.Ingest(cmd.Context(), o, io)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Lake, "lake", app.DefaultLake, "folder of the lake")
	f.StringVar(&o.Source, "source", "files", "name of the source, kept with each event")
	f.IntVar(&o.Workers, "workers", 0, "goroutines that read (default: one per core)")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "no progress")
	return c
}

func searchCommand(io app.Streams) *cobra.Command {
	var o app.SearchOptions
	c := &cobra.Command{
		Use:   "search ['SELECT … FROM events …']",
		Short: "Ask the lake, in SQL or by a filter",
		Long: `Answers one SELECT over the table events, or lists the events that a filter lets through,
newest first: the first page is there while the rest is read. It never writes, sees only the
accounts that --account names, and ends at --timeout and --memory. An interrupt ends it with
what there is. 'DESCRIBE' lists the columns. Queries for Amazon Security Lake run as they are.`,
		Example: `  tocsin search --filter "src_ip = '203.0.113.9'" --from 2026-03-01
  tocsin search 'SELECT operation, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC' --format csv
  tocsin search --filter "status = 'Failure'" -o failures.parquet
  tocsin search DESCRIBE`,
		Args: arguments(cobra.MaximumNArgs(1), "put the whole SELECT in quotes: tocsin search 'SELECT count(*) FROM events'"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.SQL = args[0]
			}
			o.Width, _ = terminal()
			return app.Search(cmd.Context(), o, io)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Lake, "lake", app.DefaultLake, "folder of the lake")
	f.StringVar(&o.Filter, "filter", "", "a condition over the columns of events")
	f.StringVar(&o.Format, "format", "", "one of table, json, jsonl, csv, parquet (default: by the ending of -o, else table)")
	f.StringVarP(&o.Output, "output", "o", "", "file to write instead of standard output")
	f.StringVar(&o.From, "from", "", "events from this time on (2026-03-10 or 2026-03-10T10:00:00Z)")
	f.StringVar(&o.To, "to", "", "events before this time")
	f.StringSliceVar(&o.Accounts, "account", nil, "only these accounts; can be repeated")
	f.IntVar(&o.Limit, "limit", -1, "at most so many rows; 0 for all (default: 1000, and all into a file)")
	f.IntVar(&o.Limit, "rows", -1, "the same as --limit")
	_ = f.MarkHidden("rows") // it is there
	f.IntVar(&o.Memory, "memory", 1024, "MiB that the engine may use")
	f.DurationVar(&o.Timeout, "timeout", 5*time.Minute, "when to give up")
	return c
}

// queryChildCommand is what search starts: the engine in a process of its own.
func queryChildCommand(io app.Streams) *cobra.Command {
	return &cobra.Command{Use: "query-child", Hidden: true, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return duck.Serve(io.In, io.Out) }}
}
