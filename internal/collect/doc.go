// Package collect finds and opens what a scan is given: files, folders, archives within archives, standard input.
//
// In: paths. Out: an Inventory in a fixed order, whose files can each be opened more than once and give their members
// (an archive's files; a plain file is its own member) as decompressed streams. It knows bytes and names, not logs.
//
//  1. List walks the paths once (walk.go) and keeps what can be read only once in a private file (stream.go).
//  2. A Reader opens one file after the other (reader.go) and goes into what the first bytes show (unpack.go): gzip,
//     zstd and bzip2 (codec.go), tar (tar.go), zip (zip.go, and salvage.go for one whose end is missing).
//  3. Every layer is read through a guard (guard.go), which stops what unpacks without end and turns each failure into one
//     Problem (problem.go).
//
// Promises: archives are known by content, never by name. Nothing is unpacked to a path that an archive names, and
// names are made printable before anyone sees them (label.go). A link loop ends, a device is not read, a file that is
// reached twice is read once. What came before a break is delivered, and the rest goes on. Kept files are private, have no
// name where the system allows it, and are gone after Close. Memory depends neither on the size of a file nor on what an
// archive claims of itself.
package collect
