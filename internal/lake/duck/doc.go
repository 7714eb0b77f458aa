// Package duck answers questions to the lake with DuckDB, in a child process of the same binary.
//
// In: a SELECT over the one table events, a Scope, a time range and the files that the lake's plan lists. Out: rows, in
// the order of the answer; of a filter, newest first while the rest is still being read.
//
//	ask.go     the parent: starts the child, hands it the question, passes rows on, kills it when the context ends
//	child.go   the child: opens DuckDB, checks the question, makes the view events, runs it
//	check.go   which questions are answered: one SELECT over events, with no way to a file or a setting
//	securitylake.go   the tables of Amazon Security Lake, as views over events
//
// Promises: a question is parsed before it runs; it can read nothing but the listed files, through the account scope, and
// write nothing; memory and time are bounded; a crash of the engine ends the answer and nothing else. A build without a C
// compiler has no engine and says so (ErrNoEngine).
package duck
