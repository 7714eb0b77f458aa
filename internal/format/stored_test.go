package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// TestStoredEventsAnswerAsTheRecordDid writes CloudTrail records as OCSF, reads that, and asks both for every member by
// CloudTrail's name: once with the record in raw_data, once with only what the mapping carries.
func TestStoredEventsAnswerAsTheRecordDid(t *testing.T) {
	asked := 0
	for _, path := range cloudTrailFiles(t) {
		decode(t, open(t, path), func(e *ocsf.Event) {
			object := e.Object()
			leaves := map[string]bool{}
			leafPaths(e.Doc, "", leaves)
			for _, withRecord := range []bool{true, false} {
				n, bad := decode(t, bytes.NewReader(stripped(t, object, withRecord)), func(stored *ocsf.Event) {
					for leaf := range leaves {
						asked++
						compare(t, e, stored, leaf, withRecord)
					}
				})
				if n != 1 || len(bad) > 0 {
					t.Errorf("%s: %d events of one object, %v", path, n, bad)
				}
			}
		})
	}
	if asked < 1000 {
		t.Errorf("asked only %d times", asked)
	}
}

func compare(t *testing.T, e, stored *ocsf.Event, leaf string, withRecord bool) {
	t.Helper()
	path := ocsf.ParsePath(leaf)
	want, got := texts(e.Vendor(path, nil), withRecord), texts(stored.Vendor(path, nil), withRecord)
	if slices.Equal(want, got) {
		return
	}
	if !withRecord && slices.ContainsFunc(lossy, func(l string) bool { return leaf == l || strings.HasPrefix(leaf, l+".") }) {
		return
	}
	if leaf == "sourceIPAddress" && slices.Equal(want, []string{"false"}) { // empty; OCSF requires a source
		return
	}
	t.Errorf("record %d: %s is %q in the record and %q in OCSF (raw_data %v)", e.At.Record, leaf, want, got, withRecord)
}

// lossy are the members that the mapping alone does not give back as they were: OCSF has them in another form.
var lossy = []string{
	"userIdentity.sessionContext.attributes.creationDate", // epoch milliseconds
}

// texts are values as rules compare them. OCSF, unlike the record, leaves out what is null.
func texts(values []ocsf.Value, nulls bool) []string {
	out := []string{}
	for _, v := range values {
		if v.Kind != ocsf.Null || nulls {
			out = append(out, fmt.Sprint(v.Kind == ocsf.Null, v.Str))
		}
	}
	return out
}

func stripped(t *testing.T, object []byte, withRecord bool) []byte {
	t.Helper()
	var doc map[string]any
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if !withRecord {
		delete(doc, "raw_data")
	}
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func leafPaths(v *fastjson.Value, prefix string, into map[string]bool) {
	switch v.Type() {
	case fastjson.TypeObject:
		v.GetObject().Visit(func(key []byte, item *fastjson.Value) {
			leafPaths(item, strings.TrimPrefix(prefix+"."+string(key), "."), into)
		})
	case fastjson.TypeArray:
		for _, item := range v.GetArray() {
			leafPaths(item, prefix, into)
		}
	default:
		into[prefix] = true
	}
}

// cloudTrailFiles are our own CloudTrail samples that hold records, and the foreign ones where they are.
func cloudTrailFiles(t *testing.T) []string {
	t.Helper()
	files, _ := filepath.Glob("testdata/cloudtrail/*.in")
	files = slices.DeleteFunc(files, func(path string) bool {
		return slices.Contains([]string{"wrong-types.in", "duplicate-keys.in", "not-utf8.in", "insight.in"}, filepath.Base(path))
	})
	for _, glob := range []string{"attack/logs/*.json", "benign/*"} {
		found, _ := filepath.Glob(filepath.Join("../../../shared/data/cloudtrail", glob))
		files = append(files, found...)
	}
	return files
}

// open reads a file, unpacked.
func open(t testing.TB, path string) io.Reader {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return bytes.NewReader(raw)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// What is OCSF but was not CloudTrail does not answer to CloudTrail's names.
func TestOtherProductsDoNotAnswerToCloudTrailsNames(t *testing.T) {
	in := `{"class_uid":6003,"time":1773136800000,"metadata":{"product":{"name":"Amazon EKS"}},"api":{"operation":"get"},"unmapped":{"eventSource":"x"}}`
	n, _ := decode(t, strings.NewReader(in), func(e *ocsf.Event) {
		for _, name := range []string{"eventName", "eventSource"} {
			if got := e.Text(ocsf.ParsePath(name)); got != "" {
				t.Errorf("%s is %q", name, got)
			}
		}
		if got := e.Text(ocsf.ParsePath("api.operation")); got != "get" {
			t.Errorf("api.operation is %q", got)
		}
	})
	if n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestStoredText(t *testing.T) {
	file, err := os.Open("testdata/ocsfjson/text-and-unmapped.in")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decode(t, file, func(e *ocsf.Event) {
		if e.ID != "o1" {
			return
		}
		for path, want := range map[string]string{
			"eventName": "CreateUser", "requestParameters.userName": "bob", "requestParameters.missing": "", "sourceIPAddress": "cloudformation.amazonaws.com",
			"readOnly": "false", "additionalEventData.x": "y", "userIdentity.arn": "arn:aws:iam::111122223333:user/alice", "actor.user.groups.name": "kept",
			"requestParameters": `{"userName":"bob"}`, "responseElements": "", "errorCode": "",
		} {
			if got := e.Text(ocsf.ParsePath(path)); got != want {
				t.Errorf("%s is %q, want %q", path, got, want)
			}
		}
	})
}
