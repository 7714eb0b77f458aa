package lake

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// TestHoldersLeaveOutNoFile asks for every value of a column and for values that are nowhere: no file that holds one may be left out, before
// compaction and after, and of the others nearly all must be.
func TestHoldersLeaveOutNoFile(t *testing.T) {
	t.Parallel()
	l := opened(t, t.TempDir())
	const days, each = 12, 40
	for day := range days {
		for half := range 2 {
			w := writer(t, l)
			for n := half; n < each; n += 2 {
				add(t, w, record(1000*day+n, noon.AddDate(0, 0, day)))
			}
			commit(t, w, nil)
		}
	}
	ask := func(value string) []Holder {
		t.Helper()
		list, err := l.Holders(t.Context(), time.Time{}, time.Time{}, value)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	look := func(perDay int) {
		t.Helper()
		files := 0
		for day := range days {
			for n := range each {
				id := fmt.Sprintf("00000000-0000-4000-8000-%012d", 1000*day+n)
				list := ask(id)
				found := slices.ContainsFunc(list, func(h Holder) bool { // other files of the day may be listed by mistake
					return h.Day.Equal(noon.AddDate(0, 0, day).Truncate(24*time.Hour)) && slices.Contains(h.Columns, "metadata.uid")
				})
				if !found {
					t.Fatalf("event %s of day %d is said to be in %v", id, day, list)
				}
				files += len(list)
			}
		}
		if most := days * each * 2; files > most {
			t.Errorf("%d files for %d values, each in one: more than %d", files, days*each, most)
		}
		if list := ask("eu-west-1"); len(list) != days*perDay || slices.Contains(list[0].Columns, "metadata.uid") && slices.Contains(list[1].Columns, "metadata.uid") {
			t.Errorf("a Region that every event names: %v", list)
		}
		wrong := 0
		for n := range 200 {
			wrong += len(ask(fmt.Sprintf("203.0.113.%d", n)))
		}
		if wrong > 200*days*perDay/4 { // 37 columns may each err once in a hundred times
			t.Errorf("of %d files for values that are nowhere %d were not left out", 200*days*perDay, wrong)
		}
	}
	look(2)
	if _, err := l.Compact(t.Context(), noon.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	look(1)

	// A file that cannot be read is for who reads it to say.
	files, err := l.Plan(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	torn := opened(t, l.Dir()) // remembers nothing yet
	if err := os.Truncate(files[0].Path, 100); err != nil {
		t.Fatal(err)
	}
	list, err := torn.Holders(t.Context(), time.Time{}, time.Time{}, "203.0.113.1")
	if err != nil || !slices.ContainsFunc(list, func(h Holder) bool { return h.Path == files[0].Path && len(h.Columns) == len(filtered) }) {
		t.Errorf("a torn file is left out: %v, %v", list, err)
	}
}

// TestRowGroupsAreAboutAsLarge: none has more rows than are to be read at once, and none is a small rest with filters as large as those of a whole one.
func TestRowGroupsAreAboutAsLarge(t *testing.T) {
	t.Parallel()
	for rows, want := range map[int64]int64{0: 1, 1: 1, 99_999: 99_999, 100_000: 100_000, 100_001: 50_001, 115_000: 57_500, 200_000: 100_000, 350_001: 87_501} {
		if got := groupOf(rows); got != want {
			t.Errorf("%d rows in groups of %d, want %d", rows, got, want)
		}
	}
}
