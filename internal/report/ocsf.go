package report

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// The numbers of OCSF 1.8.0 that findings use.
const (
	classDetection = 2004
	classIncident  = 2005
	activityCreate = 1
	statusNew      = 1
)

// attackVersion is the ATT&CK release whose names rules use.
const attackVersion = "19.0"

func writeOCSF(w io.Writer, s *Scan, _ Options) error {
	e := encoder(w)
	if err := each(s, func(_ *incident.Incident, a *finding.Alert) error { return e.Encode(detectionFinding(s.Version, a)) }); err != nil {
		return err
	}
	for i := range s.Incidents {
		if err := e.Encode(incidentFinding(s.Version, &s.Incidents[i])); err != nil {
			return err
		}
	}
	return nil
}

func head(version, uid string, class int, severity finding.Level, millis int64) object {
	return object{
		"class_uid": class, "category_uid": 2, "activity_id": activityCreate, "type_uid": class*100 + activityCreate,
		"time": millis, "severity_id": int(severity), "severity": strings.ToUpper(severity.String()[:1]) + severity.String()[1:], "status_id": statusNew, "status": "New",
		"metadata": object{"version": "1.8.0", "uid": uid, "product": object{"name": "Tocsin", "vendor_name": "Tocsin", "version": version}, "profiles": []string{"cloud"}},
	}
}

func detectionFinding(version string, a *finding.Alert) object {
	f := head(version, a.UID, classDetection, a.Severity, a.Last.UnixMilli())
	f["message"] = a.Sentence
	f["count"] = a.Count
	f["is_alert"] = true
	f["risk_score"] = int(a.Score)
	f["start_time"], f["end_time"] = a.First.UnixMilli(), a.Last.UnixMilli()
	f["finding_info"] = object{
		"uid": a.UID, "title": a.Title, "desc": a.Sentence,
		"first_seen_time": a.First.UnixMilli(), "last_seen_time": a.Last.UnixMilli(), "created_time": a.Last.UnixMilli(),
		"types":    []string{"TTPs"},
		"analytic": object{"uid": a.Rule.ID, "name": a.Rule.Title, "type_id": analyticType(a.Rule.Tier), "version": a.Rule.Hash},
		"attacks":  attacks(a.Rule.Attacks), "related_events": related(a), "related_events_count": len(a.EventUIDs),
	}
	f["evidences"] = evidences(a)
	if list := osint(a); len(list) > 0 {
		f["osint"] = list
		f["metadata"].(object)["profiles"] = []string{"cloud", "osint"}
	}
	f["cloud"] = object{"provider": "AWS", "account": object{"uid": a.Account}}
	if len(a.Signals) > 0 {
		f["cloud"].(object)["region"] = a.Signals[0].Event.Region
	}
	if list := resources(a.Entities); len(list) > 0 {
		f["resources"] = list
	}
	return f
}

// osintTypes are OCSF's numbers for kinds of indicator.
var osintTypes = map[string]int{"ip": 1, "domain": 2, "hash": 4, "url": 5}

// osint says on which intelligence an alert rests: each indicator of each feed once.
func osint(a *finding.Alert) []object {
	var out []object
	seen := map[[2]string]bool{}
	for i := range a.Signals {
		for _, x := range a.Signals[i].Intel {
			if seen[[2]string{x.Feed, x.Indicator}] {
				continue
			}
			seen[[2]string{x.Feed, x.Indicator}] = true
			o := object{
				"type_id": osintTypes[x.Kind], "value": x.Indicator, "vendor_name": x.Feed, "uid": x.Feed + "@" + x.Version, "name": x.Feed, "confidence": strconv.Itoa(x.Confidence),
				"confidence_id": confidenceID(x.Confidence), "desc": "seen as " + x.Value + " in " + x.Field,
			}
			if len(x.Tags) > 0 {
				o["labels"] = x.Tags
			}
			for name, t := range map[string]time.Time{"created_time": x.First, "modified_time": x.Last, "expiration_time": x.Expires} {
				if !t.IsZero() {
					o[name] = t.UnixMilli()
				}
			}
			out = append(out, o)
		}
	}
	return out
}

