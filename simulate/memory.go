package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// memory keeps in a folder what is delivered there and how far it is, so that a writer that was killed goes on where it was. Several targets note in it.
type memory struct {
	mu   sync.Mutex
	path string
	kept kept
}

type kept struct {
	Config    Config         `json:"config"`
	Delivered map[string]int `json:"delivered"` // by target: how many of its objects, in the order of time
}

// MemoryFile is the name in the folder that says that Live can go on there.
const MemoryFile = "delivered.json"

// recall takes up what a folder remembers, or begins. A folder goes on with the organisation that it began with, or not at all.
func recall(c *LiveConfig) (*memory, error) {
	f := &memory{path: filepath.Join(c.Dir, MemoryFile), kept: kept{Delivered: map[string]int{}}}
	raw, err := os.ReadFile(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if c.Start.IsZero() {
			c.Start = c.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 2-c.Days)
		}
		f.kept.Config = c.Config
		return f, errors.Join(os.MkdirAll(c.Dir, 0o750), f.save())
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(raw, &f.kept); err != nil {
		return nil, fmt.Errorf("simulate: %s is damaged; give a new folder: %w", f.path, err)
	}
	if c.Start.IsZero() {
		c.Start = f.kept.Config.Start
	}
	asked, err := json.Marshal(c.Config)
	if err != nil {
		return nil, err
	}
	if before, err := json.Marshal(f.kept.Config); err != nil || !bytes.Equal(asked, before) {
		return nil, fmt.Errorf("simulate: %s began with another organisation; give the same seed, days, scale, attacks and formats, or a new folder", c.Dir)
	}
	return f, nil
}

func (f *memory) delivered(to Destination) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kept.Delivered[to.String()]
}

// note counts an object that was delivered. A kill before it makes the object come again, under the same name.
func (f *memory) note(to Destination) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept.Delivered == nil {
		f.kept.Delivered = map[string]int{}
	}
	f.kept.Delivered[to.String()]++
	return f.save()
}

func (f *memory) save() error {
	raw, err := json.Marshal(f.kept)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(f.path+".tmp", raw, 0o600), os.Rename(f.path+".tmp", f.path))
}
