// Package report writes what a scan concluded, in every output format.
//
// In: a Scan. Out: bytes on a writer: for people (table, html, markdown), for programs (json, jsonl, ocsf, csv, sarif).
// formats.go lists them in one visible table; each is a file of its own.
//
// Promises: the same Scan gives the same bytes; no clock and no host name is read. Log content is hostile: nothing
// of it reaches a terminal raw (Clean), HTML unescaped, or a spreadsheet as a formula. What is left out for size is said.
package report
