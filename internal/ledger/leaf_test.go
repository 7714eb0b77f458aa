package ledger

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func samples() []Leaf {
	h := Hash(sha256.Sum256([]byte("x")))
	f := File{Path: "day=1/a.parquet", SHA256: h, Rows: 3, Root: h}
	return []Leaf{
		ObjectReceived{Source: "trail <&>", Key: "AWSLogs/1.json.gz", ETag: "\"e\"", SHA256: h, Bytes: 12},
		FileAdded{File: f, Snapshot: 1<<62 + 1},
		FilesReplaced{Snapshot: 7, Old: []string{"b", "a"}, New: []File{f}, EventSet: h, Duplicates: 1, Part: 1, Parts: 1},
		FileExpired{Path: "a", Policy: "400 days", Approver: "ana"},
		Evidence{ID: "ev-1", Incident: "in-1", SHA256: h, Bytes: 9},
		Action{Run: "r1", Action: "iam.key.disable", Target: "AKIA", Phase: "intent", Approver: "ana", Journal: h},
		RuleVersion{ID: "aws-root-login", Version: "3", SHA256: h, Author: "ana", State: RuleInForce, Title: "Root signed in"},
		RuleSet{Rules: 1, SHA256: h},
		DigestVerdict{Source: "trail", Key: "digest/1", Verdict: "invalid", Reason: "signature", SHA256: h},
		KeyRotated{Old: "o", New: "n", Signature: "s"},
	}
}

func TestLeavesAreCanonicalAndComeBack(t *testing.T) {
	t.Parallel()
	if len(samples()) != len(readers) {
		t.Fatalf("%d samples for %d kinds", len(samples()), len(readers))
	}
	for _, leaf := range samples() {
		t.Run(string(leaf.Kind()), func(t *testing.T) {
			raw, err := encode(start, leaf)
			if err != nil {
				t.Fatal(err)
			}
			// A decoder into maps and an encoder of maps sorts all keys: what comes out is what we wrote.
			var outer map[string]json.RawMessage
			var inner map[string]any
			if err := json.Unmarshal(raw, &outer); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(outer["leaf"], &inner); err != nil {
				t.Fatal(err)
			}
			sortedKeys(t, reflect.TypeOf(leaf))
			if strings.ContainsAny(string(raw), "\n\t") || strings.Contains(string(raw), `\u0026`) {
				t.Errorf("not canonical: %s", raw)
			}
			at, back, err := decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(leaf, back); d != "" || !at.Equal(start) {
				t.Errorf("at %v: %s", at, d)
			}
			again, err := encode(at, back)
			if err != nil || string(again) != string(raw) {
				t.Errorf("written again: %s, %v", again, err)
			}
		})
	}
}

// sortedKeys checks that fields are declared in the order of their JSON names, without which the line would not be canonical.
func sortedKeys(t *testing.T, of reflect.Type) {
	t.Helper()
	var names []string
	for i := range of.NumField() {
		names = append(names, of.Field(i).Tag.Get("json"))
		field := of.Field(i).Type
		if field.Kind() == reflect.Slice {
			field = field.Elem()
		}
		if field.Kind() == reflect.Struct {
			sortedKeys(t, field)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("%s: fields out of order: %q", of, names)
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for name, leaf := range map[string]Leaf{
		"a leaf without a subject":     FileExpired{Policy: "p"},
		"text that is not UTF-8":       FileExpired{Path: "a\xff", Policy: "p"},
		"more than an entry holds":     FileExpired{Path: strings.Repeat("a", maxLine), Policy: "p"},
		"a compaction that counts nil": FilesReplaced{},
		"negative rows":                FileAdded{File: File{Path: "a", Rows: -1}},
	} {
		if raw, err := encode(start, leaf); err == nil {
			t.Errorf("%s: encoded to %d bytes", name, len(raw))
		}
	}
	if _, err := encode(start, FileExpired{Path: `a\ufffd` + "\ufffd", Policy: "p"}); err != nil {
		t.Errorf("a path that spells the escape, or holds the character, is well: %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"no JSON":       "x",
		"unknown kind":  `{"kind":"other","leaf":{},"time":"2026-11-24T09:00:00Z"}`,
		"unknown field": `{"kind":"file-expired","leaf":{"path":"a","policy":"p","why":"?"},"time":"2026-11-24T09:00:00Z"}`,
		"short hash":    `{"kind":"evidence","leaf":{"id":"a","sha256":"00"},"time":"2026-11-24T09:00:00Z"}`,
	} {
		if _, leaf, err := decode([]byte(raw)); err == nil {
			t.Errorf("%s: decoded to %v", name, leaf)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, leaf := range samples() {
		raw, err := encode(start, leaf)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		at, leaf, err := decode(raw)
		if err != nil {
			return
		}
		once, err := encode(at, leaf)
		if err != nil {
			t.Skip(err) // longer once written our way, or a year that RFC 3339 cannot say
		}
		at, leaf, err = decode(once)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := encode(at, leaf); err != nil || string(twice) != string(once) {
			t.Fatalf("%s\n%s\n%v", once, twice, err)
		}
	})
}

func TestProblemSaysItInALine(t *testing.T) {
	t.Parallel()
	p := Problem{Kind: Changed, Path: "a", Detail: "d", Events: []EventChange{{Row: 4}}, Hidden: 2}
	zero := Hash{}.String()
	want := fmt.Sprintf("changed: a: d; row 4 was %s, is %s; and 2 more rows", zero, zero)
	if p.String() != want {
		t.Errorf("got %q", p)
	}
}
