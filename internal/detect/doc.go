// Package detect turns events into signals: it composes the Sigma engine, the facts of enrichment and the baselines.
//
// In: rule files, and events with their facts. Out: signals, each with its rule, the deciding event, what held, and a
// sentence. It knows no storage and no order of arrival.
//
//	rules.go       rule files → Rules: parsed, with the tocsin: block read and correlations resolved
//	detector.go    event → signals of single records; hits of correlations; candidates of rarity
//	conclude.go    what only the whole shows: correlations and rarity → signals
//	vendor.go      findings of other products → one signal each
//	card.go        the copy of an event that a signal keeps
//	story.go       a rule's sentence
//	lint.go, ruletest.go, coverage.go   what `tocsin rules` does
//
// What another product found (GuardDuty, or any by way of Security Hub) is a signal too, with that product's severity and its name as
// source. It is no rule file per format, although the Sigma engine could match such events: a rule has one level and one title and folds by
// origin and day, while a finding brings its own level and title, is told again with each update, and ends when it is archived. So the
// detector keeps, beside its rules, the newest update of each finding. It reads OCSF fields only: a format that maps to Detection Finding
// is heard without a line here. Results of controls and vulnerabilities are states, not behaviour: they are kept in the lake and alert nobody.
//
// Each goroutine has its own Detector; Conclude joins them. The result depends on the set of events only.
package detect
