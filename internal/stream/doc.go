// Package stream is the bus: it keeps raw batches, as they were received, between the sources and the workers.
//
// In: Batches, made from records by a Cutter (cutter.go). Out: the same Batches, in order, from any position that is still
// kept (read.go). The engine is a NATS server with JetStream inside this process, which listens on no port (server.go);
// each partition is one JetStream stream, so that partitions fill, are read and are purged apart from each other.
//
// Promises:
//   - What Publish has acknowledged is on disk: the store is flushed before each acknowledgement.
//   - A batch is kept once, however often it is published, for as long as it is kept (publish.go).
//   - A full stream refuses (ErrFull) and deletes nothing: the caller pauses its source. Only Purge deletes.
//   - Read gives every position in turn, or an error that says which are missing. Positions belong to the
//     sinks: the stream remembers none. They count within the stream's epoch (epoch.go): a stream that was removed and made anew, or put
//     back from an older copy, has another, and no position of before says anything in it.
//   - A record too large for a batch lies in a file beside the stream (large.go), flushed before its batch is published,
//     checked when it is read and removed with its batch.
//
// The life of a batch, and what is on disk after each step:
//
//  1. A source's object is cut (Cutter): payloads wait in spool/, in a file without a name that means anything after a restart.
//  2. A record too large for a batch is written to spool/ and flushed; Publish links it to large/ID and flushes that folder.
//  3. Publish stores the batch in RAW-n, under a subject of its own, and flushes it. Only then it returns a position.
//  4. After the last part the delivery is noted on the desk, and the source is acknowledged. A kill before that repeats 1 to 3: the
//     ids are the same, and what is kept is not kept again.
//  5. A worker reads it from the position that the lake's marks name. Before it takes the batch in, it writes the id into
//     trials.now, and strikes it out afterwards: what stands there at the next start was not survived.
//  6. Its findings and dead letters are saved to desk.db with the position, in one transaction.
//  7. Its rows are written to data/*.parquet, flushed, and named by a snapshot that also holds the position and the totals. A kill
//     between the two leaves files that no snapshot names; they are swept after an hour.
//  8. The ledger follows the snapshot, and notes it in ledger/followed.
//  9. The batch is purged, with its file in large/, once desk and lake both have its position.
//
// A lock file keeps a second process out. docs/reliability.md names the test of each step.
//
// Not promised: a batch that is published again after it was purged is kept again. Sinks know what they have seen.
package stream