// confidenceID is OCSF's: 1 Low, 2 Medium, 3 High; the borders are those of detection.
func confidenceID(n int) int {
	switch {
	case n < 60:
		return 1
	case n < 85:
		return 2
	}
	return 3
}

// analyticType is OCSF's: 1 Rule, 2 Behavioral.
func analyticType(tier string) int {
	if tier == "rarity" {
		return 2
	}
	return 1
}

func attacks(list []finding.Attack) []object {
	out := []object{}
	for _, a := range list {
		o := object{"version": attackVersion}
		if a.Tactic != "" {
			o["tactic"] = object{"name": tacticName(a.Tactic)}
		}
		parent, _, isSub := strings.Cut(a.Technique, ".")
		if a.Technique != "" {
			o["technique"] = object{"uid": parent}
		}
		if isSub {
			o["sub_technique"] = object{"uid": a.Technique}
		}
		if a.Tactic != "" || a.Technique != "" {
			out = append(out, o)
		}
	}
	return out
}

func tacticName(short string) string {
	words := strings.Split(short, "-")
	for i, w := range words {
		if w != "" && w != "and" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

func related(a *finding.Alert) []object {
	out := []object{}
	for _, uid := range a.EventUIDs {
		out = append(out, object{"uid": uid, "type": "CloudTrail record"})
	}
	return out
}

// maxEvidences bounds the events that a finding carries whole; related_events names all of them.
const maxEvidences = 25

func evidences(a *finding.Alert) []object {
	out := []object{}
	for i := range a.Signals[:min(maxEvidences, len(a.Signals))] {
		c := &a.Signals[i].Event
		o := object{"uid": c.UID, "api": object{"operation": c.Operation, "service": object{"name": c.Service}}, "data": c.Raw}
		user := object{"uid": orUnknown(c.Principal)}
		if c.AccessKey != "" {
			user["credential_uid"] = c.AccessKey
		}
		o["actor"] = object{"user": user}
		if c.Error != "" {
			o["api"].(object)["response"] = object{"error": c.Error}
		}
		if c.SrcIP != "" {
			src := object{"ip": c.SrcIP}
			if c.Country != "" {
				src["location"] = object{"country": c.Country}
			}
			if c.ASN != 0 {
				src["autonomous_system"] = object{"number": c.ASN, "name": c.ASOrg}
			}
			o["src_endpoint"] = src
		}
		out = append(out, o)
	}
	return out
}

func orUnknown(s string) string {
	if s == "" {
		return "Unknown"
	}
	return s
}

func resources(list []finding.Entity) []object {
	var out []object
	for _, e := range list {
		if slices.Contains([]string{"account", "principal", "access_key", "ip", "external_account"}, e.Type) {
			continue
		}
		o := object{"uid": e.ID, "type": e.Type}
		if e.Name != "" {
			o["name"] = e.Name
		}
		out = append(out, o)
	}
	return out
}

func incidentFinding(version string, in *incident.Incident) object {
	f := head(version, in.UID, classIncident, in.Severity, in.Last.UnixMilli())
	f["message"], f["desc"] = in.Headline, in.Headline
	f["start_time"], f["end_time"] = in.First.UnixMilli(), in.Last.UnixMilli()
	f["is_suspected_breach"] = in.Severity >= finding.High
	f["attacks"] = attacks(in.Attacks)
	f["assignee"] = object{"name": "unassigned"}
	f["cloud"] = object{"provider": "AWS", "account": object{"uid": strings.Join(in.Accounts, ",")}}
	f["unmapped"] = object{"score": in.Score, "score_parts": in.Parts, "story": in.Story, "unknown": in.Unknown}
	list := []object{}
	for i := range in.Alerts {
		list = append(list, object{"uid": in.Alerts[i].UID, "title": in.Alerts[i].Title})
	}
	f["finding_info_list"] = list
	return f
}
