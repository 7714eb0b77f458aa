package report

import (
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// Scan is all that a scan concluded: what every output format is written from. It holds no clock reading and no
// host name, so the same input gives the same bytes.
type Scan struct {
	Version   string              `json:"version"`
	Incidents []incident.Incident `json:"incidents"` // rank order
	Alerts    []finding.Alert     `json:"alerts"`    // loose alerts, in no incident; rank order
	Totals    Totals              `json:"totals"`
	Unread    []Unread            `json:"unread"`            // what could not be read, grouped by reason
	Blind     []Blind             `json:"blind"`             // what is not logged here
	Partial   string              `json:"partial,omitempty"` // why this is not the whole result ("interrupted after 3 of 10 files"), or ""
	Notes     []string            `json:"notes,omitempty"`   // bounds that were met, in sentences
	Next      []string            `json:"next"`              // the next commands worth running, at most three
}

// Totals are the sums of the double entry: Received = Mapped + Duplicate + Unreadable (+ OutOfRange by --from/--to).
type Totals struct {
	Files      int64            `json:"files"`
	Bytes      int64            `json:"bytes"` // as read from disk
	Received   int64            `json:"received"`
	Mapped     int64            `json:"mapped"`
	Duplicate  int64            `json:"duplicate"`
	Unreadable int64            `json:"unreadable"`
	OutOfRange int64            `json:"out_of_range"`
	First      time.Time        `json:"first"` // earliest event
	Last       time.Time        `json:"last"`
	Accounts   []string         `json:"accounts"`
	Regions    []string         `json:"regions"`
	Origins    int              `json:"origins"`
	Signals    map[string]int64 `json:"signals"` // by level name
	Rules      int              `json:"rules"`   // rules evaluated
	Hidden     int64            `json:"hidden"`  // alerts under --min-severity
}

// Unread is one reason for which input was not read, with the places where it happened.
type Unread struct {
	Reason string   `json:"reason"`
	Count  int64    `json:"count"`
	Where  []string `json:"where"` // the first few positions: "a.json.gz: record 12 (byte 88123)"
	Files  int64    `json:"files"` // files refused whole for this reason
}

// Blind is one family of rules that cannot see, because the data it needs is not in the input.
type Blind struct {
	Family  string   `json:"family"` // "S3 object access", "Lambda invocations", …
	Needs   string   `json:"needs"`  // "CloudTrail data events for S3"
	Rules   int      `json:"rules"`
	Why     string   `json:"why"`
	RuleIDs []string `json:"rule_ids"`
}
