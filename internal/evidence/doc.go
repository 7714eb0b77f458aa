// Package evidence keeps what a case rests on, so that it can be shown years later, to somebody who trusts nobody here.
//
// In: events by their ids, which it reads from the lake with their proof; documents as they were at that moment (the incident, the state of
// an entity); files and screenshots that people add; and who asks, and why. Out: a set of captures that can be listed, read, held,
// verified, and exported as a zip or as one offline page with a verifier of its own.
//
//	vault.go      content-addressed files: what is named by its SHA-256 is whole and on disk, or not there
//	manifest.go   what a capture holds: one line of JSON that names every item by hash, with each event's proof
//	gather.go     events of the lake → items with raw bytes, OCSF and proof
//	capture.go    vault, then the rows in one transaction, then the leaf "evidence" in the ledger (the seal)
//	sets.go       the rows: lists, holds, deletion
//	custody.go    who did what with a set: lines of which each holds the hash of the one before
//	check.go      everything that can be checked, with the first public key of the ledger alone
//	bundle.go     the exported form; file.go as zip and how either is read again, page.go as one page
//	page/         the page; verifier.js is also run by itself in the tests
//
// Promises: an item is never changed, and read only if its bytes still have its hash; where they have not, that is said and kept. A capture
// that is killed leaves no set, or a whole one that is sealed at the next start. A set on hold cannot be deleted. Evidence carries
// its own bytes: retention of the lake takes nothing from it. Every read by a person is in the chain of custody.
package evidence
