// Command gen makes internal/ocsf/schema.json.gz: what the validator needs of OCSF's compiled schema, for the classes in
// use. In: the path of a schema.json, compiled from the tag of ocsf.SchemaVersion. Out: the file on standard output.
// Facts only: names, requirements, types and enum numbers; no descriptions.
package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"sort"
)

var classes = []string{"api_activity", "authentication", "detection_finding", "incident_finding"}

// corrections are constraints that the compiled form inherits wrongly from _entity; these are as objects/endpoint.json
// and objects/network_endpoint.json of the tag have them.
var corrections = map[string][]string{
	"endpoint":         {"ip", "uid", "name", "hostname", "instance_uid", "interface_uid", "interface_name"},
	"network_endpoint": {"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name", "domain"},
}

type attribute struct {
	Type        string                     `json:"type"`
	ObjectType  string                     `json:"object_type"`
	Requirement string                     `json:"requirement"`
	Profile     string                     `json:"profile"`
	IsArray     bool                       `json:"is_array"`
	Enum        map[string]json.RawMessage `json:"enum"`
}

type entity struct {
	UID         int                  `json:"uid"`
	Name        string               `json:"name"`
	Attributes  map[string]attribute `json:"attributes"`
	Constraints map[string][]string  `json:"constraints"`
}

type slimAttribute struct {
	Type     string   `json:"t"`
	Required bool     `json:"r,omitempty"`
	Profile  string   `json:"p,omitempty"`
	Array    bool     `json:"a,omitempty"`
	Enum     []string `json:"e,omitempty"`
}

type slim struct {
	UID        int                      `json:"uid,omitempty"`
	Attributes map[string]slimAttribute `json:"attributes"`
	AtLeastOne []string                 `json:"at_least_one,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	raw, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var in struct {
		Version string            `json:"version"`
		Classes map[string]entity `json:"classes"`
		Objects map[string]entity `json:"objects"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	out := map[string]map[string]slim{"classes": {}, "objects": {}}
	var reach func(e entity)
	for name, atLeastOne := range corrections {
		o := in.Objects[name]
		o.Constraints = map[string][]string{"at_least_one": atLeastOne}
		in.Objects[name] = o
	}
	reach = func(e entity) {
		for _, a := range e.Attributes {
			if o, ok := in.Objects[a.ObjectType]; ok && out["objects"][a.ObjectType].Attributes == nil {
				out["objects"][a.ObjectType] = thin(o)
				reach(o)
			}
		}
	}
	for _, name := range classes {
		out["classes"][name] = thin(in.Classes[name])
		reach(in.Classes[name])
	}
	z, err := gzip.NewWriterLevel(os.Stdout, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(z).Encode(out); err != nil {
		return err
	}
	return z.Close()
}

func thin(e entity) slim {
	s := slim{UID: e.UID, Attributes: map[string]slimAttribute{}, AtLeastOne: e.Constraints["at_least_one"]}
	for name, a := range e.Attributes {
		t := a.Type
		if a.ObjectType != "" {
			t = a.ObjectType
		}
		var enum []string
		for k := range a.Enum {
			enum = append(enum, k)
		}
		sort.Strings(enum)
		s.Attributes[name] = slimAttribute{t, a.Requirement == "required", a.Profile, a.IsArray, enum}
	}
	return s
}
