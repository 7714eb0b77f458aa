// Package incident tells alerts that belong together as one story.
//
// In: the alerts of the queue, the signals below it, and what is known of how shared addresses are. Out: incidents
// in rank order and the alerts that stand alone.
//
// The way of an incident:
//
//  1. Links are drawn between alerts: same origin within a stretch of activity, same session key, an identity that
//     one alert made usable and the other acts as, an instance that one started and the other is about, a rare address,
//     the same foreign account (join.go); what CloudFormation did in an account with who had that stack set rolled out (rollout.go); with what another product reports also a common address or instance (reported.go). Each link has a
//     weight by its rarity; a NAT address, a CI role or a KMS key that many share links nothing.
//  2. Linked alerts are one group. A group becomes an incident when it is more than one weak alert (build.go).
//  3. Signals below the queue that belong to the group's origins, keys and time are drawn in as context.
//  4. The story folds signals into human-sized sentences in time order (story.go), the headline names the weightiest
//     of them (headline.go), and the score adds up alerts, breadth of tactics and context (score.go).
//
// All of it is pure: the result depends on the set of alerts and signals only.
package incident
