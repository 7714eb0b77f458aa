//go:build cgo

package duck

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
	"github.com/tocsin-security/tocsin/simulate"
)

// Many events for questions: two days of the simulated organisation are told again for other departments and days. Each telling has
// people, addresses, keys and resources of its own, other minutes, and ids that no other event has.

// telling is one record, cut at what differs from telling to telling.
type telling struct {
	plain  []string // what stands before each part, and after the last
	parts  []string
	kinds  []byte
	number uint64
}

// differs are the parts that differ: event and request ids, access keys, resources, addresses, parts of a data set, people, times.
var differs = regexp.MustCompile(`([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12})|(A[SK]IA[A-Z0-9]{16})|\b(?:i|vol|snap)-([0-9a-f]{17})|"(\d+\.\d+\.\d+\.\d+)"|part-(\d{4})|([a-z]+\.[a-z]+)@example\.org|(2026-03-\d\dT\d\d:\d\d:\d\dZ)`)

// differsKinds names them, group by group.
const differsKinds = "ukrapnt"

func newTelling(raw string, number int) telling {
	t := telling{number: uint64(number)} //nolint:gosec // of a benchmark
	end := 0
	for _, m := range differs.FindAllStringSubmatchIndex(raw, -1) {
		for g := 1; g < len(m)/2; g++ {
			if m[2*g] < 0 {
				continue
			}
			t.plain, t.parts, t.kinds = append(t.plain, raw[end:m[2*g]]), append(t.parts, raw[m[2*g]:m[2*g+1]]), append(t.kinds, differsKinds[g-1])
			end = m[2*g+1]
		}
	}
	t.plain = append(t.plain, raw[end:])
	return t
}

// mix is splitmix64.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

