package intel

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Merge joins what a feed says now with what was known of it: when each thing was first and last named, and until when it counts. What
// the feed no longer names counts for events of before now, and is forgotten after 90 days.
func Merge(f *Feed, known, named []Indicator, now time.Time) []Indicator {
	key := func(i *Indicator) string { return i.Kind.String() + " " + i.Value }
	before := make(map[string]int, len(known))
	for i := range known {
		before[key(&known[i])] = i
	}
	out := make([]Indicator, 0, len(named))
	for i := range named {
		n := named[i]
		at, old := before[key(&n)]
		if n.Known = now; old {
			n.Known = known[at].Known
		}
		if n.First.IsZero() {
			if n.First = now; old {
				n.First = known[at].First
			}
		}
		delete(before, key(&n))
		if n.Last.IsZero() {
			n.Last = now
		}
		if n.Expires.IsZero() && f.Expires > 0 {
			n.Expires = n.Last.Add(f.Expires)
		}
		out = append(out, n)
	}
	for i := range known {
		o := known[i]
		if _, gone := before[key(&o)]; !gone {
			continue
		}
		if o.Expires.IsZero() || o.Expires.After(now) {
			o.Expires = now
		}
		if now.Sub(o.Expires) < forgetAfter {
			out = append(out, o)
		}
	}
	return out
}

// Folder keeps what feeds said, a file each.
type Folder string

func (d Folder) path(name, ending string) string { return filepath.Join(string(d), name+ending) }

// Keep stores a feed's indicators, or the bytes of an allow-list, in the place of those that were there.
func (d Folder) Keep(l *Loaded, raw []byte) error {
	if err := os.MkdirAll(string(d), 0o750); err != nil {
		return fmt.Errorf("keep feed: %w", err)
	}
	if l.Feed.Allow {
		return replace(d.path(l.Feed.Name, ".allow"), func(w *bufio.Writer) { _, _ = w.Write(raw) })
	}
	return replace(d.path(l.Feed.Name, ".known"), func(w *bufio.Writer) {
		for i := range l.Indicators {
			x := &l.Indicators[i]
			_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", x.Kind, x.Value, x.Confidence, x.Known.UnixMilli(), seconds(x.First), seconds(x.Last), seconds(x.Expires), strings.Join(plainTags(x.Tags), ","))
		}
	})
}

func plainTags(tags []string) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = strings.Map(func(c rune) rune {
			if c == ',' || c < ' ' {
				return ' '
			}
			return c
		}, t)
	}
	return out
}

// replace writes beside a file and renames; the writer keeps its first error until it is flushed.
func replace(path string, write func(w *bufio.Writer)) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".intel-*")
	if err != nil {
		return fmt.Errorf("keep feed: %w", err)
	}
	w := bufio.NewWriter(f)
	write(w)
	err = errors.Join(w.Flush(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keep feed: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func timeOf(text string) (time.Time, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n == 0 {
		return time.Time{}, err
	}
	return time.Unix(n, 0).UTC(), nil
}

// Load reads back what was kept of a feed; nothing where nothing was.
func (d Folder) Load(f Feed, version string) (Loaded, error) {
	l := Loaded{Feed: f, Version: version}
	if f.Allow {
		raw, err := os.ReadFile(d.path(f.Name, ".allow"))
		if errors.Is(err, fs.ErrNotExist) {
			return l, nil
		}
		if err != nil {
			return l, fmt.Errorf("load feed %s: %w", f.Name, err)
		}
		r, err := f.Parse(raw)
		l.Lists = r.Lists
		return l, err
	}
	file, err := os.Open(d.path(f.Name, ".known"))
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("load feed %s: %w", f.Name, err)
	}
	defer file.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		i, err := parseKept(lines.Text())
		if err != nil {
			return l, fmt.Errorf("load feed %s: line %d: %w: fetch it again with: tocsin intel refresh %s", f.Name, n, err, f.Name)
		}
		l.Indicators = append(l.Indicators, i)
	}
	return l, lines.Err()
}

func parseKept(line string) (i Indicator, err error) {
	cells := strings.Split(line, "\t")
	if len(cells) != 8 {
		return i, errors.New("it does not have 8 cells")
	}
	var errs [6]error
	i.Kind, errs[0] = ParseKind(cells[0])
	confidence, err := strconv.ParseUint(cells[2], 10, 8)
	errs[1] = err
	i.Value, i.Confidence = cells[1], uint8(confidence)
	millis, err := strconv.ParseInt(cells[3], 10, 64)
	i.Known, errs[5] = time.UnixMilli(millis).UTC(), err
	i.First, errs[2] = timeOf(cells[4])
	i.Last, errs[3] = timeOf(cells[5])
	i.Expires, errs[4] = timeOf(cells[6])
	if cells[7] != "" {
		i.Tags = strings.Split(cells[7], ",")
	}
	return i, errors.Join(errs[:]...)
}

// Forget removes what was kept of a feed.
func (d Folder) Forget(name string) error {
	var errs []error
	for _, ending := range []string{".known", ".allow"} {
		if err := os.Remove(d.path(name, ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Sorted lists a feed's indicators in the order in which people read them.
func Sorted(list []Indicator) []Indicator {
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b Indicator) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		return strings.Compare(a.Value, b.Value)
	})
	return out
}
