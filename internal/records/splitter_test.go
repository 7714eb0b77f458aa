package records

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// read returns the records and, in place, the reasons of faults as "!reason".
func read(t *testing.T, r io.Reader, limits Limits) []string {
	t.Helper()
	s := New(r, limits, "Records", "logEvents")
	var out []string
	for range 10_000 {
		raw, _, err := s.Next()
		var fault *Fault
		switch {
		case errors.Is(err, io.EOF):
			return out
		case errors.As(err, &fault):
			out = append(out, "!"+fault.Reason)
		case err != nil:
			return append(out, "error "+err.Error())
		default:
			out = append(out, string(raw))
		}
	}
	t.Fatal("the splitter does not come to an end")
	return nil
}

func TestSplitter(t *testing.T) {
	deep := strings.Repeat("[", 300) + strings.Repeat("]", 300)
	cases := []struct {
		name, in string
		want     []string
	}{
		{"delivered file", `{"Records":[{"a":1},{"b":"}]\""}]}`, []string{`{"a":1}`, `{"b":"}]\""}`}},
		{"members before and after", `{"x":{"y":[1]},"n":12,"Records":[{"a":1}],"z":null,"l":[{}]}`, []string{`{"a":1}`}},
		{"JSON lines", "{\"a\":1}\n{\"b\":2}\r\n", []string{`{"a":1}`, `{"b":2}`}},
		{"values without separator", `{"a":1}{"b":2}`, []string{`{"a":1}`, `{"b":2}`}},
		{"array", ` [ {"a":1} , {"b":[{}]} ] `, []string{`{"a":1}`, `{"b":[{}]}`}},
		{"two delivered files, concatenated", `{"Records":[{"a":1}]}{"Records":[{"b":2}]}`, []string{`{"a":1}`, `{"b":2}`}},
		{"single pretty record", "{\n  \"a\": {\n \"Records\": [1]}\n}", []string{"{\n  \"a\": {\n \"Records\": [1]}\n}"}},
		{"record with an inner Records member", `{"requestParameters":{"Records":[{}]},"a":1}`, []string{`{"requestParameters":{"Records":[{}]},"a":1}`}},
		{"export lines with a time stamp", "2024-01-02T03:04:05.678Z {\"a\":1}\n2024-01-02T03:04:05Z {\"b\":2}", []string{`{"a":1}`, `{"b":2}`}},
		{"byte order mark", "\xef\xbb\xbf{\"a\":1}", []string{`{"a":1}`}},
		{"empty", "", nil},
		{"empty list", `{"Records":[]}`, nil},
		{"cut off inside a record", `{"Records":[{"a":1},{"b":`, []string{`{"a":1}`, "!" + ReasonTruncated}},
		{"cut off between records", `{"Records":[{"a":1},`, []string{`{"a":1}`, "!" + ReasonTruncated}},
		{"garbage line between records", "{\"a\":1}\nhello world\n{\"b\":2}", []string{`{"a":1}`, "!" + ReasonNotJSON, `{"b":2}`}},
		{"brackets that do not match", "{\"a\":[1}\n]}\n{\"b\":2}", []string{"!" + ReasonNotJSON, "!" + ReasonNotJSON, `{"b":2}`}},
		{"too long, the rest comes", `{"Records":[{"a":"` + strings.Repeat("x", 3000) + `"},{"b":2}]}`, []string{"!" + ReasonTooLong, `{"b":2}`}},
		{"too deep, the rest comes", `[{"a":` + deep + `},{"b":2}]`, []string{"!" + ReasonTooDeep, `{"b":2}`}},
		{"line cut off inside a string", "{\"a\":1}\n{\"b\":\"x\n{\"c\":3}\n{\"d\":4}\n", []string{`{"a":1}`, "!" + ReasonTruncated, `{"c":3}`, `{"d":4}`}},
		{"line cut off after a value", "{\"b\":2\n{\"c\":3}\n{\"d\":4}", []string{"!" + ReasonTruncated, `{"c":3}`, `{"d":4}`}},
		{"line cut off after a comma", "{\"b\":2,\n{\"c\":3}", []string{"!" + ReasonTruncated, `{"c":3}`}},
		{"line cut off after a colon takes the next with it", "{\"b\":\n{\"c\":3}\n{\"d\":4}", []string{"!" + ReasonTruncated, `{"d":4}`}},
		{"line cut off in a nested object", "{\"b\":{\"x\":[{\"y\"\n{\"c\":3}", []string{"!" + ReasonTruncated, `{"c":3}`}},
		{"line cut off that is longer than a record may be", "{\"b\":\"" + strings.Repeat("x", 5000) + "\n{\"c\":3}", []string{"!" + ReasonTruncated, `{"c":3}`}},
		{"objects at the beginning of lines within a record", "{\"a\":[\n{\"b\":1},\n{\"b\":2}\n],\"c\":\n{\"d\":1}}\n{\"e\":1}", []string{"{\"a\":[\n{\"b\":1},\n{\"b\":2}\n],\"c\":\n{\"d\":1}}", `{"e":1}`}},
		{"last line ends in a break", "{\"a\":\n1\n}\n", []string{"{\"a\":\n1\n}"}},
		{"items that are no records, on one line", `{"Records":[7,{"a":1},"x{",null,{"b":2},-1.5e3]}`, []string{
			"!" + ReasonNotJSON, `{"a":1}`, "!" + ReasonNotJSON, "!" + ReasonNotJSON, `{"b":2}`, "!" + ReasonNotJSON,
		}},
		{"NUL and control bytes", "{\"a\":\"\x00\x1b\"}", []string{"{\"a\":\"\x00\x1b\"}"}},
	}
	limits := Limits{Record: 1024, Depth: 256}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, read(t, strings.NewReader(c.in), limits)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.want, read(t, iotest.OneByteReader(strings.NewReader(c.in)), limits)); diff != "" {
				t.Error("one byte at a time:", diff)
			}
		})
	}
}

