package app

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// The exit codes, part of the contract with scripts.
const (
	ExitClean    = 0 // done, nothing at or above --fail-on
	ExitFindings = 1 // done, something at or above --fail-on
	ExitUsage    = 2 // the command line, a rule or environment.yaml is wrong
	ExitPartly   = 3 // some input could not be read; the rest was, and its findings are written
	ExitInternal = 4 // a fault of tocsin
)

// Streams are the standard streams of a command. Data goes to Out, talk to Err.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// UsageError is a mistake on the command line or in a file that the user wrote: exit code 2.
type UsageError struct {
	Err  error
	Hint string // what to do instead
}

// Error gives the cause in words.
func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e UsageError) Unwrap() error { return e.Err }

// Outcome ends a command with an exit code that is no error: findings, or input that was partly unreadable.
type Outcome int

// Error gives the code in words.
func (o Outcome) Error() string { return fmt.Sprintf("exit code %d", int(o)) }

// ExitCode says what went wrong on talk, where something did, and returns the code to end with.
func ExitCode(err error, talk io.Writer) int {
	var outcome Outcome
	var usage UsageError
	switch {
	case err == nil:
		return ExitClean
	case errors.As(err, &outcome):
		return int(outcome)
	case errors.As(err, &usage):
		say(talk, usage.Error(), usage.Hint)
		return ExitUsage
	case strings.HasPrefix(err.Error(), "unknown command"):
		say(talk, err.Error(), "run 'tocsin --help' for the commands there are")
		return ExitUsage
	}
	say(talk, err.Error(), "")
	return ExitInternal
}

func say(w io.Writer, message, hint string) {
	fmt.Fprintf(w, "tocsin: %s\n", message)
	if hint != "" {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
}
