package collect

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// zipOf makes a zip with a method (0 stored, 8 deflated) of name, content, name, content …
func zipOf(t testing.TB, method uint16, pairs ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: pairs[i].(string), Method: method})
		if err != nil {
			t.Fatal(err)
		}
		switch c := pairs[i+1].(type) {
		case string:
			_, _ = io.WriteString(w, c)
		case []byte:
			_, _ = w.Write(c)
		}
	}
	if err := z.SetComment("a comment with PK\x05\x06 in it"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(content string) []byte {
	z, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	defer z.Close()
	return z.EncodeAll([]byte(content), nil)
}

// bz2 is "bzip2 -9" of "hello\n" (bzip2 1.0.8).
const bz2 = "BZh91AY&SY\xc1\xc0\x80\xe2\x00\x00\x01\x41\x00\x00\x10\x02\x44\xa0\x00\x30\xcd\x00\xc3\x46\x29\x97\x17\x72\x45\x38\x50\x90\xc1\xc0\x80\xe2"

func TestForms(t *testing.T) {
	t.Parallel()
	skippable := "\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
	cases := []struct {
		name    string
		content string
		want    []string
	}{
		{"plain", "text", []string{"f: text"}},
		{"empty", "", []string{"f: "}},
		{"one byte", "\x1f", []string{"f: \x1f"}},
		{"gzip in gzip", string(gz(string(gz("x")))), []string{"f: x"}},
		{"gzip of nothing", string(gz("")), []string{"f: "}},
		{"gzip, members, padding", string(gz("a")) + string(gz("")) + string(gz("b")) + "\x00\x00", []string{"f: ab"}},
		{"zstd, frames", string(zst("a")) + skippable + string(zst("b")), []string{"f: ab"}},
		{"zstd, skippable first", skippable + string(zst("b")), []string{"f: b"}},
		{"bzip2", bz2, []string{"f: hello\n"}},
		{"text that begins like bzip2", "BZhello", []string{"f: BZhello"}},
		{"zip, deflated", string(zipOf(t, 8, "d/", "", "d/a", "one", "b", "two")), []string{"f!d/a: one", "f!b: two"}},
		{"zip, stored", string(zipOf(t, 0, "a", "one", "a", "same name", "../../b", gz("two"))), []string{"f!a: one", "f!a: same name", "f!../../b: two"}},
		{"zip, empty", string(zipOf(t, 8)), []string{}},
		{"zip in zip in gzip", string(gz(string(zipOf(t, 8, "in.zip", zipOf(t, 8, "x", "y"))))), []string{"f!in.zip!x: y"}},
		{"NUL bytes", strings.Repeat("\x00", 1024), []string{"f: " + strings.Repeat("\x00", 1024)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, problems := readFile(t, Limits{}, []byte(c.content))
			if diff := cmp.Diff(c.want, got); diff != "" || problems != nil {
				t.Errorf("%s\nproblems: %v", diff, problems)
			}
		})
	}
}

func TestDamageIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	noise := string(incompressible(10_000))
	whole := gz(noise)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-6] ^= 1
	stored := zipOf(t, 0, "a", "one", "b", noise)
	lying := bytes.Clone(stored)
	copy(lying[bytes.LastIndex(lying, []byte("PK\x01\x02"))+42:], "\xff\xff\x00\x00")
	unlisted := bytes.Clone(stored)
	unlisted[bytes.LastIndex(unlisted, []byte("PK\x01\x02"))] = 'X'
	cases := []struct {
		name    string
		content []byte
		want    []Problem
		bytes   int // of content that must come, at least
	}{
		{"cut gzip", whole[:5000], []Problem{{"f", 5000, "truncated gzip", ""}}, 4800},
		{"gzip checksum", flipped, []Problem{{"f", int64(len(whole)), "gzip checksum error", ""}}, 10_000},
		{"garbage after gzip", append(gz("one"), "garbage"...), []Problem{{"f", int64(len(gz("one"))), "garbage after gzip", ""}}, 3},
		{"garbage after zeros", append(gz("one"), 0, 0, 'x'), []Problem{{"f", int64(len(gz("one"))) + 3, "garbage after gzip", ""}}, 3},
		{"cut in the second gzip header", append(gz("one"), 0x1f, 0x8b, 8), []Problem{{"f", int64(len(gz("one"))) + 3, "truncated gzip", ""}}, 3},
		{"garbage after zstd", append(zst("one"), "garbage"...), []Problem{{"f", int64(len(zst("one"))) + 4, "garbage after zstd", ""}}, 3},
		{"cut bzip2", []byte(bz2[:30]), []Problem{{"f", 30, "truncated bzip2", ""}}, 0},
		{"zip: no member where the directory says", lying, []Problem{{"f!b", 0xffff, "corrupt zip", ""}}, 3},
		{"zip: directory breaks off", unlisted, []Problem{{"f", int64(bytes.Index(stored, []byte("PK\x01\x02"))), "corrupt zip", ""}}, 3},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, problems := readFile(t, Limits{}, c.content)
			for i := range problems {
				if problems[i].Detail == "" {
					t.Error("no detail")
				}
				problems[i].Detail = ""
			}
			if diff := cmp.Diff(c.want, problems); diff != "" {
				t.Error(diff)
			}
			if n := len(strings.Join(got, "")); n < c.bytes {
				t.Errorf("%d bytes came, want %d: %.80q", n, c.bytes, got)
			}
		})
	}
}

