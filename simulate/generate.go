package simulate

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// object is one file as AWS delivers it.
type object struct {
	format string
	path   string    // the key that AWS gives it in a bucket
	at     time.Time // when it is delivered
	events int
	body   []byte // nil in a sketch
}

// generator makes an organisation's objects, day by day. The same Config gives the same objects.
type generator struct {
	c      Config
	staff  []person
	labels *Labels
	extra  []record // what the attacks did by calls
	beside []line   // and what of them only other logs see
	trail  *trail
	pack   *packer
	lines  *lines
	ready  int // days that were made
}

// newGenerator plays the attacks and makes no day yet. Only objects of the formats in bodies get one; of the others there is a sketch: name, time and
// count. The labels are of all.
func newGenerator(c Config, bodies []string) (*generator, error) {
	if c.Scale <= 0 {
		c.Scale = 1
	}
	if c.Days <= 0 {
		return nil, errors.New("simulate: give at least one day")
	}
	formats, err := chooseFormats(c.Formats)
	if err != nil {
		return nil, err
	}
	wanted, err := choose(c.Attacks)
	if err != nil {
		return nil, err
	}
	c.Formats = formats
	g := &generator{c: c, staff: people(rand.New(rand.NewPCG(c.Seed, 1))), labels: &Labels{Accounts: len(accounts), Days: c.Days, Attacks: []AttackLabel{}}}
	g.trail = &trail{r: rand.New(rand.NewPCG(c.Seed, 99)), sketch: !slices.Contains(bodies, "cloudtrail")}
	g.pack = &packer{r: rand.New(rand.NewPCG(c.Seed, 199)), bodies: bodies, labels: g.labels}
	g.lines = newLines(c)
	for i, a := range wanted {
		run, records := play(c, a, i, len(wanted))
		g.labels.Attacks = append(g.labels.Attacks, run)
		g.extra = append(g.extra, records...)
		g.lines.know(i, &g.labels.Attacks[i])
		g.beside = append(g.beside, g.lines.beside(a.id, i, records)...)
	}
	return g, nil
}

// has reports whether a format is wanted.
func (g *generator) has(format string) bool { return slices.Contains(g.c.Formats, format) }

// day makes the next day's objects, in no order. What the attacks do after the last day of the Config belongs to that one.
func (g *generator) day() ([]object, error) {
	d := g.ready
	g.ready++
	day := g.c.Start.AddDate(0, 0, d)
	w := &world{r: rand.New(rand.NewPCG(g.c.Seed, uint64(1000+d)))} //nolint:gosec // days are few
	w.benignDay(day, g.staff, g.c.Scale)
	for _, x := range g.extra {
		if g.isOf(d, x.at) {
			w.out = append(w.out, x)
		}
	}
	var out []object
	var err error
	if g.has("cloudtrail") {
		if out, err = g.trail.day(w.out); err != nil {
			return nil, err
		}
	}
	if len(g.c.Formats) == 1 && g.has("cloudtrail") {
		return out, nil
	}
	list := g.lines.day(day, d, w.out)
	for _, x := range g.beside {
		if g.isOf(d, x.at) {
			list = append(list, x)
		}
	}
	list = slices.DeleteFunc(list, func(x line) bool { return !g.has(x.place.format) })
	others, err := g.pack.day(list)
	return append(out, others...), err
}

// isOf reports whether something belongs to day d.
func (g *generator) isOf(d int, at time.Time) bool {
	day := g.c.Start.AddDate(0, 0, d)
	next := day.AddDate(0, 0, 1)
	switch {
	case d < g.c.Days-1:
		return !at.Before(day) && at.Before(next)
	case d == g.c.Days-1:
		return !at.Before(day)
	}
	return false
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

const fileLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func unique(r *rand.Rand, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = fileLetters[r.IntN(len(fileLetters))]
	}
	return string(out)
}

func gzipped(write func(z *gzip.Writer) error) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(write(z), z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func gzippedJSON(body any) ([]byte, error) {
	return gzipped(func(z *gzip.Writer) error { return json.NewEncoder(z).Encode(body) })
}
