package report

import (
	"bufio"
	"fmt"
	"io"
)

// Options are how a report is written.
type Options struct {
	Width int  // columns of the terminal; 0 takes 100
	Color bool // ANSI colours
}

// format is one way to write a Scan.
type format struct {
	name  string
	about string
	write func(w io.Writer, s *Scan, o Options) error
}

// formats is the table of all output formats.
var formats = []format{
	{"table", "for the terminal: incidents, loose alerts, and a last screen with the sums", writeTable},
	{"json", "one document with all of it", writeJSON},
	{"jsonl", "a line per incident and alert, then one with the sums", writeJSONLines},
	{"ocsf", "OCSF 1.8.0: a Detection Finding per alert, an Incident Finding per incident", writeOCSF},
	{"csv", "a row per alert", writeCSV},
	{"sarif", "SARIF 2.1.0, for code scanning", writeSARIF},
	{"html", "one offline page", writeHTML},
	{"markdown", "for a ticket", writeMarkdown},
}

// Names lists the formats.
func Names() []string {
	out := make([]string, 0, len(formats))
	for _, f := range formats {
		out = append(out, f.name)
	}
	return out
}

// Known reports whether a format exists.
func Known(name string) bool {
	for _, f := range formats {
		if f.name == name {
			return true
		}
	}
	return false
}

// Write writes s in the named format.
func Write(w io.Writer, name string, s *Scan, o Options) error {
	if o.Width <= 0 {
		o.Width = 100
	}
	for _, f := range formats {
		if f.name == name {
			b := bufio.NewWriter(w)
			if err := f.write(b, s, o); err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
			return b.Flush()
		}
	}
	return fmt.Errorf("there is no format %q", name)
}
