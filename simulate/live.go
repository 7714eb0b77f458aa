package simulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// LiveConfig says how to deliver an organisation's logs as time passes.
type LiveConfig struct {
	Config               // a zero Start is taken from the clock, so that the attacks lie in the last days and what comes next is tomorrow's
	Dir    string        // folder for labels.json, environment.yaml, what was delivered, and logs/ where a target is a folder
	To     []Destination // where each format goes; none is the folder logs/ for all
	S3     Store
	// Pace of the past; what comes after it comes when its time does. Without a rate it takes CatchUp.
	Rate    Rate
	CatchUp time.Duration
	Now     func() time.Time
	Wait    func(ctx context.Context, d time.Duration) error // nil waits by the real clock
	Said    func(line string)                                // told of what is going on; may be nil
}

// Live delivers the past in the order of time, and then each object when its time comes, until the context ends. The labels of the attacks and
// environment.yaml lie in Dir before the first object is delivered. Called again with the same Dir it goes on where it was: an object has the
// same name and bytes each time, so that one that is delivered again is known to the one who gets it.
func Live(ctx context.Context, c LiveConfig) error {
	if c.Wait == nil {
		c.Wait = wait
	}
	if len(c.To) == 0 {
		c.To = []Destination{{}}
	}
	memory, err := recall(&c)
	if err != nil {
		return err
	}
	labels, past, err := outline(ctx, &c)
	if err != nil {
		return err
	}
	if err := labels.write(c.Dir); err != nil {
		return err
	}
	for _, a := range labels.Attacks {
		c.say("%s begins %s and ends %s", a.Title, a.First.Format(time.DateTime), a.Last.Format(time.DateTime))
	}
	c.say("%d events of the past in %d files come first%s", past.events, past.files, c.Rate.over(past.events, c.Now().Sub(c.Start), c.CatchUp))
	return c.run(ctx, memory)
}

func (c *LiveConfig) say(format string, args ...any) {
	if c.Said != nil {
		c.Said(fmt.Sprintf(format, args...))
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// amount is how much something is.
type amount struct{ files, events int }

// outline makes a sketch of the Config's days: the labels of all, and how much of them is past.
func outline(ctx context.Context, c *LiveConfig) (*Labels, amount, error) {
	g, err := newGenerator(c.Config, nil)
	if err != nil {
		return nil, amount{}, err
	}
	var past amount
	now := c.Now()
	for range c.Days {
		day, err := g.day()
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, past, err
		}
		for i := range day {
			if !day[i].at.After(now) {
				past.files++
				past.events += day[i].events
			}
		}
	}
	return g.labels, past, nil
}

// run gives each target its objects. A target that is slow or away keeps no other waiting.
func (c *LiveConfig) run(ctx context.Context, memory *memory) error {
	group, ctx := errgroup.WithContext(ctx)
	p := pace{Rate: c.Rate, catchUp: c.CatchUp, begin: c.Now(), from: c.Start}
	for i, to := range c.To {
		t, err := to.open(ctx, c)
		if err != nil {
			return err
		}
		formats, err := c.formatsOf(i)
		if err != nil {
			return err
		}
		group.Go(func() error { return c.feed(ctx, p, to, t, formats, memory) })
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// formatsOf lists what goes to a destination: what it names; where it names nothing, what no other names.
func (c *LiveConfig) formatsOf(i int) ([]string, error) {
	all, err := chooseFormats(c.Formats)
	if err != nil {
		return nil, err
	}
	named := c.To[i].Formats
	if len(named) > 0 {
		if _, err := chooseFormats(named); err != nil {
			return nil, err
		}
		return slices.DeleteFunc(all, func(f string) bool { return !slices.Contains(named, f) }), nil
	}
	for _, other := range c.To {
		all = slices.DeleteFunc(all, func(f string) bool { return slices.Contains(other.Formats, f) })
	}
	return all, nil
}

// feed makes day after day, and delivers what a target is to get.
func (c *LiveConfig) feed(ctx context.Context, p pace, to Destination, t target, formats []string, memory *memory) error {
	g, err := newGenerator(c.Config, formats)
	if err != nil {
		return err
	}
	skip, told := memory.delivered(to), false
	var waiting []object
	for {
		day, err := g.day()
		if err != nil {
			return err
		}
		waiting = append(waiting, day...)
		slices.SortFunc(waiting, func(a, b object) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.path, b.path)) })
		next := c.Start.AddDate(0, 0, g.ready) // nothing of the days after is delivered before it
		n := 0
		for ; n < len(waiting) && waiting[n].at.Before(next); n++ {
			o := &waiting[n]
			mine := slices.Contains(formats, o.format)
			if mine && skip > 0 {
				skip--
				continue
			}
			due := p.due(o.at, o.events)
			if !mine {
				continue
			}
			if !told && o.at.After(p.begin) {
				told = true
				c.say("the past is delivered to %s; the rest comes when its time does", to)
			}
			if err := c.until(ctx, due); err != nil {
				return err
			}
			if err := t.put(ctx, o.path, o.body); err != nil {
				return fmt.Errorf("deliver %s to %s: %w", o.path, to, err)
			}
			if err := memory.note(to); err != nil {
				return err
			}
		}
		waiting = slices.Delete(waiting, 0, n)
	}
}

func (c *LiveConfig) until(ctx context.Context, due time.Time) error {
	if left := due.Sub(c.Now()); left > 0 {
		return c.Wait(ctx, left)
	}
	return ctx.Err()
}

// logs is the folder of targets that are folders.
func (c *LiveConfig) logs() string { return filepath.Join(c.Dir, "logs") }
