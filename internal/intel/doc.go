// Package intel knows what others call malicious: addresses, names, URLs and hashes from feeds.
//
// In: feeds as files or URLs (a plain list, CSV, a STIX 2.1 bundle, MISP events), and allow-lists in MISP's form. Out: a Set, which is
// asked for each event whether one of its fields names an indicator that was valid when the event happened.
//
//	indicator.go            an indicator; text as feeds write it → kind and normal form
//	list.go, csv.go, stix.go, pattern.go, misp.go    one reader each: bytes → indicators, and what was refused, by line
//	allow.go                MISP warning lists: what no feed may accuse
//	feed.go, fetch.go       a feed: where it is, what its last reading gave
//	keep.go                 what a feed said in earlier versions: first and last seen, expiry of what it took back
//	set.go, lookup.go       all feeds, compiled
//	fields.go               the table of event fields that are looked up
//
// Promises: nothing that a feed says is dropped in silence: it is loaded, refused, not understood, expired or allowed, and each is counted
// with its reason. A lookup that finds nothing does not allocate. A Set never changes: a feed that changes makes a new one. Private
// addresses, service names and public suffixes accuse nobody.
package intel
