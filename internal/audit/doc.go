// Package audit keeps who did what with Tocsin itself: sign-ins, changes and queries.
//
// In: an Entry, written in the transaction of the change that it tells of, so that neither is without the other. Out: a list for
// people, and an outbox: Relay hands entries in order to whoever puts them into the lake, as OCSF events beside all others.
//
// Promises: an entry is never changed. It is relayed at least once, always under the same id, so that the lake keeps it once.
package audit
