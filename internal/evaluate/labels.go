package evaluate

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Labels says what was really done in a tree of logs.
type Labels struct {
	Accounts int      `json:"accounts"` // accounts in the organisation
	Days     int      `json:"days"`     // days of history
	Attacks  []Attack `json:"attacks"`
}

// Attack is one labelled attack.
type Attack struct {
	ID     string    `json:"id"`
	Title  string    `json:"title"`
	Report string    `json:"report"` // the public report that it is written from
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Steps  []Step    `json:"steps"`
}

// Step is one thing that the attacker did, with the events that record it.
type Step struct {
	Name     string   `json:"name"`
	Tactic   string   `json:"tactic"`
	EventIDs []string `json:"event_ids"`
}

// ReadLabels reads a labels.json.
func ReadLabels(path string) (*Labels, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	var l Labels
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("read labels %s: %w", path, err)
	}
	return &l, nil
}
