package incident

import (
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
)

// Incident is alerts, and the signals around them, told as one story.
type Incident struct {
	UID      string           `json:"uid"`
	Headline string           `json:"headline"` // one sentence: who did what to what, with which effect
	Severity finding.Level    `json:"severity"`
	Steps    []finding.Part   `json:"severity_steps,omitempty"`
	Score    float64          `json:"score"`
	Parts    []finding.Part   `json:"score_parts"` // sums to Score
	First    time.Time        `json:"first_seen"`
	Last     time.Time        `json:"last_seen"`
	Who      []finding.Entity `json:"who"`  // origins
	From     []finding.Entity `json:"from"` // addresses, with country and network in Name
	Accounts []string         `json:"accounts"`
	Regions  []string         `json:"regions"`
	Entities []finding.Entity `json:"entities"`
	Attacks  []finding.Attack `json:"attacks"`
	Story    []Sentence       `json:"story"`
	Alerts   []finding.Alert  `json:"alerts"`
	Signals  []finding.Signal `json:"signals"` // signals below the queue that belong to the story
	Joins    []Join           `json:"joins"`
	Unknown  []string         `json:"unknown"` // what could not be seen or said, in sentences
}

// Sentence is one human-sized action of the story: repeated and related calls folded into one line.
type Sentence struct {
	Time      time.Time     `json:"time"`
	Last      time.Time     `json:"last"`
	Tactic    string        `json:"tactic"` // ATT&CK tactic short name, or "" for context
	Text      string        `json:"text"`
	Subject   string        `json:"subject"` // the words of Text that name the actor
	Level     finding.Level `json:"level"`   // highest rule level behind it
	Count     int           `json:"count"`   // events folded into it
	EventUIDs []string      `json:"event_uids"`
}

// Join says why two alerts stand in one incident.
type Join struct {
	A      string  `json:"a"` // alert uid
	B      string  `json:"b"`
	Reason string  `json:"reason"` // "same access key AKIA…"
	Weight float64 `json:"weight"`
}
