package pipeline

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

func keptID(n int) (id detect.EventID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)) //nolint:gosec // of a test
	return id
}

// someKept are records that differ, 4 KB each.
func someKept(n int) keptRecord {
	r := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // of a test
	raw := fmt.Appendf(nil, `{"n":%d,"x":"%016x"`, n, r.Uint64())
	for len(raw) < 4096 {
		raw = append(raw, `,"padding":"the same in all"`...)
	}
	k := keptRecord{raw: append(raw, '}'), format: "cloudtrail", id: fmt.Sprint(n), at: ocsf.Position{Source: fmt.Sprintf("o%d", n/100), Record: n, Offset: int64(n) * 10}, millis: int64(n) * 1000}
	if n%3 > 0 {
		k.came = time.UnixMilli(int64(n) * 1001).UTC()
	}
	return k
}

// all is what k holds, and fails where something stands in it twice.
func (k *kept) all(t *testing.T) map[detect.EventID]keptRecord {
	t.Helper()
	out := map[detect.EventID]keptRecord{}
	for id, r := range k.each() {
		if _, twice := out[id]; twice {
			t.Errorf("%x is listed twice", id)
		}
		r.raw = append([]byte(nil), r.raw...)
		out[id] = r
	}
	if len(out) != k.len() {
		t.Errorf("%d are listed of %d", len(out), k.len())
	}
	return out
}

func TestKeptRecordsAreTheSamePackedAndOpen(t *testing.T) {
	t.Parallel()
	k, want := newKept(nil), map[detect.EventID]keptRecord{}
	const n = 10_000 // 40 MB
	for i := range n {
		k.put(keptID(i), someKept(i))
		want[keptID(i)] = someKept(i)
		if k.openBytes > 2*openMost {
			k.pack(nil)
		}
	}
	needed := map[detect.EventID]bool{keptID(3): true, keptID(4): true, keptID(n - 1): true, keptID(n): true}
	k.unpack(needed)
	k.settle(needed)
	if len(k.open) >= n/2 || k.bytes > openMost {
		t.Errorf("%d lie open, %d bytes are packed", len(k.open), k.bytes)
	}
	same := cmp.Options{cmp.AllowUnexported(keptRecord{}), cmp.Comparer(bytes.Equal)}
	for _, i := range []int{3, 4, n - 1} {
		if diff := cmp.Diff(want[keptID(i)], k.open[keptID(i)], same); diff != "" {
			t.Errorf("record %d, laid open: %s", i, diff)
		}
	}
	if diff := cmp.Diff(want, k.all(t), same); diff != "" {
		t.Error(diff)
	}
	k.forget(5_000_000)
	for i := range 5_000 {
		delete(want, keptID(i))
	}
	if diff := cmp.Diff(want, k.all(t), same); diff != "" {
		t.Errorf("after the first half is forgotten: %s", diff)
	}
	k.forget(n * 1000)
	if k.len() != 0 || k.bytes != 0 || k.openBytes != 0 || len(k.blocks) != 0 {
		t.Errorf("after all is forgotten %d are there, in %d bytes and %d blocks, and %d bytes open", k.len(), k.bytes, len(k.blocks), k.openBytes)
	}
}

// TestKeptRecordsAreBoundedInTime: what nothing needed goes when it came long ago, and what it mentioned is known still.
func TestKeptRecordsAreBoundedInTime(t *testing.T) {
	t.Parallel()
	k := newKept(rules(t))
	start := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	raw := bytes.Repeat([]byte("x"), 64<<10)
	needed := map[detect.EventID]bool{keptID(0): true}
	const n = 24 * 60 / 2 // every two minutes, 128 lie open at once
	for i := range n {
		r := someKept(i)
		r.raw, r.came = fmt.Appendf(bytes.Clone(raw), `"arn:aws:iam::1111222233%02d:user/a","00000000-0000-4000-8000-0000000000%02d"`, i/20, i%100), start.Add(time.Duration(i)*2*time.Minute)
		k.put(keptID(i), r)
		k.unpack(needed)
		k.settle(needed)
	}
	held := k.all(t)
	for i := range n {
		_, is := held[keptID(i)]
		age := time.Duration(n-1-i) * 2 * time.Minute
		if want := i == 0 || age <= k.reach; want && !is || !want && is && age > k.reach+5*time.Hour {
			t.Errorf("record %d of %v ago: there %v", i, age, is)
		}
	}
	if !k.gone.has("111122223302") || k.gone.has("111122223335") || k.gone.has("000000000005") || len(k.gone.accounts) > n/20 {
		t.Errorf("mentioned by what is gone: %v", k.gone.accounts)
	}
	for i := range maxMentioned {
		k.gone.put(int64(i))
	}
	if !k.gone.has("999999999999") {
		t.Error("above its bound an account must count as mentioned")
	}
}

func TestKeptRecordsAreBounded(t *testing.T) {
	t.Parallel()
	k := newKept(nil)
	noise := rand.New(rand.NewPCG(1, 2))
	const n = 700 // of 128 KiB that cannot be packed
	needed := map[detect.EventID]bool{keptID(0): true, keptID(1): true}
	for i := range n {
		r := someKept(i)
		r.raw = make([]byte, 128<<10)
		for j := 0; j < len(r.raw); j += 8 {
			binary.LittleEndian.PutUint64(r.raw[j:], noise.Uint64())
		}
		k.put(keptID(i), r)
		k.unpack(needed)
		k.settle(needed)
	}
	if k.bytes > packedMost || k.bytes < packedMost*3/4 {
		t.Errorf("%d bytes are packed, and %d may be", k.bytes, packedMost)
	}
	for _, i := range []int{0, 1, n - 1} {
		if !k.has(keptID(i)) {
			t.Errorf("record %d is gone: the oldest that nothing needs must go first", i)
		}
	}
	if k.has(keptID(2)) {
		t.Error("the oldest is there still")
	}
	k.all(t)
}
