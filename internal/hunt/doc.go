// Package hunt answers what an investigator asks of the lake and the desk: who is this, what is usual for it, what is it tied to, where
// else does it appear, and would this question make a rule.
//
// In: a Scope, a value out of a log, a span of time; files of hunts; verdicts on alerts. Out: profiles, neighbourhoods, mentions in time
// order, hits of hunts, proposals for tuning with their proof. Each says which SQL it asked and what it left out.
//
//	kinds.go    the table of entities: which columns name each kind, how one becomes another
//	ask.go      the one way to the lake, with values as parameters
//	profile.go  one entity: who, since when, what, and what of it is new
//	normal.go   what is usual: pure figures over a baseline
//	graph.go    what an entity is tied to: the walk (step.go reads, share.go counts how many others share a tie)
//	pivot.go    everything that mentions a value
//	file.go     hunts as files; schedule.go runs them by a timer
//	search.go   a Sigma rule as a search: SQL picks candidates, the engine decides
//	rule.go     a hunt becomes a rule with tests
//	tune.go     verdicts become a filter; proof.go is what it hides of history
//
// Promises: every read takes a Scope first and sees nothing outside it; what came out of a log is a parameter of a question, never a
// part of its SQL; a bound that is met is said; nothing here writes to the lake.
package hunt