func mixText(s string, with uint64) uint64 {
	h := with
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// days is how many days are told; departments of an even telling come on even days, as two days are what is known.
const days = 28

// tell writes a telling: of a day, by a department.
func (t *telling) tell(to []byte, day, department int) []byte {
	who := uint64(department) //nolint:gosec // few
	shift := time.Duration(day)*24*time.Hour + time.Duration(mix(who*977)%40)*time.Minute
	for i, kind := range t.kinds {
		to = append(to, t.plain[i]...)
		part := t.parts[i]
		switch kind {
		case 'u':
			a, b := mix(t.number<<20+uint64(day)<<12+who<<6+uint64(i)), mix(t.number<<21+uint64(day)<<13+who<<6+uint64(i)+1) //nolint:gosec // small
			to = fmt.Appendf(to, "%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
		case 'k':
			h := mixText(part, who<<8+uint64(day)) //nolint:gosec // small
			to = append(to, part[:4]...)
			for j := range 16 {
				to = append(to, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[h>>(j%12*5)&31^uint64(j/12)])
			}
		case 'r':
			to = fmt.Appendf(to, "%016xf", mixText(part, who))
		case 'a':
			to = append(to, part[:strings.LastIndexByte(part, '.')+1]...)
			to = fmt.Append(to, 1+mixText(part, who)%250)
		case 'p':
			to = fmt.Appendf(to, "%04d", mixText(part, t.number)%10_000)
		case 'n':
			to = append(to, part...)
			to = fmt.Appendf(to, ".%d", department)
		case 't':
			at, err := time.Parse(time.RFC3339, part)
			if err != nil {
				panic(err)
			}
			to = at.Add(shift).AppendFormat(to, "2006-01-02T15:04:05Z")
		}
	}
	return append(to, t.plain[len(t.plain)-1]...)
}

// tellings are two days of the organisation.
func tellings(b *testing.B) [2][]telling {
	b.Helper()
	var out [2][]telling
	for day := range out {
		dir := b.TempDir()
		c := simulate.Config{Seed: 21, Start: time.Date(2026, 3, 3+day, 0, 0, 0, 0, time.UTC), Days: 1, Scale: 20}
		if _, err := simulate.WriteTree(b.Context(), dir, c, nil); err != nil {
			b.Fatal(err)
		}
		err := filepath.WalkDir(filepath.Join(dir, "logs"), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			f, err := os.Open(path) //nolint:gosec // of this benchmark
			if err != nil {
				return err
			}
			defer f.Close() //nolint:errcheck // only read
			z, err := gzip.NewReader(f)
			if err != nil {
				return err
			}
			var file struct{ Records []json.RawMessage }
			if err := json.NewDecoder(z).Decode(&file); err != nil {
				return err
			}
			for _, r := range file.Records {
				out[day] = append(out[day], newTelling(string(r), 2*len(out[day])+day))
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return out
}

// manyEvents calls each with so many events, day by day, some thousand at a time, several at once.
func manyEvents(b *testing.B, events int, each func(day int, lines [][]byte) error) {
	b.Helper()
	known := tellings(b)
	perDay := events / days
	for day := range days {
		group, _ := errgroup.WithContext(b.Context())
		group.SetLimit(2)
		list := known[day%2]
		for from := 0; from < perDay; from += 5000 {
			group.Go(func() error {
				n := min(5000, perDay-from)
				lines, buf := make([][]byte, n), make([]byte, 0, n*1400)
				for i := range lines {
					start := len(buf)
					buf = list[(from+i)%len(list)].tell(buf, day-day%2, (from+i)/len(list))
					lines[i] = buf[start:len(buf):len(buf)]
				}
				return each(day, lines)
			})
		}
		if err := group.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}

// manyLake is a lake of so many events, made where it is not yet.
func manyLake(b *testing.B, dir string, events int) *lake.Lake {
	b.Helper()
	done := filepath.Join(dir, "done")
	_, err := os.Stat(done)
	if err != nil {
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
	}
	l, openErr := lake.Open(b.Context(), dir)
	if openErr != nil {
		b.Fatal(openErr)
	}
	b.Cleanup(func() { _ = l.Close() })
	if err == nil {
		return l
	}
	judge := enrich.NewJudge(&enrich.Survey{}, nil, nil)
	w, err := l.NewWriter()
	if err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	raw, start := 0, time.Now()
	decoders := sync.Pool{New: func() any { return ocsf.NewDecoder(cloudtrail.Shape(), records.Limits{}) }}
	manyEvents(b, events, func(day int, lines [][]byte) error {
		d := decoders.Get().(*ocsf.Decoder)
		defer decoders.Put(d)
		prepared := make([]lake.Prepared, 0, len(lines))
		sum := 0
		for i, line := range lines {
			sum += len(line)
			err := d.Record(line, "", ocsf.Position{Record: i}, ocsf.Sink{
				Event: func(e *ocsf.Event) error {
					prepared = append(prepared, lake.Prepare(manyRow(e, judge, day), noon))
					return nil
				},
				Unreadable: func(u ocsf.Unreadable) error { return fmt.Errorf("%s: %s", u.Reason, line) },
			})
			if err != nil {
				return err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for _, p := range prepared {
			w.Append(p)
		}
		raw += sum
		return commitIf(b.Context(), w, 250_000)
	})
	if err := commitIf(b.Context(), w, 1); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(done, fmt.Appendf(nil, "%d events, %d bytes as JSON, in %s\n", events, raw, time.Since(start)), 0o600); err != nil {
		b.Fatal(err)
	}
	return l
}

func commitIf(ctx context.Context, w *lake.Writer, rows int64) error {
	if n, _ := w.Pending(); n < rows {
		return nil
	}
	_, err := w.Commit(ctx, lake.Marks{})
	return err
}

// manyRow is the row that a worker makes.
func manyRow(e *ocsf.Event, judge *enrich.Judge, day int) *lake.Row {
	var f enrich.Facts
	f.Reset(judge, e)
	r := &lake.Row{
		Event: e, Format: "cloudtrail", Principal: e.Str(ocsf.ActorUserUID), Origin: f.Actor().Origin, AccessKey: e.Str(ocsf.ActorUserCredentialUID),
		SrcIP: e.Str(ocsf.SrcIP), Operation: e.Str(ocsf.APIOperation), SourceID: "trail", BatchID: fmt.Sprintf("day %d, quarter %d", day, e.Millis/900_000%96), Lane: lake.LaneLive, Received: e.Time().Truncate(15 * time.Minute).Add(20 * time.Minute),
	}
	if strings.Contains(r.Principal, ":assumed-role/") {
		r.Session = r.Principal
	}
	if list := f.Resources(); len(list) > 0 {
		r.Resource = list[0].ID
	}
	return r
}
