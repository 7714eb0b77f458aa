// Command gen makes internal/ocsf/schema.json.gz: what the validator needs of OCSF's compiled schema, for the classes in
// use. In: the path of a schema.json or schema.json.zst, compiled from the tag of ocsf.SchemaVersion. Out: the file on
// standard output. Facts only: names, requirements, types, enums with their captions and siblings; no descriptions.
//
//	go run ./internal/ocsf/gen ../shared/data/ocsf/schema.json.zst > schema.json.gz && mv schema.json.gz internal/ocsf/
package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

var classes = []string{"api_activity", "account_change", "authentication", "detection_finding", "incident_finding", "network_activity", "http_activity", "dns_activity"}

// corrections are constraints that the compiled form inherits wrongly from _entity; these are as objects/endpoint.json
// and objects/network_endpoint.json of the tag have them.
var corrections = map[string][]string{
	"endpoint":         {"ip", "uid", "name", "hostname", "instance_uid", "interface_uid", "interface_name"},
	"network_endpoint": {"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name", "domain"},
}

type attribute struct {
	Type        string `json:"type"`
	ObjectType  string `json:"object_type"`
	Requirement string `json:"requirement"`
	Profile     string `json:"profile"`
	IsArray     bool   `json:"is_array"`
	Sibling     string `json:"sibling"`
	Enum        map[string]struct {
		Caption string `json:"caption"`
	} `json:"enum"`
}

type entity struct {
	UID         int                  `json:"uid"`
	Attributes  map[string]attribute `json:"attributes"`
	Constraints map[string][]string  `json:"constraints"`
}

type slimAttribute struct {
	Type        string            `json:"t"`
	Required    bool              `json:"r,omitempty"`
	Recommended bool              `json:"m,omitempty"`
	Profile     string            `json:"p,omitempty"`
	Array       bool              `json:"a,omitempty"`
	Sibling     string            `json:"s,omitempty"`
	Enum        map[string]string `json:"e,omitempty"`
}

type slim struct {
	UID        int                      `json:"uid,omitempty"`
	Attributes map[string]slimAttribute `json:"attributes"`
	AtLeastOne []string                 `json:"at_least_one,omitempty"`
	JustOne    []string                 `json:"just_one,omitempty"`
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string, to io.Writer) error {
	if len(args) != 1 {
		return errors.New("give the path of OCSF's schema.json or schema.json.zst")
	}
	raw, err := read(args[0])
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	out, err := extract(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	if err := json.NewEncoder(z).Encode(out); err != nil {
		return err
	}
	return z.Close()
}

func read(path string) ([]byte, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the path that the user gives
	if err != nil || !strings.HasSuffix(path, ".zst") {
		return raw, err
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.DecodeAll(raw, nil)
}

// extract keeps the classes in use and the objects that they reach.
func extract(raw []byte) (map[string]map[string]slim, error) {
	var in struct {
		Version string            `json:"version"`
		Classes map[string]entity `json:"classes"`
		Objects map[string]entity `json:"objects"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	if in.Version != ocsf.SchemaVersion {
		return nil, fmt.Errorf("this is OCSF %s, want %s", in.Version, ocsf.SchemaVersion)
	}
	for name, atLeastOne := range corrections {
		o := in.Objects[name]
		o.Constraints = map[string][]string{"at_least_one": atLeastOne}
		in.Objects[name] = o
	}
	out := map[string]map[string]slim{"classes": {}, "objects": {}}
	var reach func(e entity)
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
	return out, nil
}

func thin(e entity) slim {
	s := slim{UID: e.UID, Attributes: map[string]slimAttribute{}, AtLeastOne: e.Constraints["at_least_one"], JustOne: e.Constraints["just_one"]}
	for name, a := range e.Attributes {
		t := a.Type
		if a.ObjectType != "" {
			t = a.ObjectType
		}
		enum := map[string]string{}
		for k, v := range a.Enum {
			enum[k] = v.Caption
		}
		s.Attributes[name] = slimAttribute{t, a.Requirement == "required", a.Requirement == "recommended", a.Profile, a.IsArray, a.Sibling, enum}
	}
	return s
}
