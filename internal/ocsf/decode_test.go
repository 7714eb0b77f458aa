package ocsf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/records"
)

// boxes is a shape of two members, with an envelope of each kind.
func boxes() Shape {
	return Shape{
		Mapping: plainMapping(), Arrays: []string{"records"},
		Unwrap: func(_ []byte, doc *fastjson.Value) *Wrapped {
			switch {
			case doc.Exists("skip"):
				return &Wrapped{Skip: true}
			case doc.Exists("text"):
				return &Wrapped{Text: doc.GetStringBytes("text")}
			case doc.Exists("stream"):
				return &Wrapped{Stream: bytes.NewReader(doc.GetStringBytes("stream"))}
			case doc.Exists("broken"):
				return &Wrapped{Stream: io.MultiReader(bytes.NewReader(doc.GetStringBytes("broken")), iotest.ErrReader(errors.New("no such gzip\n")))}
			}
			return nil
		},
		Check: func(e *Event) *Unreadable {
			if !e.Doc.Exists("name") {
				return &Unreadable{Reason: "no name", Detail: "\x1b[31m"}
			}
			e.ID = e.Text(ParsePath("id"))
			return nil
		},
	}
}

// run returns what comes of a stream: ordinal, offset and name or "!reason" of each.
func run(t *testing.T, in string, limits records.Limits) (out []string, ids map[string]int) {
	t.Helper()
	ids = map[string]int{}
	err := NewDecoder(boxes(), limits).Decode(context.Background(), strings.NewReader(in), "s", Sink{
		Event: func(e *Event) error {
			ids[strings.Clone(e.ID)]++
			out = append(out, fmt.Sprintf("%d@%d %s", e.At.Record, e.At.Offset, e.Str(APIOperation)))
			return nil
		},
		Unreadable: func(u Unreadable) error {
			if strings.ContainsAny(u.Detail, "\x1b\n\x00") {
				t.Errorf("a detail with control characters: %q", u.Detail)
			}
			out = append(out, fmt.Sprintf("%d@%d !%s", u.At.Record, u.At.Offset, u.Reason))
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, ids
}

func TestDecode(t *testing.T) {
	t.Parallel()
	text := func(s string) string { return string(appendString(nil, []byte(s))) }
	many := strings.Repeat(`{"text":"{\"name\":\"in\"}"}`, 3)
	cases := []struct {
		name, in string
		want     []string
	}{
		{"ordinals count what is unreadable too", `{"name":"a"}{}{"name":"b"}`, []string{"0@0 a", "1@12 !no name", "2@14 b"}},
		{"probes do not count", `{"skip":1}{"name":"a"}`, []string{"0@10 a"}},
		{"text in text", `{"text":` + text(`{"text":`+text(`{"name":"a"}`)+`}`) + `}`, []string{"0@0 a"}},
		{"broken text", `{"text":"{"}{"name":"a"}`, []string{"0@0 !not JSON", "1@12 a"}},
		{"grammar", `{"name":"a",}{"name":"b"}`, []string{"0@0 !not JSON", "1@13 b"}},
		{"stream in a record", `{"stream":` + text(`[{"name":"a"},{},{"name":"b"}]`) + `}{"name":"c"}`, []string{"0@0 a", "1@0 !no name", "2@0 b", "3@51 c"}},
		{"envelopes in a stream in a record", `{"stream":` + text(`{"records":[`+many+`]}`) + `}`, []string{"0@0 in", "1@0 in", "2@0 in"}},
		{"stream in text in a stream", `{"stream":` + text(`{"text":`+text(`{"stream":`+text(many)+`}`)+`}`) + `}`, []string{"0@0 in", "1@0 in", "2@0 in"}},
		{"stream that breaks", `{"broken":` + text(`{"name":"a"}`) + `}{"name":"b"}`, []string{"0@0 a", "1@0 !" + ReasonBroken, "2@29 b"}},
		{"cut off", `[{"name":"a"},{"name":`, []string{"0@1 a", "1@14 !cut off inside a record"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, ids := run(t, c.in, records.Limits{})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			for id, n := range ids {
				if n > 1 || id == "" {
					t.Errorf("%d records are identified as %q", n, id)
				}
			}
		})
	}
}

func TestEnvelopesEnd(t *testing.T) {
	t.Parallel()
	in := `{"name":"a"}`
	for range 40 {
		in = `{"stream":` + string(appendString(nil, []byte(in))) + `}`
		if len(in) > 1<<16 {
			break
		}
	}
	if got, _ := run(t, in, records.Limits{}); len(got) != 1 || !strings.Contains(got[0], "!no name") {
		t.Errorf("got %q", got)
	}
}

func TestRecordsThatWouldFillTheMemory(t *testing.T) {
	t.Parallel()
	values := `{"name":[` + strings.Repeat("0,", 3<<20) + `0]}`
	commas := `{"name":"` + strings.Repeat(",[{", 300_000) + `"}`
	deep := `{"name":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`
	got, _ := run(t, values+commas+deep+`{"name":"a"}`, records.Limits{})
	if len(got) != 4 || !strings.HasSuffix(got[0], "!"+ReasonTooMany) || !strings.HasPrefix(got[1], "1@") || strings.Contains(got[1], "!") ||
		!strings.HasSuffix(got[2], "!"+records.ReasonTooDeep) || !strings.HasSuffix(got[3], " a") {
		t.Errorf("got %.200q", got)
	}
}

func TestErrorsThatEndTheDecoding(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cases := []struct {
		name string
		ctx  context.Context
		r    io.Reader
		want error
	}{
		{"the sink's, for an event", context.Background(), strings.NewReader(`{"name":"a"}`), stop},
		{"the sink's, for an unreadable record", context.Background(), strings.NewReader(`{}`), stop},
		{"the sink's, though it looks like an end", context.Background(), strings.NewReader(`{"name":"a"}`), io.EOF},
		{"the source's", context.Background(), iotest.ErrReader(io.ErrUnexpectedEOF), io.ErrUnexpectedEOF},
		{"the context's", ctx, strings.NewReader(`{"name":"a"}`), context.Canceled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := NewDecoder(boxes(), records.Limits{}).Decode(c.ctx, c.r, "s", Sink{
				Event:      func(*Event) error { return c.want },
				Unreadable: func(Unreadable) error { return c.want },
			})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestSniff(t *testing.T) {
	t.Parallel()
	names := func(head string) string {
		var all []string
		Sniff([]byte(head), func(names [][]byte) bool {
			all = append(all, string(bytes.Join(names, []byte(" "))))
			return false
		})
		return strings.Join(all, "|")
	}
	for head, want := range map[string]string{
		`{"a":1,"b":{"c":2,"d":["e"]},"f":"g"}`:   "a b f",
		`[{"a":"\"b\":"},{"c":[{"d":1}]}]`:        "a|c",
		`2026-01-01T00:00:00Z {"a":1,"b":"cut of`: "a b",
		`{"a":{"b":1,"c":{"d`:                     "a",
		"{\"a\":1}\n{\"b\":2}":                    "a|b",
		``:                                        "",
		`no object`:                               "",
		`{`:                                       "",
		`{"`:                                      "",
		`{"a\"b":1,"c":2}`:                        "c",
		`{"x":"{\"class_uid\":1}","y":"\\"}`:      "x y",
		strings.Repeat(`{"a":1}`, 40):             strings.TrimSuffix(strings.Repeat("a|", maxSniffed), "|"),
	} {
		if got := names(head); got != want {
			t.Errorf("%.60s: names %q, want %q", head, got, want)
		}
	}
}

// Reading a record must not take longer than in proportion to its size, whatever it holds: with a square in it, this test
// takes minutes. Nor may each reading keep texts of its own.
func TestReadingTakesNoSquareOfTheSize(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"objects": `{"name":[` + strings.Repeat(`{},`, 120_000) + `{}]}`,
		"numbers": `{"name":[` + strings.Repeat(`1,`, 240_000) + `2]}`,
		"members": `{"name":{` + strings.Repeat(`"":1,`, 240_000) + `"x":2}}`,
	} {
		e := event(t, raw)
		for range 10 {
			e.Values(APIOperation, nil)
		}
		e.Object()
		if n := len(e.memory.scratch); n > 4<<20 {
			t.Errorf("%s: %d bytes kept for ten readings", name, n)
		}
	}
}
