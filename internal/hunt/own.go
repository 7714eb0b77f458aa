package hunt

import (
	"strings"

	"github.com/tocsin-security/tocsin/internal/audit"
)

// others lets through what is not Tocsin's own: its audit events lie in the lake as any log does, but each question asked makes one that
// names what was asked for, and so they would stand in the next answer.
const others = "source_id IS DISTINCT FROM '" + audit.Source + "'"

// within narrows a condition to what is not Tocsin's own, unless its own is asked for as well.
func within(condition string, own bool) string {
	if own {
		return condition
	}
	return "(" + condition + ") AND " + others
}

// asksForOwn says whether a value is the name of Tocsin's own log, or of an event of it: then its own is meant.
func asksForOwn(value string) bool { return strings.HasPrefix(value, audit.Source) }