func TestSourceErrorsAreTheSourcesOwn(t *testing.T) {
	broken := errors.New("disk on fire")
	got := read(t, io.MultiReader(strings.NewReader(`{"Records":[{"a":1},`), iotest.ErrReader(broken)), Limits{})
	if diff := cmp.Diff([]string{`{"a":1}`, "error disk on fire"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMemoryIsBoundedByOneRecord(t *testing.T) {
	long := io.MultiReader(strings.NewReader(`[{"a":"`), io.LimitReader(endless('x'), 64<<20), strings.NewReader(`"},{"b":2}]`))
	s := New(long, Limits{Record: 1 << 20})
	_, _, err := s.Next()
	var fault *Fault
	if !errors.As(err, &fault) || fault.Reason != ReasonTooLong {
		t.Fatalf("got %v", err)
	}
	if raw, _, err := s.Next(); string(raw) != `{"b":2}` || err != nil {
		t.Errorf("after it: %q, %v", raw, err)
	}
	if len(s.buf) > 4<<20 {
		t.Errorf("the buffer grew to %d bytes for a limit of %d", len(s.buf), 1<<20)
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestNoAllocationPerRecord(t *testing.T) {
	in := strings.Repeat(`{"a":"some text","b":[1,2,3]}`+"\n", 2000)
	r := strings.NewReader(in)
	s := New(r, Limits{})
	allocs := testing.AllocsPerRun(10, func() {
		r.Reset(in)
		s.Reset(r, Limits{}, "Records")
		for {
			if _, _, err := s.Next(); err != nil {
				return
			}
		}
	})
	if allocs > 2 {
		t.Errorf("%v allocations for 2,000 records", allocs)
	}
}

func FuzzSplitter(f *testing.F) {
	for _, seed := range []string{`{"Records":[{"a":1}]}`, "{}\n{}", `[{},[]]`, `{"a":"\\\""}`, `2024 {"a":1}`, "{\"a\":\"\n{\"b\":2}\n{\"c\":[\n{},\n{}]}", "[1,\"x\",{}\n{}]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		limits := Limits{Record: 64, Depth: 8}
		whole := read(t, strings.NewReader(string(in)), limits)
		bytewise := read(t, iotest.OneByteReader(strings.NewReader(string(in))), limits)
		if diff := cmp.Diff(whole, bytewise); diff != "" {
			t.Error(diff)
		}
	})
}

func BenchmarkSplitter(b *testing.B) {
	in := `{"Records":[` + strings.Repeat(fmt.Sprintf(`{"eventName":"GetObject","userAgent":%q},`, strings.Repeat("x", 1200)), 1000) + `{}]}`
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	s := New(strings.NewReader(""), Limits{})
	for b.Loop() {
		s.Reset(strings.NewReader(in), Limits{}, "Records")
		for {
			if _, _, err := s.Next(); err != nil {
				break
			}
		}
	}
}
