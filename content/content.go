// Package content holds what Tocsin detects by, as files that a user can read, copy, override and test: Sigma rules
// under rules/, each with its test events beside it. It embeds them and knows nothing of what they mean.
package content

import "embed"

// Rules is the tree of rule files and their tests, rooted at "rules".
//
//go:embed all:rules
var Rules embed.FS

// Renamed is a table of ATT&CK ids of older versions and what they are in version 19: old, tab, new.
//
//go:embed attack/renamed.tsv
var Renamed string

// AttackNames is a table of the names of ATT&CK 19: short name of a tactic or id of a technique, tab, name.
//
//go:embed attack/names.tsv
var AttackNames string
