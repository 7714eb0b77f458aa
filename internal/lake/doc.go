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
//	retain.go    what is past its time goes
//	sweep.go     old snapshots, and files that no snapshot names
//	disk.go      fsync of everything before the catalog names it
//
// Life of a commit, and of its proof:
//
//  1. Prepare makes rows of events, and Append gathers them (row.go); a Writer is one commit's worth.
//  2. Commit sorts them by day and class into Parquet files under data/, hashes each as it is written (write.go), and flushes file and folder (disk.go).
//     A kill up to here leaves files that no snapshot names: Sweep removes them after an hour.
//  3. One snapshot names the files. Its summary holds their paths, rows and SHA-256 (tocsin.files), the position in the stream that is thereby
//     reached (tocsin.position.PARTITION@EPOCH) and the totals of the double entry (tocsin.total.SOURCE/WHAT). It holds wholly or not at all, and not
//     where another writer came between (ErrConflict).
//  4. pipeline/follow.go reads Changes from the last snapshot that the ledger has (ledger/followed), hashes each event of the new files, and appends a leaf for
//     each: file-added; for a compaction files-replaced, which proves the same events; for a retention file-expired with its policy. A kill
//     between 3 and 4 is made good at the next start, and a leaf twice is harmless.
//  5. A compaction or a retention is a snapshot of its own that names what it replaced (tocsin.replaced) and under which policy (tocsin.policy). The
//     old files stay for an hour, until Expire and Sweep.
//  6. ledger/verify.go recomputes the signed tree, replays its leaves into the set of files that must be there, and hashes these.
//
// Promises: what Commit returned for survives power loss. A commit holds wholly or not at all, with its positions; it is
// refused where another writer came between (ErrConflict). The vendor's record is kept as received. A file that no
// snapshot names is never read. Columns are only added; a table that a newer program made is read and written.
package lake
