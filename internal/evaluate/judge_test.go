package evaluate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
	"github.com/tocsin-security/tocsin/internal/report"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func alert(level finding.Level, after time.Duration, events ...string) finding.Alert {
	return finding.Alert{Title: "t", Severity: level, First: noon.Add(after), EventUIDs: events}
}

func TestJudge(t *testing.T) {
	labels := &Labels{Accounts: 2, Days: 5, Attacks: []Attack{
		{ID: "seen", First: noon, Steps: []Step{{EventIDs: []string{"a1"}}, {EventIDs: []string{"a2", "a3"}}, {EventIDs: []string{"a4"}}, {EventIDs: []string{"a5"}}}},
		{ID: "missed", First: noon, Steps: []Step{{EventIDs: []string{"b1"}}}},
	}}
	scan := &report.Scan{
		Incidents: []incident.Incident{
			{Alerts: []finding.Alert{alert(finding.High, 0, "x1")}},
			{
				Alerts: []finding.Alert{alert(finding.High, 3*time.Minute, "a1"), alert(finding.Medium, time.Hour, "a2", "x2"), alert(finding.Medium, time.Hour, "a3"), alert(finding.Medium, 0, "x3")},
				Story:  []incident.Sentence{{EventUIDs: []string{"a1"}}, {EventUIDs: []string{"a2", "a3"}}},
			},
		},
		Alerts: []finding.Alert{alert(finding.Medium, time.Hour, "a4"), alert(finding.Medium, 0, "x4")},
	}
	scores, noise := Judge(scan, labels)
	want := []Score{
		{Attack: "seen", Detected: finding.High, TimeTo: 3 * time.Minute, Rank: 2, Incidents: 1, Inside: 0.75, Purity: 0.75, StepsTold: 0.5, Alerts: 4, AlertTitle: "t"},
		{Attack: "missed"},
	}
	if diff := cmp.Diff(want, scores); diff != "" {
		t.Error(diff)
	}
	if noise.ByLevel["high"] != 1 || noise.ByLevel["medium"] != 2 || noise.Incidents != 1 || noise.AboveMedium != 0.1 {
		t.Errorf("noise %+v", noise)
	}
}