func TestEveryCutOfAnArchiveIsToldAndGivesAPrefix(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789abcdef", 300) + string(incompressible(300))
	for name, content := range map[string][]byte{"gzip": gz(text), "zstd": zst(text), "zip": zipOf(t, 8, "a", text), "zip stored": zipOf(t, 0, "a", text)} {
		inv := &Inventory{limits: DefaultLimits()}
		for cut := 4; cut < len(content); cut++ {
			var problems []Problem
			var got []byte
			f := File{Name: "f", Bytes: int64(cut), at: bytes.NewReader(content[:cut])}
			err := inv.NewReader(nil, func(p Problem) { problems = append(problems, p) }).Each(t.Context(), &f, func(_ string, in io.Reader) error {
				b, err := io.ReadAll(in)
				got = append(got, b...)
				return err
			})
			if err != nil || len(problems) == 0 || !strings.HasPrefix(text, string(got)) {
				t.Fatalf("%s cut at %d of %d: %v, problems %v, %d bytes", name, cut, len(content), err, problems, len(got))
			}
		}
	}
}

func TestLimitsAreSaidAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("\x00", 1<<20)
	mib := zipOf(t, 8, "a", "one", "bomb", zeros, "z", "two")
	five := []byte("x")
	for range 5 {
		five = gz(string(five))
	}
	cases := []struct {
		name   string
		limits Limits
		in     []byte
		reason string // "" for none
		whole  []string
	}{
		{"ratio within the free bytes", Limits{Ratio: 10, Free: 2 << 20}, mib, "", []string{"f!a: one", "f!z: two"}},
		{"ratio beyond", Limits{Ratio: 10, Free: 600 << 10}, mib, ReasonBomb, []string{"f!a: one", "f!z: two"}},
		{"size of a member", Limits{Ratio: 5000, Member: 600 << 10}, mib, ReasonBomb, []string{"f!a: one", "f!z: two"}},
		{"all members together", Limits{Ratio: 100, Free: 600 << 10}, zipOf(t, 8, "a", "one", "b1", zeros[:500<<10], "b2", zeros[:500<<10], "b3", zeros[:500<<10], "z", "two"), ReasonBomb, []string{"f!a: one"}},
		{"members", Limits{Members: 2}, zipOf(t, 8, "a", "one", "b", "two", "c", "three", "d", "four"), ReasonMembers, []string{"f!a: one", "f!b: two"}},
		{"depth reached", Limits{Depth: 5}, five, "", []string{"f: x"}},
		{"depth passed", Limits{Depth: 4}, five, ReasonNested, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, problems := readFile(t, c.limits, c.in)
			var reasons []string
			for _, p := range problems {
				reasons = append(reasons, p.Reason)
			}
			if want := strings.Fields(strings.ReplaceAll(c.reason, " ", "_")); strings.ReplaceAll(strings.Join(reasons, " "), " ", "_") != strings.Join(want, " ") {
				t.Errorf("reasons %q, want %q", reasons, c.reason)
			}
			for _, m := range c.whole {
				if !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+m+"\n") {
					t.Errorf("%q did not come", m)
				}
			}
			if c.reason == ReasonMembers && len(got) != 2 {
				t.Errorf("%d members", len(got))
			}
		})
	}
}

func TestAZipOfMoreMembersThanItsCounterHolds(t *testing.T) {
	t.Parallel()
	var pairs []any
	const n = 1<<16 + 10
	for i := range n {
		pairs = append(pairs, fmt.Sprint(i), "")
	}
	content := zipOf(t, 0, pairs...)
	check := func(name string) {
		got, problems := readFile(t, Limits{}, content)
		if len(got) != n || problems != nil {
			t.Errorf("%s: %d members, problems %v", name, len(got), problems)
		}
	}
	check("zip64")
	wide := bytes.LastIndex(content, []byte("PK\x06\x06"))
	size := content[wide+40 : wide+44]
	offset := content[wide+48 : wide+52]
	old := append(bytes.Clone(content[:wide]), "PK\x05\x06\x00\x00\x00\x00\x0a\x00\x0a\x00"...)
	content = append(append(append(old, size...), offset...), 0, 0)
	check("counted modulo 65536")
}

