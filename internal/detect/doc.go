// Package detect turns events into signals: it composes the Sigma engine, the facts of enrichment and the baselines.
//
// In: rule files, and events with their facts. Out: signals, each with its rule, the deciding event, what held, and a
// sentence. It knows no storage and no order of arrival.
//
//	rules.go       rule files → Rules: parsed, with the tocsin: block read and correlations resolved
//	detector.go    event → signals of single records; hits of correlations; candidates of rarity
//	conclude.go    what only the whole shows: correlations and rarity → signals
//	card.go        the copy of an event that a signal keeps
//	story.go       a rule's sentence
//	lint.go, ruletest.go, coverage.go   what `tocsin rules` does
//
// Each goroutine has its own Detector; Conclude joins them. The result depends on the set of events only.
package detect
