package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// Config says what to write. The same Config gives the same bytes.
type Config struct {
	Seed    uint64    `json:"seed"`
	Start   time.Time `json:"start"` // the first day
	Days    int       `json:"days"`
	Scale   float64   `json:"scale"`   // 1 is an ordinary load; 0 counts as 1
	Attacks []string  `json:"attacks"` // ids; "all" for each
	Formats []string  `json:"formats"` // of Formats; none is CloudTrail alone, "all" is each
}

// SampleConfig is the demonstration: eight days of work, and an intruder on the last two.
func SampleConfig() Config {
	return Config{Seed: 7, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 8, Scale: 0.6, Attacks: []string{"help-desk-takeover"}}
}

// WriteTree writes logs/, labels.json and environment.yaml below dir. progress, where given, is told how many events
// have been written.
func WriteTree(ctx context.Context, dir string, c Config, progress func(events int)) (*Labels, error) {
	g, err := newGenerator(c, Formats())
	if err != nil {
		return nil, err
	}
	events := 0
	for range c.Days {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		day, err := g.day()
		if err != nil {
			return nil, err
		}
		for i := range day {
			if err := writeObject(filepath.Join(dir, "logs"), &day[i]); err != nil {
				return nil, err
			}
			events += day[i].events
		}
		if progress != nil {
			progress(events)
		}
	}
	return g.labels, g.labels.write(dir)
}

// write puts labels.json and environment.yaml into dir.
func (l *Labels) write(dir string) error {
	raw, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "labels.json"), raw, 0o600), os.WriteFile(filepath.Join(dir, "environment.yaml"), Environment(), 0o600))
}

func writeObject(root string, o *object) error {
	path := filepath.Join(root, filepath.FromSlash(o.path))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, o.body, 0o600)
}

// Volume writes a tree for benchmarks: so many plain records in so many files.
func Volume(ctx context.Context, dir string, events, files int, seed uint64) error {
	staff := people(rand.New(rand.NewPCG(seed, 1)))
	w := &world{r: rand.New(rand.NewPCG(seed, 3)), now: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}
	t := &trail{r: rand.New(rand.NewPCG(seed, 4))}
	each := max(1, events/files)
	step := 27 * 24 * time.Hour / time.Duration(max(1, events))
	sessions := make([]identity, len(staff))
	for f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		list := make([]m, 0, each)
		for range each {
			i := w.r.IntN(len(staff))
			if sessions[i].user == nil || w.r.IntN(400) == 0 {
				sessions[i] = w.sso(&staff[i], staff[i].accounts[0])
			}
			what := pick(w.r, daily[staff[i].permission])
			w.wait(step)
			w.out = w.out[:0]
			w.call(sessions[i], what.service, what.name, what.request, nil)
			list = append(list, w.out[0].body)
		}
		o, err := t.file(accounts[f%len(accounts)].id, regions[f%len(regions)], w.now, list)
		if err != nil {
			return err
		}
		if err := writeObject(dir, &o); err != nil {
			return err
		}
	}
	return nil
}
