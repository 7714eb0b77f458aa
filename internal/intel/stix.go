package intel

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// stixObject is what is read of an object of a bundle. https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html, section 4.7
type stixObject struct {
	Type        string   `json:"type"`
	ID          string   `json:"id"`
	Pattern     string   `json:"pattern"`
	PatternType string   `json:"pattern_type"`
	Revoked     bool     `json:"revoked"`
	ValidFrom   string   `json:"valid_from"`
	ValidUntil  string   `json:"valid_until"`
	Modified    string   `json:"modified"`
	Confidence  *int     `json:"confidence"`
	Types       []string `json:"indicator_types"`
	Labels      []string `json:"labels"`
}

// stix reads a bundle, or a list of objects. Objects that are no indicators say nothing to match.
func (r *Reading) stix(raw []byte) error {
	var bundle struct {
		Objects []json.RawMessage `json:"objects"`
	}
	if err := json.Unmarshal(raw, &bundle); err != nil {
		if json.Unmarshal(raw, &bundle.Objects) != nil {
			return fmt.Errorf("no JSON: %w", err)
		}
	}
	if bundle.Objects == nil {
		bundle.Objects = []json.RawMessage{raw} // one object by itself
	}
	for _, text := range bundle.Objects {
		var o stixObject
		if err := json.Unmarshal(text, &o); err != nil {
			r.notUnderstood(string(text), "an object that is none of STIX")
			continue
		}
		if o.Type == "indicator" {
			r.stixIndicator(&o)
		}
	}
	return nil
}

func (r *Reading) stixIndicator(o *stixObject) {
	if o.Revoked {
		r.Entries++
		r.Revoked++
		return
	}
	if o.PatternType != "" && o.PatternType != "stix" {
		r.notUnderstood(o.Pattern, "a pattern in the language "+shorten(o.PatternType))
		return
	}
	values, err := parsePattern(o.Pattern)
	if err != nil {
		r.notUnderstood(o.Pattern, err.Error())
		return
	}
	like := r.plain()
	if o.Confidence != nil && *o.Confidence >= 0 && *o.Confidence <= 100 {
		like.Confidence = uint8(*o.Confidence) //nolint:gosec // checked
	}
	like.First, like.Last, like.Expires = when(o.ValidFrom), when(o.Modified), when(o.ValidUntil)
	if o.ValidUntil != "" && like.Expires.IsZero() {
		like.Expires = time.Unix(0, 0).UTC() // a time that cannot be read: better silent than wrong
	}
	for _, t := range append(o.Types, o.Labels...) {
		like.Tags = append(like.Tags, strings.ToLower(t))
	}
	for _, v := range values {
		r.add(0, v.text, v.kind, like)
	}
}

// jsonForm tells the forms of JSON apart.
func jsonForm(raw []byte) string {
	var head struct {
		Type      json.RawMessage `json:"type"`
		Objects   json.RawMessage `json:"objects"`
		Pattern   json.RawMessage `json:"pattern"`
		List      json.RawMessage `json:"list"`
		Event     json.RawMessage `json:"Event"`
		Attribute json.RawMessage `json:"Attribute"`
		Response  json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		var list []struct {
			Type  string          `json:"type"`
			Event json.RawMessage `json:"Event"`
		}
		var mismatch *json.UnmarshalTypeError
		if !errors.As(err, &mismatch) || json.Unmarshal(raw, &list) != nil || len(list) == 0 {
			return "stix" // whose reader says what is wrong
		}
		if list[0].Event != nil {
			return "misp"
		}
		return "stix"
	}
	switch {
	case head.List != nil && head.Type != nil:
		return "warninglist"
	case head.Event != nil, head.Attribute != nil, head.Response != nil:
		return "misp"
	case head.Objects != nil, head.Pattern != nil:
		return "stix"
	}
	return ""
}
