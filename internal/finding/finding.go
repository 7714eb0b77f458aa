package finding

import (
	"encoding/json"
	"slices"
	"time"
)

// Level is a severity as Sigma and the policy of docs/architecture.md use it.
type Level uint8

// The levels, from context only to confirmed impact.
const (
	Informational Level = iota + 1
	Low
	Medium
	High
	Critical
)

// Attack is one ATT&CK reference: "T1098.003" under the tactic "persistence".
type Attack struct {
	Tactic    string `json:"tactic"`
	Technique string `json:"technique,omitempty"`
	Name      string `json:"name,omitempty"`
}

// Rule is what a finding keeps of the rule that made it.
type Rule struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Level      Level    `json:"level"`
	Tier       string   `json:"tier"` // decisive, sequence (counts and sequences), rarity, intel, or vendor: another product's finding
	Hash       string   `json:"hash"` // SHA-256 of the rule's file, hex
	Attacks    []Attack `json:"attacks,omitempty"`
	Author     string   `json:"author,omitempty"`
	Source     string   `json:"source,omitempty"` // the product that found it, where that was not Tocsin: "GuardDuty"
	References []string `json:"references,omitempty"`
}

// Card is the copy of an event that a finding keeps: the pivots a person asks for and the raw record. It owns its memory.
type Card struct {
	UID       string          `json:"uid"`
	Time      time.Time       `json:"time"`
	Service   string          `json:"service"`   // "iam.amazonaws.com"
	Operation string          `json:"operation"` // "AttachUserPolicy"
	Account   string          `json:"account"`
	Region    string          `json:"region"`
	Outcome   string          `json:"outcome"` // success, denied, error
	Error     string          `json:"error,omitempty"`
	ReadOnly  bool            `json:"read_only"`
	Principal string          `json:"principal"` // ARN of the caller as recorded
	Origin    Entity          `json:"origin"`    // who stands at the start of the role chain
	Chain     []string        `json:"chain,omitempty"`
	Session   string          `json:"session,omitempty"`
	AccessKey string          `json:"access_key,omitempty"`
	ActorKind string          `json:"actor_kind"`
	Proof     string          `json:"actor_proof"`
	SrcIP     string          `json:"src_ip,omitempty"`
	Country   string          `json:"country,omitempty"`
	ASN       uint32          `json:"asn,omitempty"`
	ASOrg     string          `json:"as_org,omitempty"`
	UserAgent string          `json:"user_agent,omitempty"`
	Tool      string          `json:"tool,omitempty"`      // tool family claimed by the user agent
	Resources []Entity        `json:"resources,omitempty"` // what the call named, external accounts included
	Grants    []Entity        `json:"grants,omitempty"`    // what the call made usable or started: a new key, a new password, a changed trust, an instance
	Critical  bool            `json:"critical,omitempty"`  // names a resource that environment.yaml lists as critical
	Scanner   bool            `json:"scanner,omitempty"`   // its origin is a scanner that environment.yaml names
	Source    string          `json:"source"`              // file, archive member
	Record    int             `json:"record"`
	Raw       json.RawMessage `json:"raw,omitempty"`
}

// Entity is a thing that an event names: an account, a principal, an address, a resource.
type Entity struct {
	Type string `json:"type"` // account, principal, origin, session, access_key, ip, asn, user_agent, bucket, role, user, …
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// Match is one field of the rule that held, with the value that made it hold.
type Match struct {
	Field string `json:"field"`
	Value string `json:"value"`
	Test  string `json:"test"` // "detection.selection: eventName = 'AttachUserPolicy'"
}

// Accusation is what a feed of intelligence says of a value of an event.
type Accusation struct {
	Feed       string    `json:"feed"`
	Version    string    `json:"version"` // of the feed's content: the beginning of its SHA-256
	Kind       string    `json:"kind"`    // ip, domain, url, hash
	Indicator  string    `json:"indicator"`
	Field      string    `json:"field"` // OCSF path of the value
	Value      string    `json:"value"`
	Confidence int       `json:"confidence"` // 0–100
	Known      time.Time `json:"known,omitzero"`
	First      time.Time `json:"first_seen,omitzero"`
	Last       time.Time `json:"last_seen,omitzero"`
	Expires    time.Time `json:"expires,omitzero"`
	Tags       []string  `json:"tags,omitempty"`
	Others     []string  `json:"other_feeds,omitempty"` // that name the same
}

// Part is one addend of a score or one step of a severity: what a person reads beside the sum.
type Part struct {
	Reason string  `json:"reason"`
	Points float64 `json:"points"`
}

// Signal is any match of any rule. It adds to its origin's risk; it is not a queue item by itself.
type Signal struct {
	UID      string       `json:"uid"`
	Rule     Rule         `json:"rule"`
	Time     time.Time    `json:"time"`
	Event    Card         `json:"event"`             // the deciding event
	Related  []Card       `json:"related,omitempty"` // the other events of a correlation, in time order
	Subject  string       `json:"subject"`           // the sentence's subject, "alice"
	Sentence string       `json:"sentence"`          // "alice attached AdministratorAccess to the user bob"
	Matches  []Match      `json:"matches,omitempty"`
	Finding  string       `json:"finding,omitempty"` // id of another product's finding, which is one signal however often it is updated
	Count    int          `json:"count,omitempty"`   // how often that product saw it; 0 is once
	Also     []string     `json:"also,omitempty"`    // uids of the events that told of it earlier
	Intel    []Accusation `json:"intel,omitempty"`   // the first decides
}

// Accounts lists the accounts of a signal's events, those of the related ones too; "" is that of an event without one.
func (s *Signal) Accounts() []string {
	out := []string{s.Event.Account}
	for i := range s.Related {
		if a := s.Related[i].Account; !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// Alert is a signal promoted to the queue. Signals of one rule, origin, account and day are one alert with a count.
type Alert struct {
	UID       string    `json:"uid"`
	Title     string    `json:"title"`
	Sentence  string    `json:"sentence"`
	Severity  Level     `json:"severity"`
	Steps     []Part    `json:"severity_steps,omitempty"` // each context that moved the rule's level, +1 or -1
	Promotion string    `json:"promotion"`                // level, context or risk: why this left the signals
	Rule      Rule      `json:"rule"`
	First     time.Time `json:"first_seen"`
	Last      time.Time `json:"last_seen"`
	Count     int       `json:"count"`      // signals folded into this alert
	Signals   []Signal  `json:"signals"`    // the first MaxKeptSignals of them, in time order; Count says how many there are
	EventUIDs []string  `json:"event_uids"` // every event of every signal
	Entities  []Entity  `json:"entities"`
	Score     float64   `json:"score"`
	Parts     []Part    `json:"score_parts"`
	Account   string    `json:"account"`
	Accounts  []string  `json:"-"` // of all events of all signals, those that are not kept too; the desk keeps them beside the document
	Origin    Entity    `json:"origin"`
}

// KnownSince is when the intelligence was known that the alert rests on; zero where it rests on none.
func (a *Alert) KnownSince() time.Time {
	if len(a.Signals) == 0 || len(a.Signals[0].Intel) == 0 {
		return time.Time{}
	}
	return a.Signals[0].Intel[0].Known
}
