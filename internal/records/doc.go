// Package records cuts a stream of JSON into records without ever holding more than one of them.
//
// In: decompressed bytes, as large and as hostile as they come. Out: the bytes of one record after the other, each
// with its offset, and a Fault for each stretch that holds none. It understands the ways in which records are
// packed: JSON lines, values one after the other, one array, and an object with a member such as "Records" that is the
// array. It checks brackets and strings, not the rest of the grammar: that is the parser's work.
//
// Promises: memory is bounded by Limits.Record; a record that is too long, too deep or cut off is one Fault and the
// records after it still come; every byte is either in a record, in a Fault or packaging.
package records
