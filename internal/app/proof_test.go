package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/records"
	"github.com/tocsin-security/tocsin/simulate"
)

// proved is a folder that a running Tocsin filled, and what an auditor was given of it.
type proved struct {
	config *Config
	key    string // the first public key, kept elsewhere
}

// verify asks as an auditor does: by two folders and the key alone.
func (p *proved) verify(t *testing.T, o VerifyOptions) (text string, clean bool) {
	t.Helper()
	var out bytes.Buffer
	o.Lake, o.Ledger, o.Key = p.config.lakeDir(), p.config.ledgerDir(), p.key
	err := VerifyLedger(t.Context(), o, Streams{Out: &out, Err: io.Discard})
	if err != nil && !errors.Is(err, Outcome(ExitFindings)) {
		t.Fatal(err)
	}
	return out.String(), err == nil
}

func (p *proved) report(t *testing.T) ledger.Report {
	t.Helper()
	r, err := ledger.Verify(t.Context(), p.config.ledgerDir(), p.key, pipeline.DataFiles{Dir: p.config.lakeDir()}, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// filled lets tocsin serve work on half of a simulated week, gives its ledger a new key, and lets it work on the rest. One of its two sources is
// past its retention as it comes in, and the other is not.
func filled(t *testing.T) *proved {
	t.Helper()
	dir := t.TempDir()
	c, err := killConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Retention = []Retention{{Source: "old", Days: 1}}
	c.Sources = append(c.Sources, SourceConfig{Name: "old", Kind: "folder", Settings: map[string]string{"path": filepath.Join(dir, "old"), "every": "20ms", "settle": "1ms"}})
	tree := t.TempDir()
	s := simulate.Config{Seed: 31, Start: time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC), Days: 2, Scale: 0.1}
	if _, err := simulate.WriteTree(t.Context(), tree, s, nil); err != nil {
		t.Fatal(err)
	}
	files := filesBelow(t, tree)
	files = slices.DeleteFunc(files, func(f string) bool { return !strings.HasSuffix(f, ".json.gz") })
	deliver := func(some []string) {
		for n, f := range some {
			give(t, tree, f, filepath.Join(dir, map[bool]string{true: "old", false: "in"}[n%5 == 0]))
		}
	}
	for _, sub := range []string{"in", "old"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	p := &proved{config: c}
	deliver(files[:len(files)/2])
	p.live(t)
	raw, err := os.ReadFile(filepath.Join(c.ledgerDir(), "ledger.pub"))
	if err != nil {
		t.Fatal(err)
	}
	p.key = string(raw)
	if err := RotateLedger(t.Context(), c, Streams{Out: io.Discard, Err: io.Discard}); err != nil {
		t.Fatal(err)
	}
	deliver(files[len(files)/2:])
	p.live(t)
	return p
}

// live runs all of tocsin serve until everything is stored, compacted and let go.
func (p *proved) live(t *testing.T) {
	t.Helper()
	h, err := openHouse(t.Context(), &ServeOptions{Config: p.config, Version: "test", Child: []string{"false"}}, Streams{Out: io.Discard, Err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- h.run(ctx) }()
	for deadline := time.Now().Add(5 * time.Minute); !settled(t, h); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is not settled: %v, %v", h.ready(), h.sources.States())
		}
	}
	told := map[string]float64{}
	for _, m := range h.metrics() {
		told[m.Name] = m.Value
	}
	if _, is := told["tocsin_lake_damaged_total"]; !is || told["tocsin_stream_lost_total"] != 0 || time.Unix(int64(told["tocsin_watermark_seconds"]), 0).Year() != 2024 {
		t.Errorf("the metrics tell of watermarks %v, and of damage %v", told["tocsin_watermark_seconds"], is)
	}
	stop()
	if err := errors.Join(<-done, h.close()); err != nil {
		t.Fatal(err)
	}
}

// settled reports whether every object is received, every row stored, what is past its time let go, and each partition one file.
func settled(t *testing.T, h *house) bool {
	t.Helper()
	for _, s := range h.o.Config.Sources {
		for _, f := range filesBelow(t, s.Settings["path"]) {
			info, err := os.Stat(filepath.Join(s.Settings["path"], f))
			if err != nil {
				t.Fatal(err)
			}
			if known, err := h.desk.WasDelivered(t.Context(), s.Name, f, fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())); err != nil || !known {
				return false
			}
		}
	}
	usage, err := h.stream.Usage(t.Context())
	if err != nil || usage[0].Messages > 0 {
		return false
	}
	files, err := h.lake.Plan(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	rows, partitions := uint64(0), map[string]bool{}
	for _, f := range files {
		rows += uint64(f.Rows) //nolint:gosec // counted
		partitions[fmt.Sprint(f.Day, f.Class)] = true
	}
	return len(partitions) == len(files) && rows == h.lake.Marks().Totals["logs/stored"]
}

// TestTheLedgerProvesALiveLake: what tocsin serve wrote, compacted, let go and signed with two keys is clean by the folders and the first public key alone,
// also after the old files are gone and in a copy that lies elsewhere; and whatever is done to it afterwards is named.
func TestTheLedgerProvesALiveLake(t *testing.T) {
	t.Parallel()
	p := filled(t)
	r := p.report(t)
	if !r.Clean() || r.Keys != 2 || r.Hashed == 0 || r.Hashed != r.Expected || len(r.Strays) > 0 {
		t.Fatalf("%d keys, %d of %d hashed, strays %v: %v", r.Keys, r.Hashed, r.Expected, r.Strays, r.Problems)
	}
	for _, kind := range []ledger.Kind{ledger.KindObjectReceived, ledger.KindFileAdded, ledger.KindFilesReplaced, ledger.KindFileExpired, ledger.KindKeyRotated, ledger.KindRuleVersion, ledger.KindRuleSet} {
		if r.Leaves[kind] == 0 {
			t.Errorf("no leaf is %s: %v", kind, r.Leaves)
		}
	}
	t.Logf("%d leaves: %v; %d files hashed, %d left over", r.Size, r.Leaves, r.Hashed, r.Leftover)
	p.sweep(t)
	if after := p.report(t); !after.Clean() || after.Leftover != 0 || after.Hashed != r.Hashed {
		t.Errorf("after the sweep %d are left over, %d hashed: %v", after.Leftover, after.Hashed, after.Problems)
	}
	if text, clean := p.verify(t, VerifyOptions{To: "2020-01-01"}); !clean || !strings.Contains(text, " 0 were hashed") {
		t.Errorf("of a time in which nothing was added: %s", text)
	}
	p.provesRules(t)
	for _, x := range tampers {
		t.Run(x.name, func(t *testing.T) { // not parallel: one at a time
			q := p.copied(t)
			if r := q.report(t); !r.Clean() {
				t.Fatalf("the copy is not clean: %v", r.Problems)
			}
			want := x.do(t, q)
			text, clean := q.verify(t, VerifyOptions{From: "2026-01-01"})
			if clean {
				t.Errorf("clean is %v: %s", clean, text)
			}
			for _, part := range want {
				if !strings.Contains(text, part) {
					t.Errorf("it does not say %q: %s", part, text)
				}
			}
		})
	}
}

// provesRules asks for the hash that a finding of the first rule would name, and for one that no rule has.
func (p *proved) provesRules(t *testing.T) {
	t.Helper()
	rules, err := LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	rule := rules.All[0].Finding
	var out bytes.Buffer
	o := VerifyOptions{Ledger: p.config.ledgerDir(), Key: p.key}
	if err := ProvenRules(t.Context(), o, rule.Hash, Streams{Out: &out, Err: io.Discard}); err != nil || !strings.Contains(out.String(), rule.ID) || !strings.Contains(out.String(), "in force") {
		t.Errorf("rule %s is not proven (%v): %s", rule.ID, err, out.String())
	}
	if err := ProvenRules(t.Context(), o, strings.Repeat("0", 64), Streams{Out: io.Discard, Err: io.Discard}); !errors.Is(err, Outcome(ExitFindings)) {
		t.Errorf("a hash that no rule ever had: %v", err)
	}
}

// sweep does what a running Tocsin does after an hour.
func (p *proved) sweep(t *testing.T) {
	t.Helper()
	l, err := lake.OpenExisting(t.Context(), p.config.lakeDir())
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := l.Expire(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	swept, err := l.Sweep(t.Context(), later)
	if err = errors.Join(err, l.Close()); err != nil || swept.Files == 0 {
		t.Fatalf("%+v, %v", swept, err)
	}
}

// copied is a copy of what an auditor needs, and nothing else.
func (p *proved) copied(t *testing.T) *proved {
	t.Helper()
	c := *p.config
	c.Data = t.TempDir()
	q := &proved{config: &c, key: p.key}
	if err := errors.Join(os.CopyFS(c.lakeDir(), os.DirFS(p.config.lakeDir())), os.CopyFS(c.ledgerDir(), os.DirFS(p.config.ledgerDir()))); err != nil {
		t.Fatal(err)
	}
	return q
}

// dataFile is one data file, as the ledger names it and as it lies there.
func (p *proved) dataFile(t *testing.T) (name, path string) {
	t.Helper()
	for name, err := range (pipeline.DataFiles{Dir: p.config.lakeDir()}).Paths(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		return name, filepath.Join(p.config.lakeDir(), filepath.FromSlash(name))
	}
	t.Fatal("there is no data file")
	return "", ""
}

// tampers are what is done to a lake and its ledger, and what the verification must say of it.
var tampers = []struct {
	name string
	do   func(t *testing.T, p *proved) []string
}{
	{"a file changed", func(t *testing.T, p *proved) []string {
		name, path := p.dataFile(t)
		edit(t, path, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		return []string{"changed: " + name}
	}},
	{"a file removed", func(t *testing.T, p *proved) []string {
		name, path := p.dataFile(t)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return []string{"removed: " + name}
	}},
	{"a file added", func(t *testing.T, p *proved) []string {
		name, path := p.dataFile(t)
		raw, err := os.ReadFile(path)
		if err = errors.Join(err, os.WriteFile(filepath.Join(filepath.Dir(path), "more.parquet"), raw, 0o600)); err != nil {
			t.Fatal(err)
		}
		return []string{"added: " + filepath.ToSlash(filepath.Join(filepath.Dir(name), "more.parquet"))}
	}},
	{"one event changed", func(t *testing.T, p *proved) []string {
		name, path := p.dataFile(t)
		id := changeOneEvent(t, path, 1)
		return []string{"changed: " + name, "one event was changed, in row 1 of", "event " + id}
	}},
	{"a leaf written anew for a changed file", func(t *testing.T, p *proved) []string {
		name, path := p.dataFile(t)
		before := p.sha(t, name)
		edit(t, path, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		after := p.sha(t, name)
		changed := 0
		entries := filepath.Join(p.config.ledgerDir(), "tile", "entries")
		for _, f := range filesBelow(t, entries) {
			edit(t, filepath.Join(entries, f), func(b []byte) []byte {
				changed += bytes.Count(b, []byte(before))
				return bytes.ReplaceAll(b, []byte(before), []byte(after))
			})
		}
		if changed == 0 {
			t.Fatal("no leaf holds its hash")
		}
		return []string{"re-signed: checkpoint", "re-signed: " + name, "was changed after it was signed"}
	}},
	{"a changed file under a ledger signed anew", func(t *testing.T, p *proved) []string {
		_, path := p.dataFile(t)
		changeOneEvent(t, path, 0)
		forge(t, p) // it agrees with the changed file: only the key tells
		return []string{"re-signed: checkpoint", "none of the 1 keys that follow from the first public key signed it"}
	}},
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err = errors.Join(err, os.WriteFile(path, change(raw), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func (p *proved) sha(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.config.lakeDir(), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Hash(sha256.Sum256(raw)).String()
}

// forge puts a ledger in the place of the first: by the same name, with a key of its own, and in agreement with every file as it is now.
func forge(t *testing.T, p *proved) {
	t.Helper()
	if err := os.RemoveAll(p.config.ledgerDir()); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: p.config.ledgerDir(), Origin: p.config.Origin})
	if err != nil {
		t.Fatal(err)
	}
	files := pipeline.DataFiles{Dir: p.config.lakeDir()}
	for name := range files.Paths(t.Context()) {
		events, err := files.EventHashes(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		leaf := ledger.FileAdded{File: ledger.File{Path: name, Rows: int64(len(events))}, Snapshot: 1}
		if err := leaf.File.SHA256.UnmarshalText([]byte(p.sha(t, name))); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(t.Context(), leaf); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// changeOneEvent writes a data file anew with another record in one row, and returns the event's id.
func changeOneEvent(t *testing.T, path string, row int) string {
	t.Helper()
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := reader.ReadTable(t.Context())
	if err = errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	at := table.Schema().FieldIndices("raw_data")[0]
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	for _, chunk := range table.Column(at).Data().Chunks() {
		for i := range chunk.Len() {
			text := chunk.(*array.String).Value(i)
			if b.Len() == row {
				text = strings.Replace(text, "eventName\":\"", "eventName\":\"Un", 1)
			}
			b.Append(text)
		}
	}
	chunked := arrow.NewChunked(arrow.BinaryTypes.String, []arrow.Array{b.NewArray()})
	column := arrow.NewColumn(table.Schema().Field(at), chunked)
	columns := make([]arrow.Column, table.NumCols())
	for i := range columns {
		columns[i] = *table.Column(i)
	}
	columns[at] = *column
	var ids []string
	if err := lake.Records(t.Context(), path, func(k lake.Kept) error { ids = append(ids, strings.Clone(k.ID)); return nil }); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := pqarrow.WriteTable(array.NewTable(table.Schema(), columns, table.NumRows()), out, 1<<20, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps()); err != nil {
		t.Fatal(err)
	}
	return ids[row]
}

// TestAFilePutIntoTheLake: one that a snapshot names and no leaf does is a problem; one that nobody reads is named, and is none.
func TestAFilePutIntoTheLake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := killConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: c.ledgerDir(), Origin: c.Origin})
	if err != nil {
		t.Fatal(err)
	}
	p := &proved{config: c, key: l.PublicKey()}
	events, err := lake.Open(t.Context(), c.lakeDir())
	if err != nil {
		t.Fatal(err)
	}
	follower := pipeline.Follower{Lake: events, Ledger: l, Mark: filepath.Join(c.ledgerDir(), "followed")}
	commitOne(t, events, 1)
	if err := follower.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(c.lakeDir(), "data", "stray.parquet")
	if err := os.WriteFile(stray, []byte("PAR1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, clean := p.verify(t, VerifyOptions{}); !clean || !strings.Contains(text, "no part of the lake: data/stray.parquet") {
		t.Errorf("a file that nobody reads: clean %v: %s", clean, text)
	}
	commitOne(t, events, 2)
	files, err := events.Plan(t.Context(), time.Time{}, time.Time{})
	if err = errors.Join(err, l.Close(), events.Close()); err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	text, clean := p.verify(t, VerifyOptions{})
	if named := strings.Count(text, "added: data/"); clean || named != 1 {
		t.Errorf("a file that a snapshot names: clean %v: %s", clean, text)
	}
}

// commitOne puts one event into a lake.
func commitOne(t *testing.T, l *lake.Lake, n int) {
	t.Helper()
	w, err := l.NewWriter()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 10, 12, 0, n, 0, time.UTC)
	raw := fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"Root","accountId":"111111111111"},"eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"eu-west-1","eventID":"00000000-0000-4000-8000-%012d","recipientAccountId":"111111111111"}`, at.Format(time.RFC3339), n)
	err = ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{}).Record([]byte(raw), "", ocsf.Position{}, ocsf.Sink{
		Event:      func(e *ocsf.Event) error { w.Append(lake.Prepare(&lake.Row{Event: e, Received: at}, at)); return nil },
		Unreadable: func(u ocsf.Unreadable) error { return errors.New(u.Reason) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(t.Context(), lake.Marks{}); err != nil {
		t.Fatal(err)
	}
}
