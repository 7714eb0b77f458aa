// Package sigma is an engine for Sigma detection rules, specification 2.1 (https://sigmahq.io/sigma-specification/).
//
// In: rule files and events. Out: for each event the rules that match it, for each rule file the places where it is
// wrong. The stages, each in its file:
//
//	Parse    bytes → documents with positions (parse.go, rule.go)
//	resolve  field names and value modifiers → items (modifier.go)
//	check    condition → expression over named selections (condition.go)
//	Compile  rules → one Set: distinct predicates shared by all rules, and an index (compile.go)
//	Match    event → rules, in one pass through the index (match.go)
//
// Correlations take the matches of rules as their events (correlation.go, correlate.go). Explain prints a rule's plan and
// says for one event which parts held.
//
// Promises. The log source is part of the verdict: a rule speaks only about events of its log source. Each field of an
// event is fetched at most once and each predicate evaluated at most once, however many rules use them. An event that
// matches nothing costs no allocation. Regular expressions run in linear time. A hostile rule (aliases, depth, size) is refused, never expanded.
//
// Weaknesses. Regular expressions are RE2: a look-around or back-reference is refused with its place. Rules without a
// predicate that can be indexed are evaluated on every event of their log source.
package sigma
