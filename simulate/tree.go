package simulate

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"
)

// Config says what to write. The same Config gives the same bytes.
type Config struct {
	Seed    uint64
	Start   time.Time // the first day
	Days    int
	Scale   float64  // 1 is an ordinary load; 0 counts as 1
	Attacks []string // ids; "all" for each
}

// SampleConfig is the demonstration: eight days of work, and an intruder on the last two.
func SampleConfig() Config {
	return Config{Seed: 7, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 8, Scale: 0.6, Attacks: []string{"help-desk-takeover"}}
}

// WriteTree writes logs/, labels.json and environment.yaml below dir. progress, where given, is told how many events
// have been written.
func WriteTree(ctx context.Context, dir string, c Config, progress func(events int)) (*Labels, error) {
	if c.Scale <= 0 {
		c.Scale = 1
	}
	if c.Days <= 0 {
		return nil, errors.New("simulate: give at least one day")
	}
	wanted, err := choose(c.Attacks)
	if err != nil {
		return nil, err
	}
	labels := &Labels{Accounts: len(accounts), Days: c.Days, Attacks: []AttackLabel{}}
	var extra []record
	for i, a := range wanted {
		run, records := play(c, a, i, len(wanted))
		labels.Attacks = append(labels.Attacks, run)
		extra = append(extra, records...)
	}
	t := &treeWriter{dir: filepath.Join(dir, "logs"), r: rand.New(rand.NewPCG(c.Seed, 99))}
	staff := people(rand.New(rand.NewPCG(c.Seed, 1)))
	for d := range c.Days {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		day := c.Start.AddDate(0, 0, d)
		w := &world{r: rand.New(rand.NewPCG(c.Seed, uint64(1000+d)))} //nolint:gosec // days are few
		w.benignDay(day, staff, c.Scale)
		for _, x := range extra {
			if !x.at.Before(day) && x.at.Before(day.AddDate(0, 0, 1)) || d == c.Days-1 && !x.at.Before(day.AddDate(0, 0, 1)) {
				w.out = append(w.out, x)
			}
		}
		if err := t.day(w.out); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(t.events)
		}
	}
	raw, err := json.MarshalIndent(labels, "", " ")
	if err != nil {
		return nil, err
	}
	return labels, errors.Join(os.WriteFile(filepath.Join(dir, "labels.json"), raw, 0o600), os.WriteFile(filepath.Join(dir, "environment.yaml"), Environment(), 0o600))
}

func choose(ids []string) ([]attack, error) {
	if slices.Contains(ids, "all") {
		return attacks, nil
	}
	var out []attack
	for _, id := range ids {
		i := slices.IndexFunc(attacks, func(a attack) bool { return a.id == id })
		if i < 0 {
			return nil, fmt.Errorf("simulate: there is no attack %q", id)
		}
		out = append(out, attacks[i])
	}
	return out, nil
}

// play writes one attack. Attacks are spread over the last two thirds of the days; every other one begins together with the one before it.
func play(c Config, a attack, i, of int) (AttackLabel, []record) {
	day := c.Days * 2 / 3
	if c.Days > 9 {
		day = c.Days/3 + (i/2*2)*(c.Days*2/3-3)/max(1, of)
	}
	w := &world{r: rand.New(rand.NewPCG(c.Seed, uint64(5000+i)))} //nolint:gosec // attacks are few
	w.now = c.Start.AddDate(0, 0, day).Add(13*time.Hour + time.Duration(w.r.IntN(240))*time.Minute)
	run := &attackRun{world: w, label: AttackLabel{ID: a.id, Title: a.title, Report: a.report}}
	w.attack = run
	a.run(run)
	return run.label, w.out
}

// treeWriter packs records as CloudTrail delivers them: a file per account, Region and quarter of an hour.
type treeWriter struct {
	dir    string
	r      *rand.Rand
	events int
}

func (t *treeWriter) day(records []record) error {
	sort.SliceStable(records, func(i, j int) bool { return records[i].at.Before(records[j].at) })
	type key struct {
		account int
		region  string
		at      time.Time
	}
	files := map[key][]m{}
	var order []key
	for _, r := range records {
		late := time.Duration(5+t.r.IntN(8)) * time.Minute
		if t.r.IntN(400) == 0 {
			late += 3 * time.Hour
		}
		copies := 1
		if t.r.IntN(500) == 0 {
			copies = 2
		}
		for range copies {
			k := key{r.account, r.region, r.at.Add(late).UTC().Truncate(15 * time.Minute)}
			if files[k] == nil {
				order = append(order, k)
			}
			files[k] = append(files[k], r.body)
			late += 15 * time.Minute
		}
	}
	for _, k := range order {
		list := files[k]
		t.r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		if err := t.file(accounts[k.account].id, k.region, k.at, list); err != nil {
			return err
		}
		t.events += len(list)
	}
	return nil
}

const fileLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func (t *treeWriter) file(account, region string, at time.Time, list []m) error {
	unique := make([]byte, 16)
	for i := range unique {
		unique[i] = fileLetters[t.r.IntN(len(fileLetters))]
	}
	folder := filepath.Join(t.dir, "AWSLogs", orgID, account, "CloudTrail", region, at.Format("2006/01/02"))
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	return writeGzip(filepath.Join(folder, fmt.Sprintf("%s_CloudTrail_%s_%s_%s.json.gz", account, region, at.Format("20060102T1504Z"), unique)), m{"Records": list})
}

func writeGzip(path string, body any) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := bufio.NewWriterSize(f, 64<<10)
	z, err := gzip.NewWriterLevel(b, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(z).Encode(body); err != nil {
		return err
	}
	return errors.Join(z.Close(), b.Flush())
}

// Volume writes a tree for benchmarks: so many plain records in so many files.
func Volume(ctx context.Context, dir string, events, files int, seed uint64) error {
	staff := people(rand.New(rand.NewPCG(seed, 1)))
	w := &world{r: rand.New(rand.NewPCG(seed, 3)), now: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}
	t := &treeWriter{dir: dir, r: rand.New(rand.NewPCG(seed, 4))}
	each := max(1, events/files)
	step := 27 * 24 * time.Hour / time.Duration(max(1, events))
	sessions := make([]identity, len(staff))
	for f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		list := make([]m, 0, each)
		for n := range each {
			i := w.r.IntN(len(staff))
			if sessions[i].user == nil || w.r.IntN(400) == 0 {
				sessions[i] = w.sso(&staff[i], staff[i].accounts[0])
			}
			what := pick(w.r, daily[staff[i].permission])
			w.wait(step)
			w.out = w.out[:0]
			w.call(sessions[i], what.service, what.name, what.request, nil)
			list = append(list, w.out[0].body)
			_ = n
		}
		if err := t.file(accounts[f%len(accounts)].id, regions[f%len(regions)], w.now, list); err != nil {
			return err
		}
	}
	return nil
}
