package access

import "slices"

// Role is what a person or a token may do. What data it sees is its Scope's matter.
type Role string

// The roles, from the one that may least.
const (
	Viewer    Role = "viewer"    // reads
	Analyst   Role = "analyst"   // and judges: verdicts, notes, assignments
	Responder Role = "responder" // and acts on what is watched
	Engineer  Role = "engineer"  // an analyst who tends sources, rules and intelligence
	Admin     Role = "admin"     // all, people and settings too
)

// Right is one thing that can be allowed.
type Right string

// The rights.
const (
	Open    Right = "open"    // for anybody: signing in, the first set-up
	Own     Right = "own"     // about oneself, for whoever is signed in
	Read    Right = "read"    // incidents, alerts, events, entities
	Triage  Right = "triage"  // verdicts, status, notes, assignments
	Respond Right = "respond" // actions on what is watched
	Tend    Right = "tend"    // sources, dead letters, rules, intelligence
	Audit   Right = "audit"   // who did what
	Govern  Right = "govern"  // people, tokens, settings
)

// may is the whole truth about what each role may do.
var may = map[Role][]Right{
	Viewer:    {Open, Own, Read},
	Analyst:   {Open, Own, Read, Triage},
	Responder: {Open, Own, Read, Triage, Respond},
	Engineer:  {Open, Own, Read, Triage, Tend, Audit},
	Admin:     {Open, Own, Read, Triage, Respond, Tend, Audit, Govern},
}

// May reports whether a role has a right. An unknown role has none but what is open to anybody.
func (r Role) May(right Right) bool { return right == Open || slices.Contains(may[r], right) }

// Known reports whether there is such a role.
func (r Role) Known() bool { return may[r] != nil }

// Roles lists the roles, from the one that may least.
func Roles() []Role { return []Role{Viewer, Analyst, Responder, Engineer, Admin} }

// Rights lists the rights.
func Rights() []Right { return []Right{Open, Own, Read, Triage, Respond, Tend, Audit, Govern} }
