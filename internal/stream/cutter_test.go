package stream

import (
	"bytes"
	"slices"
	"testing"
)

// cutInto returns the batches of an object and their records.
func cutInto(tb testing.TB, s *Stream, records [][]byte) (batches []Batch, ids []string, back [][]byte) {
	tb.Helper()
	c := s.Cut(Batch{Source: "test", Received: noon, Object: "o", ETag: "e"})
	defer func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	}()
	for _, r := range records {
		if err := c.Add(r); err != nil {
			tb.Fatal(err)
		}
	}
	for b, err := range c.Batches() {
		if err != nil {
			tb.Fatal(err)
		}
		for r, err := range b.All() {
			if err != nil {
				tb.Fatal(err)
			}
			back = append(back, bytes.Clone(r))
		}
		batches, ids = append(batches, b), append(ids, b.ID())
	}
	return batches, ids, back
}

// TestTheSameRecordsGiveTheSameBatches is what a repeated delivery rests on.
func TestTheSameRecordsGiveTheSameBatches(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), MinBytes)
	mixed := lines(20_000)
	for i := range 40 { // what does not compress, between what does
		mixed[i*500] = noise(uint64(i), 100<<10) //nolint:gosec // small
	}
	mixed[7000] = noise(99, 9<<20) // larger than a batch before compression
	mixed[9000] = noise(98, 2<<20) // larger than a batch after it
	mixed[9001] = nil
	for name, records := range map[string][][]byte{"none": {}, "one": lines(1), "many small": lines(120_000), "mixed": mixed} {
		first, ids, back := cutInto(t, s, records)
		second, again, _ := cutInto(t, s, records)
		if !slices.Equal(ids, again) || len(first) != len(second) {
			t.Errorf("%s: the ids differ between two cuts", name)
		}
		next := 0
		for i, b := range first {
			if b.Part != i+1 || b.Parts != len(first) || b.First != next {
				t.Errorf("%s: batch %d is part %d of %d from %d, want from %d", name, i, b.Part, b.Parts, b.First, next)
			}
			if len(b.Payload) > MaxCompressed {
				t.Errorf("%s: batch %d has a payload of %d bytes", name, i, len(b.Payload))
			}
			if !bytes.Equal(b.Payload, second[i].Payload) || b.Large != second[i].Large {
				t.Errorf("%s: batch %d has other bytes the second time", name, i)
			}
			next += b.Records
		}
		if next != len(records) || len(back) != len(records) {
			t.Fatalf("%s: %d records in the batches' headers, %d in their payloads, %d were given", name, next, len(back), len(records))
		}
		for i := range records {
			if !bytes.Equal(records[i], back[i]) {
				t.Fatalf("%s: record %d came back otherwise", name, i)
			}
		}
		t.Logf("%s: %d records, %d batches", name, len(records), len(first))
	}
}

func TestACutterEnds(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), MinBytes)
	c := s.Cut(Batch{Source: "test", Received: noon, Object: "o"})
	for range 3 {
		if err := c.Add(noise(1, 3<<20)); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range c.Batches() {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Add([]byte("more")); err == nil {
		t.Error("a record after the end is taken")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Batches() {
		if err == nil {
			t.Error("a closed cutter gives batches")
		}
	}
	if left := filesIn(t, s.large.spool); left != 0 {
		t.Errorf("%d files are left in the spool", left)
	}
}
