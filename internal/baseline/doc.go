// Package baseline remembers what each origin usually does, and says when something is new to it.
//
// In: observations (origin, feature, value, time, event) from the history at hand. Out: for a first use, whether the
// history is long enough to call it new, and the figures that say so. It knows no rule and no vendor.
//
// A History is kept per worker and merged; every figure in it is a minimum, a sum or a set, so the order of
// observations and merges does not matter. Support is what makes a first use mean something: an origin that was
// seen on fewer than MinDays days or in fewer than MinEvents events before is silent, never "unusual". Days in
// which the origin stands in a suspicious window are held out and support nothing.
//
// Weakness: an origin that was already in foreign hands when the history begins looks usual to itself.
package baseline
