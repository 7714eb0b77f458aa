// Package house holds the rules of the house that tests keep: which package may import which (floor_test.go), that
// each package tells its story, and that docs/architecture.md maps the packages that exist (map_test.go). It has no code of
// its own. What goes in is the tree as `go list` sees it; what comes out is a failed test that says what to move.
package house
