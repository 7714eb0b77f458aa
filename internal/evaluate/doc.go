// Package evaluate judges detection against labels, in the same run of the same path that users have.
//
// In: a scan's report and the labels of what was really done: per attack its event ids and principals. Out: per
// attack whether it was detected and at what level, how long after its first step, the rank of its incident, the share of its
// alerts inside, how pure the incident is; and per level the alerts per account and day on what is benign. It
// promises to count only what the report says: no rule name or sample name is known here.
package evaluate
