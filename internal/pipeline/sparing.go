package pipeline

import "runtime/debug"

// sparingPercent is how much the heap may grow between two collections while files are compacted. A compaction holds hundreds of megabytes for some
// seconds; that Go lets the heap double by default would be held for it a second time.
const sparingPercent = 25

// sparing makes the collector run oftener until the function that it returns is called. Who asked for less by GOGC, or for a limit alone, keeps it.
func sparing() (end func()) {
	before := debug.SetGCPercent(sparingPercent)
	if before < sparingPercent {
		debug.SetGCPercent(before)
		return func() {}
	}
	return func() { debug.SetGCPercent(before) }
}
