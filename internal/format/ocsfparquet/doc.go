// Package ocsfparquet reads OCSF events that are stored as Parquet, as Amazon Security Lake and Tocsin's own lake keep them.
//
// In: a stream that begins with PAR1. Out: the same events as the format ocsfjson gives them, row for row: structs and maps become objects,
// lists arrays, empty columns are left out. Parquet is read from its end, so the stream is first copied to a temporary file. Memory is bounded
// whatever the file claims; what the reader cannot take, or fails on, is one unreadable stretch with a sentence.
package ocsfparquet
