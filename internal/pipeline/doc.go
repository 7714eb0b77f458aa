// Package pipeline is the one path that data walks: collect → decode → enrich → detect → finding → incident.
//
// In: an inventory of input, rules, an environment. Out: a Result: incidents, loose alerts, the double entry of what
// was received, what could not be read and what cannot be seen.
//
// A scan makes up to three readings (ADR 2). The survey learns accounts, sessions, habits and duplicates. The
// detection judges each event once. The evidence reading opens only the files that hold events which a finding
// shows, and copies those. In each, files are shared out among workers; every worker has its own state, and the
// states are merged at the end, so the result depends neither on the order of files nor on the number of workers.
//
// An interrupt ends the reading at hand and the rest is done for what was read; Result.Partial says so.
package pipeline
