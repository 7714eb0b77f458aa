// Package desk keeps what people work on: alerts and incidents with their time points, dead letters, deliveries, sources and tokens.
//
// In: what a conclusion found, and what could not be read. Out: rows of a SQL database (SQLite, or PostgreSQL), and lists for those who
// ask, each narrowed to their Scope. The truth of an alert is here; the events behind it are in the lake, and its document holds copies
// of those that decided.
//
// Promises: Save writes findings, dead letters and the position of the stream that they reach in one transaction, and may be called
// again with the same. What a later conclusion no longer says is withdrawn, with a time, never deleted. A time point that was set
// once is not moved by a conclusion; only the first, when it began, moves back for as long as the case is open. What came out of a log may
// hold anything: it is stored as text that every engine takes.
package desk
