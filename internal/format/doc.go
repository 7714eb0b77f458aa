// Package format is the table of the log formats that Tocsin reads.
//
// In: the first bytes of a stream. Out: the format that they are of, recognised by content and never by name, and a
// decoder for it. Each format is a folder beside this file with the same set of files (doc.go, decode.go, mapping.go);
// adding one is a folder and a line in All.
package format
