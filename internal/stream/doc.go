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
//     sinks: the stream remembers none.
//   - A record too large for a batch lies in a file beside the stream (large.go), flushed before its batch is published,
//     checked when it is read and removed with its batch.
//
// Not promised: a batch that is published again after it was purged is kept again. Sinks know what they have seen.
package stream