func TestProgressAddsUpToTheBytesOnDisk(t *testing.T) {
	t.Parallel()
	noise := string(incompressible(300_000))
	dir := lay(t, map[string][]byte{
		"plain": []byte(noise), "gz": gz(noise), "cut.gz": gz(noise)[:200_000], "zip": zipOf(t, 8, "a", noise, "b", noise), "cut.zip": zipOf(t, 0, "a", noise, "b", noise)[:400_000],
		"nested": gz(string(zipOf(t, 8, "a", noise))), "xz": []byte("\xfd7zXZ\x00" + noise), "empty": nil, "gone": []byte(noise),
	})
	inv, err := List(t.Context(), []string{dir}, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	if err := os.Remove(filepath.Join(dir, "gone")); err != nil {
		t.Fatal(err)
	}
	for _, whole := range []bool{true, false} {
		var read atomic.Int64
		r := inv.NewReader(&read, func(Problem) {})
		for i := range inv.Files {
			before := read.Load()
			err := r.Each(t.Context(), &inv.Files[i], func(_ string, in io.Reader) error {
				if whole {
					_, _ = io.Copy(io.Discard, in)
				}
				return nil
			})
			if got := read.Load() - before; err != nil || got != inv.Files[i].Bytes {
				t.Errorf("%s: %d of %d bytes, %v", inv.Files[i].Name, got, inv.Files[i].Bytes, err)
			}
		}
		if read.Load() != inv.Bytes {
			t.Errorf("%d of %d", read.Load(), inv.Bytes)
		}
	}
}

func TestMembersOwnErrorEndsTheFile(t *testing.T) {
	t.Parallel()
	dir := lay(t, map[string][]byte{"f": zipOf(t, 8, "a", "one", "b", "two")})
	inv, err := List(t.Context(), []string{dir}, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	own, calls := errors.New("my own"), 0
	err = inv.NewReader(nil, func(p Problem) { t.Error(p) }).Each(t.Context(), &inv.Files[0], func(string, io.Reader) error { calls++; return own })
	if !errors.Is(err, own) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestCancelledWhileReading(t *testing.T) {
	t.Parallel()
	bomb := gz(strings.Repeat("\x00", 64<<20))
	for name, content := range map[string][]byte{"gzip": bomb, "zip": zipOf(t, 0, "a", bomb, "b", bomb), "nested zip": gz(string(zipOf(t, 0, "a", bomb)))} {
		ctx, cancel := context.WithCancel(t.Context())
		inv := &Inventory{limits: DefaultLimits()}
		f := File{Name: "f", Bytes: int64(len(content)), at: bytes.NewReader(content)}
		read := 0
		err := inv.NewReader(nil, func(p Problem) { t.Error(name, p) }).Each(ctx, &f, func(_ string, in io.Reader) error {
			_, _ = io.CopyN(io.Discard, in, 1<<20)
			cancel()
			n, _ := io.Copy(io.Discard, in)
			read += int(n)
			return nil
		})
		if !errors.Is(err, context.Canceled) || read > 1<<20 {
			t.Errorf("%s: %v after %d more bytes", name, err, read)
		}
	}
}

func TestManyReadersOfOneInventory(t *testing.T) {
	t.Parallel()
	noise := string(incompressible(100_000))
	dir := lay(t, map[string][]byte{"a": gz(noise), "b": zipOf(t, 8, "x", noise, "y", zst(noise)), "c": zst(noise), "d": gz(string(zipOf(t, 8, "z", noise)))})
	inv, err := List(t.Context(), []string{dir, "-"}, bytes.NewReader(gz(noise)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			got, problems := drain(t, inv)
			if len(got) != 6 || problems != nil {
				t.Errorf("%d members, %v", len(got), problems)
			}
			for _, m := range got {
				if !strings.HasSuffix(m, ": "+noise) {
					t.Errorf("%.20s is not whole", m)
				}
			}
		})
	}
	wait.Wait()
}

// TestRatioOfRealLogs defends the default ratio: records that differ in nothing but ids and times.
func TestRatioOfRealLogs(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	random := incompressible(1 << 20)
	start := time.Date(2026, 3, 10, 10, 0, 0, 0, time.UTC)
	for i := 0; log.Len() < 8<<20; i++ {
		id := random[i*24%(1<<20-24):][:24]
		fmt.Fprintf(&log, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLEEXAMPLE000:session","arn":"arn:aws:sts::111122223333:assumed-role/scanner/session","accountId":"111122223333"},"eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.31.0","requestParameters":{"bucketName":"example","key":"the/same/key"},"responseElements":null,"requestID":"%X","eventID":"%x-%x-%x-%x-%x","readOnly":true}`+"\n",
			start.Add(time.Duration(i)*time.Second).Format(time.RFC3339), id[:8], id[8:12], id[12:14], id[14:16], id[16:18], id[18:24])
	}
	best, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		t.Fatal(err)
	}
	defer best.Close()
	gzip, zstandard := log.Len()/len(gz(log.String())), log.Len()/len(best.EncodeAll(log.Bytes(), nil))
	t.Logf("gzip %d times, zstd at its best %d times", gzip, zstandard)
	if limit := int(DefaultLimits().Ratio); max(gzip, zstandard) > limit/2 || max(gzip, zstandard) < 5 {
		t.Errorf("gzip %d times, zstd %d times: too near the limit of %d times", gzip, zstandard, limit)
	}
}
