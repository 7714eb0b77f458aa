// Package finding turns matches into a queue that a person can work through.
//
// In: signals, one per match of a rule, in any order. Out: alerts, folded, weighed and promoted.
//
// A signal walks like this:
//
//  1. Fold groups signals of one rule, origin, account and day: a storm is one alert with a growing count (fold.go).
//  2. Severity starts at the rule's level and moves at most one step by context, each step listed (severity.go).
//  3. Promote decides what reaches the queue: by level, by context or by the accumulated risk of an origin (promote.go).
//  4. Score adds points with diminishing returns per rule; every addend is listed and the sum is shown (risk.go).
//
// Everything here is a pure function over values: the result depends on the set of signals, not on their order,
// and no clock or store is read. UIDs are hashes of what identifies the thing, so the same input gives the same ids.
package finding
