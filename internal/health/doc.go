// Package health judges how sources do: lag, volume against their own past, what could not be read, silence; and which accounts and
// Regions are seen at all.
//
// In: Hours, which hold what one stream of logs (a source's records of one format, account and Region) delivered in one hour of
// arrival, and what only the caller knows: which sources there are, since when they are watched, which accounts are expected. Out: a
// Report, and the Troubles in it, which become alerts on the desk.
//
//	hour.go      what is counted, and how two counts become one
//	book.go      the hours of the last 15 days, by stream
//	silence.go   when nothing comes: usual, or not
//	volume.go    how much comes, against the same hour of the days before
//	judge.go     the report, and few troubles of many
//	coverage.go  account × Region × source
//	price.go     what producing the logs costs, by estimate
//
// The worker counts hours while it reads batches, and the desk keeps them in the transaction that says up to which position they count:
// a batch that is read again after a kill is not counted again. Everything here is a function of values; the clock is an argument.
//
// Promises: what has no history yet is "learning", never an alarm. A pause is no silence, and neither is the time in which Tocsin did
// not run. One cause makes one trouble: of a silent source not each account is told.
package health
