package simulate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// LiveConfig says how to deliver a tree as time passes.
type LiveConfig struct {
	Config
	Dir     string        // folder that the files are delivered into
	CatchUp time.Duration // how long the delivery of everything up to now takes
	Now     func() time.Time
	Said    func(line string) // told of what is going on; may be nil
}

// fileTime is when CloudTrail delivered a file, as its name says.
var fileTime = regexp.MustCompile(`_(\d{8}T\d{4}Z)_`)

// Live writes a tree whose days end tomorrow, delivers what is of the past within CatchUp, in the order of time, and then each file when its
// time comes, until the context or the tree ends. Files appear whole. The labels of the attacks and environment.yaml lie beside the
// folder before the first file does.
func Live(ctx context.Context, c LiveConfig) error {
	c.Start = c.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 2-c.Days)
	work, err := os.MkdirTemp(filepath.Dir(filepath.Clean(c.Dir)), ".simulate-*") // on the same disk, so that a rename is whole
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // temporary
	labels, err := WriteTree(ctx, work, c.Config, nil)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return err
	}
	for _, name := range []string{"labels.json", "environment.yaml"} {
		if err := os.Rename(filepath.Join(work, name), filepath.Join(filepath.Dir(filepath.Clean(c.Dir)), name)); err != nil {
			return err
		}
	}
	for _, a := range labels.Attacks {
		c.say("%s begins %s and ends %s", a.Title, a.First.Format(time.DateTime), a.Last.Format(time.DateTime))
	}
	files, err := inOrder(filepath.Join(work, "logs"))
	if err != nil {
		return err
	}
	return c.deliver(ctx, filepath.Join(work, "logs"), files)
}

func (c *LiveConfig) say(format string, args ...any) {
	if c.Said != nil {
		c.Said(fmt.Sprintf(format, args...))
	}
}

// timed is a file and when it is delivered.
type timed struct {
	path string
	at   time.Time
}

func inOrder(root string) ([]timed, error) {
	var out []timed
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		m := fileTime.FindStringSubmatch(path)
		if m == nil {
			return fmt.Errorf("%s does not say when it was delivered", path)
		}
		at, err := time.Parse("20060102T1504Z", m[1])
		out = append(out, timed{path, at})
		return err
	})
	slices.SortStableFunc(out, func(a, b timed) int { return a.at.Compare(b.at) })
	return out, err
}

func (c *LiveConfig) deliver(ctx context.Context, from string, files []timed) error {
	begin := c.Now()
	past := 0
	for past < len(files) && !files[past].at.After(begin) {
		past++
	}
	for i, f := range files {
		due := f.at
		if i < past {
			due = begin.Add(c.CatchUp * time.Duration(i) / time.Duration(past))
		}
		if wait := due.Sub(c.Now()); wait > 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(wait):
			}
		}
		to := filepath.Join(c.Dir, f.path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o750), os.Rename(filepath.Join(from, f.path), to)); err != nil {
			return err
		}
		now := c.Now()
		if err := os.Chtimes(to, now, now); err != nil {
			return err
		}
		if i+1 == past {
			c.say("%d files of the past are delivered; %d more come when their time does", past, len(files)-past)
		}
	}
	return nil
}
