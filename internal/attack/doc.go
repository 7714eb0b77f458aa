// Package attack knows ATT&CK by name: tactics and techniques, which of them rules are for, and the layer that the ATT&CK Navigator opens.
//
// In: the table of names (content/attack/names.tsv) and compiled rules. Out: names, and a Layer in format 4.5. Promises: an id without a
// name is answered by "", and the same rules make the same layer.
package attack
