package ocsf

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const validCall = `{"class_uid":6003,"category_uid":6,"activity_id":1,"type_uid":600301,"severity_id":1,"time":1,
"metadata":{"version":"1.8.0","product":{"name":"x"},"profiles":["cloud"]},"cloud":{"provider":"AWS"},
"api":{"operation":"o"},"actor":{"invoked_by":"x"},"src_endpoint":{"ip":"198.51.100.7","port":443}}`

func TestValidate(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, from, to string
		want           []string
	}{
		{"valid", "", "", nil},
		{"no JSON", validCall, `{`, []string{": not a JSON object: unexpected EOF"}},
		{"no class", `"class_uid":6003,`, ``, []string{"class_uid: class 0 is not one that is written here"}},
		{"another class", `6003,"cat`, `1001,"cat`, []string{"class_uid: class 1001 is not one that is written here"}},
		{"missing", `"time":1,`, ``, []string{"time: required and missing"}},
		{"missing deep", `{"operation":"o"}`, `{}`, []string{"api.operation: required and missing"}},
		{"unknown", `"time":1`, `"time":1,"tiem":2`, []string{"tiem: no attribute of this class or object"}},
		{"unknown deep", `"name":"x"`, `"name":"x","nmae":"y"`, []string{"metadata.product.nmae: no attribute of this class or object"}},
		{"enum", `"severity_id":1`, `"severity_id":7`, []string{"severity_id: 7 is not one of the schema's values"}},
		{"type_uid", `600301`, `600302`, []string{"type_uid: is 600302, want class_uid × 100 + activity_id = 600301"}},
		{"text for a number", `"time":1`, `"time":"1"`, []string{"time: is not an integer"}},
		{"fraction for an integer", `"time":1`, `"time":1.5`, []string{"time: is not an integer"}},
		{"number for text", `"operation":"o"`, `"operation":1`, []string{"api.operation: is not text"}},
		{"object for text", `"operation":"o"`, `"operation":{}`, []string{"api.operation: is not text"}},
		{"text for an object", `{"operation":"o"}`, `"o"`, []string{"api: is not an object of type api"}},
		{"no array", `["cloud"]`, `"cloud"`, []string{
			"cloud: belongs to the profile cloud, which metadata.profiles does not name", "metadata.profiles: is not an array",
		}},
		{"address", `198.51.100.7`, `198.51.100.777`, []string{`src_endpoint.ip: "198.51.100.777" is no ip_t`}},
		{"port", `443`, `70000`, []string{"src_endpoint.port: is not a port"}},
		{"constraint", `"invoked_by":"x"`, ``, []string{"actor: needs at least one of process, user, invoked_by, session, app_name, app_uid"}},
		{"flag", `"invoked_by":"x"`, `"session":{"is_mfa":"yes"}`, []string{"actor.session.is_mfa: is not true or false"}},
		{"free objects may hold anything", `"time":1`, `"time":1,"unmapped":{"a":[{"b":null}]}`, nil},
		{"in an array", `"time":1`, `"time":1,"observables":[{"type_id":1},{"type_id":"x"}]`, []string{"observables[1].type_id: is not an integer"}},
		{"constraint in an array", `"time":1`, `"time":1,"resources":[{"role_id":1}]`, []string{"resources[0]: needs at least one of name, uid"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(validCall, c.from) {
				t.Fatalf("the case replaces what is not there: %s", c.from)
			}
			doc := validCall
			if c.from != "" {
				doc = strings.Replace(validCall, c.from, c.to, 1)
			}
			var got []string
			for _, p := range Validate([]byte(doc)) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTextTypes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		kind, good, bad string
	}{
		{"ip_t", "2001:db8::1", "host"},
		{"subnet_t", "10.0.0.0/8", "10.0.0.0"},
		{"datetime_t", "2026-03-10T10:00:00.123456z", "2026-03-10"},
		{"uuid_t", "00000000-0000-4000-8000-000000000001", "1"},
		{"mac_t", "18:36:F3:98:4F:9A", "18:36"},
		{"email_t", "a@example.com", "a b@example.com"},
		{"bytestring_t", "AAEC", "not base 64"},
	}
	for _, c := range cases {
		if _, fault := scalar(c.kind, c.good); fault != "" {
			t.Errorf("%s refuses %q: %s", c.kind, c.good, fault)
		}
		if _, fault := scalar(c.kind, c.bad); fault == "" {
			t.Errorf("%s takes %q", c.kind, c.bad)
		}
	}
}

// The field list is only paths that the schema knows, in some class in use.
func TestFieldsAreInTheSchema(t *testing.T) {
	t.Parallel()
	s := loadSchema()
	for _, f := range Fields() {
		found := f == TLSVersion || f == TLSCipher || f == TLSSNI // of network classes; here for rules, see Object
		for _, class := range s.Classes {
			found = found || s.has(class, ParsePath(f.String()))
		}
		if !found {
			t.Errorf("%s is in no class in use", f)
		}
	}
	if len(s.Classes) != 8 {
		t.Errorf("%d classes, want 8", len(s.Classes))
	}
}

func (s schema) has(e schemaEntity, path Path) bool {
	a, ok := e.Attributes[path[0]]
	if !ok || len(path) == 1 {
		return ok
	}
	object, ok := s.Objects[a.Type]
	return ok && s.has(object, path[1:])
}

func TestCaptions(t *testing.T) {
	t.Parallel()
	s := loadSchema()
	class, _ := s.class(6003)
	doc := map[string]any{"class_uid": 6003, "activity_id": 2, "severity_id": int64(1), "status_id": 99, "status": "as the source says", "observables": []any{map[string]any{"type_id": 2}}}
	s.caption(class, doc)
	want := map[string]any{
		"class_uid": 6003, "class_name": "API Activity", "activity_id": 2, "activity_name": "Read", "severity_id": int64(1), "severity": "Informational",
		"status_id": 99, "status": "as the source says", "observables": []any{map[string]any{"type_id": 2, "type": "IP Address"}},
	}
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(doc)); diff != "" {
		t.Error(diff)
	}
}
