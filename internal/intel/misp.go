package intel

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// mispAttribute is what is read of an attribute of an event. https://www.misp-project.org/datamodels/
type mispAttribute struct {
	Type      string          `json:"type"`
	Value     string          `json:"value"`
	ToIDs     bool            `json:"to_ids"`
	Deleted   bool            `json:"deleted"`
	Timestamp json.RawMessage `json:"timestamp"`
	First     string          `json:"first_seen"`
	Last      string          `json:"last_seen"`
	Tags      []mispTag       `json:"Tag"`
}

type mispTag struct {
	Name string `json:"name"`
}

type mispEvent struct {
	Attributes []mispAttribute `json:"Attribute"`
	Objects    []struct {
		Attributes []mispAttribute `json:"Attribute"`
	} `json:"Object"`
	Tags []mispTag `json:"Tag"`
}

// misp reads one event, a list of events, or an answer that holds them. Attributes that are not meant for detection (to_ids) are passed over.
func (r *Reading) misp(raw []byte) error {
	events, err := mispEvents(raw)
	if err != nil {
		return err
	}
	for i := range events {
		e := &events[i]
		all := e.Attributes
		for _, o := range e.Objects {
			all = append(all, o.Attributes...)
		}
		for k := range all {
			if all[k].ToIDs && !all[k].Deleted {
				r.mispAttribute(&all[k], e.Tags)
			}
		}
	}
	return nil
}

func mispEvents(raw []byte) ([]mispEvent, error) {
	type wrapped struct {
		Event *mispEvent `json:"Event"`
	}
	var one struct {
		wrapped
		mispEvent
		Response []wrapped `json:"response"`
	}
	var list []wrapped
	if err := json.Unmarshal(raw, &one); err != nil {
		if json.Unmarshal(raw, &list) != nil {
			return nil, fmt.Errorf("no JSON of MISP: %w", err)
		}
	}
	list = append(list, one.Response...)
	list = append(list, one.wrapped)
	var out []mispEvent
	for _, w := range list {
		if w.Event != nil {
			out = append(out, *w.Event)
		}
	}
	if len(one.Attributes)+len(one.Objects) > 0 {
		out = append(out, one.mispEvent)
	}
	if len(out) == 0 {
		return nil, errors.New("it holds no event")
	}
	return out, nil
}

// mispTypes are the types of attribute that can be matched, and which parts of their value.
var mispTypes = map[string][]Kind{
	"ip-src": {IP}, "ip-dst": {IP}, "ip-src|port": {IP}, "ip-dst|port": {IP}, "domain": {Domain}, "hostname": {Domain}, "hostname|port": {Domain},
	"domain|ip": {Domain, IP}, "url": {0}, "uri": {0}, "md5": {Hash}, "sha1": {Hash}, "sha256": {Hash}, "sha512": {Hash},
	"filename|md5": {0, Hash}, "filename|sha1": {0, Hash}, "filename|sha256": {0, Hash}, "filename|sha512": {0, Hash},
}

func (r *Reading) mispAttribute(a *mispAttribute, eventTags []mispTag) {
	kinds := mispTypes[a.Type]
	if kinds == nil {
		r.notUnderstood(a.Value, "the type "+shorten(a.Type)+", which no log that is read holds")
		return
	}
	like := r.plain()
	like.First, like.Last = when(a.First), when(a.Last)
	if like.Last.IsZero() {
		like.Last = when(strings.Trim(string(a.Timestamp), `"`))
	}
	for _, t := range append(a.Tags, eventTags...) {
		like.Tags = append(like.Tags, strings.ToLower(t.Name))
	}
	parts := []string{a.Value}
	if strings.Contains(a.Type, "|") {
		parts = strings.SplitN(a.Value, "|", 2)
	}
	for i, kind := range kinds {
		isName := i == 0 && strings.HasPrefix(a.Type, "filename|")
		if i < len(parts) && !isName {
			r.add(0, parts[i], kind, like)
		}
	}
}
