// Package snapshot keeps what a process remembers in a file, so that the next start does not have to learn it again.
//
// In: a Head that says what the memory depends on, and a function that writes it. Out: the same memory, or an error that says why the
// file is of no use.
//
// Promises: a file is whole or not there: it is written beside the old one, flushed and renamed. A reader gets nothing of a file whose
// hash or Head is another. The file is never the truth of anything: who cannot read it learns again.
package snapshot
