// Package lake keeps events in one open Iceberg table that any engine can read.
//
// In: events with their pivots (Row), in any order. Out: Parquet files under data/, Iceberg metadata under metadata/, both
// in one folder with a SQLite catalog; and, for readers, the list of files that a question can touch (Plan).
//
//	schema.tsv   the columns, checked in: one line per node
//	schema.go    schema.tsv → Iceberg schema; adds the columns that an older table lacks
//	row.go       an event → one row of Arrow builders
//	write.go     rows → sorted Parquet files with bloom filters, one per day and class
//	commit.go    files → one snapshot, which also holds the positions that it reaches
//	plan.go      a time range → files
//	compact.go   many small files of a day and class → few
//	sweep.go     old snapshots, and files that no snapshot names
//	disk.go      fsync of everything before the catalog names it
//
// Promises: what Commit returned for survives power loss. A commit holds wholly or not at all, with its positions; it is
// refused where another writer came between (ErrConflict). The vendor's record is kept as received. A file that no
// snapshot names is never read. Columns are only added; a table that a newer program made is read and written.
package lake
