// Package collect finds and opens what a scan is given: files, folders, archives within archives, standard input.
//
// In: paths. Out: an Inventory in a fixed order, whose files can each be opened more than once and give their members
// (an archive's files; a plain file is its own member) as decompressed streams. It knows bytes and names, not logs.
//
// Promises: archives are known by content, never by name. Nothing is unpacked to a path that an archive names. A link
// loop ends, a device is not read, a member that unpacks without end is stopped (Limits), and each of these is a Problem with
// its place and reason while the rest goes on. Standard input is kept in a private temporary file, so that it can be
// read again, and removed by Close. Memory does not depend on the size of a file.
package collect
