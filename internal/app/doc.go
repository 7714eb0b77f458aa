// Package app wires the parts together: from what a command line asks for to a written report and an exit code.
//
// In: options that are already flags and paths, standard streams. Out: output on Streams.Out or in files, talk on
// Streams.Err, and an error whose exit code is part of the contract (exit.go). It decides nothing about detection.
package app
