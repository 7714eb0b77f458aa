// Package store opens the database of state and moves its schema forward.
//
// In: an address, either the path of a SQLite file or a postgres:// URL, and the migrations of whoever owns the tables. Out: a DB with
// transactions. It knows no table. SQL that its users write must mean the same in both engines; $1, $2 … are the parameters.
//
// Promises: a committed transaction outlasts a loss of power. On SQLite one transaction writes at a time, and waits for
// the others. A database that a newer version migrated is refused, never changed.
package store
