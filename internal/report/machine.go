package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

func writeJSON(w io.Writer, s *Scan, _ Options) error {
	e := encoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

func writeJSONLines(w io.Writer, s *Scan, _ Options) error {
	e := encoder(w)
	for i := range s.Incidents {
		if err := e.Encode(struct {
			Type string `json:"type"`
			*incident.Incident
		}{"incident", &s.Incidents[i]}); err != nil {
			return err
		}
	}
	for i := range s.Alerts {
		if err := e.Encode(struct {
			Type string `json:"type"`
			*finding.Alert
		}{"alert", &s.Alerts[i]}); err != nil {
			return err
		}
	}
	return e.Encode(struct {
		Type    string   `json:"type"`
		Version string   `json:"version"`
		Totals  Totals   `json:"totals"`
		Unread  []Unread `json:"unread"`
		Blind   []Blind  `json:"blind"`
		Partial string   `json:"partial,omitempty"`
		Notes   []string `json:"notes,omitempty"`
	}{"scan", s.Version, s.Totals, s.Unread, s.Blind, s.Partial, s.Notes})
}

// each calls f for every alert with the incident that holds it, or nil.
func each(s *Scan, f func(in *incident.Incident, a *finding.Alert) error) error {
	for i := range s.Incidents {
		for k := range s.Incidents[i].Alerts {
			if err := f(&s.Incidents[i], &s.Incidents[i].Alerts[k]); err != nil {
				return err
			}
		}
	}
	for i := range s.Alerts {
		if err := f(nil, &s.Alerts[i]); err != nil {
			return err
		}
	}
	return nil
}

var csvHeader = []string{"alert_uid", "incident_uid", "severity", "score", "title", "sentence", "rule_id", "rule_level", "tactics", "techniques", "first_seen", "last_seen", "count", "account", "origin", "principal", "src_ip", "country", "event_uids"}

func writeCSV(w io.Writer, s *Scan, _ Options) error {
	c := csv.NewWriter(w)
	if err := c.Write(csvHeader); err != nil {
		return err
	}
	err := each(s, func(in *incident.Incident, a *finding.Alert) error {
		row := []string{a.UID, "", a.Severity.String(), points(a.Score), a.Title, a.Sentence, a.Rule.ID, a.Rule.Level.String(), strings.Join(tactics(a.Rule.Attacks), " "), strings.Join(techniques(a.Rule.Attacks), " "), a.First.UTC().Format(time.RFC3339), a.Last.UTC().Format(time.RFC3339), strconv.Itoa(a.Count), a.Account, a.Origin.ID, "", "", "", strings.Join(a.EventUIDs, " ")}
		if in != nil {
			row[1] = in.UID
		}
		if len(a.Signals) > 0 {
			e := &a.Signals[0].Event
			row[15], row[16], row[17] = e.Principal, e.SrcIP, e.Country
		}
		for i := range row {
			row[i] = Defuse(row[i])
		}
		return c.Write(row)
	})
	c.Flush()
	if err != nil {
		return err
	}
	return c.Error()
}

// Defuse makes text a cell of a spreadsheet: it is Clean, and it puts a quote before what a spreadsheet would take for a formula.
func Defuse(s string) string {
	s = Clean(s)
	if s != "" && strings.ContainsRune("=+-@\t\r|%", rune(s[0])) {
		return "'" + s
	}
	return s
}

func techniques(list []finding.Attack) []string {
	var out []string
	seen := map[string]bool{"": true}
	for _, a := range list {
		if !seen[a.Technique] {
			seen[a.Technique] = true
			out = append(out, a.Technique)
		}
	}
	return out
}

// sarifLevels maps levels to SARIF's.
var sarifLevels = map[finding.Level]string{finding.Informational: "note", finding.Low: "note", finding.Medium: "warning", finding.High: "error", finding.Critical: "error"}

type object = map[string]any

func writeSARIF(w io.Writer, s *Scan, _ Options) error {
	var rules, results []object
	index := map[string]int{}
	err := each(s, func(in *incident.Incident, a *finding.Alert) error {
		at, known := index[a.Rule.ID]
		if !known {
			at = len(rules)
			index[a.Rule.ID] = at
			rules = append(rules, object{"id": a.Rule.ID, "name": a.Rule.Title, "shortDescription": object{"text": a.Rule.Title}, "defaultConfiguration": object{"level": sarifLevels[a.Rule.Level]}, "properties": object{"tags": append(tactics(a.Rule.Attacks), techniques(a.Rule.Attacks)...)}})
		}
		r := object{"ruleId": a.Rule.ID, "ruleIndex": at, "level": sarifLevels[a.Severity], "message": object{"text": Clean(a.Sentence)}, "partialFingerprints": object{"alert/v1": a.UID}, "locations": locations(a), "properties": object{"severity": a.Severity.String(), "score": a.Score, "count": a.Count}}
		if in != nil {
			r["properties"].(object)["incident"] = in.UID
		}
		results = append(results, r)
		return nil
	})
	if err != nil {
		return err
	}
	if rules == nil {
		rules, results = []object{}, []object{}
	}
	e := encoder(w)
	e.SetIndent("", "  ")
	return e.Encode(object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []object{{
			"tool":        object{"driver": object{"name": "Tocsin", "version": s.Version, "informationUri": "https://github.com/tocsin-security/tocsin", "rules": rules}},
			"invocations": []object{{"executionSuccessful": s.Partial == ""}},
			"results":     results,
		}},
	})
}

// locations names the record in its file. SARIF counts lines; a record's ordinal stands in for it.
func locations(a *finding.Alert) []object {
	var out []object
	for i := range a.Signals[:min(10, len(a.Signals))] {
		e := &a.Signals[i].Event
		out = append(out, object{"physicalLocation": object{"artifactLocation": object{"uri": uri(e.Source)}, "region": object{"startLine": e.Record + 1}}, "message": object{"text": fmt.Sprintf("record %d, event %s", e.Record+1, Clean(e.UID))}})
	}
	return out
}

func uri(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/!@", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
