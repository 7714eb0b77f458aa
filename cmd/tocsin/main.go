// Command tocsin detects, investigates and explains security events. Each file beside this one is a subcommand: its
// flags, its help, and a call into internal/app. What goes in is arguments and files; what comes out is a report on standard
// output, talk on standard error and an exit code that a script can trust.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/tocsin-security/tocsin/internal/app"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], app.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, io app.Streams) int {
	root := rootCommand(io)
	root.SetArgs(args)
	root.SetIn(io.In)
	root.SetOut(io.Out)
	root.SetErr(io.Err)
	err := root.ExecuteContext(ctx)
	return app.ExitCode(err, io.Err)
}
