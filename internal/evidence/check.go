package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/ledger"
)

// Report is what a check found.
type Report struct {
	Set      string    `json:"set"`
	Title    string    `json:"title"`
	Captures int       `json:"captures"`
	Items    int       `json:"items"`
	Events   int       `json:"events"`
	Proven   int       `json:"proven"` // events that a data file's root in the ledger proves as they were received
	Bytes    int64     `json:"bytes"`
	Custody  int       `json:"custody"` // lines
	First    time.Time `json:"first_capture,omitzero"`
	Problems []string  `json:"problems"`
}

// Clean says that everything is as it was sealed.
func (r *Report) Clean() bool { return len(r.Problems) == 0 }

func (r *Report) say(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Captured is a capture as it is exported: its manifest to the byte, and what proves that.
type Captured struct {
	Manifest string           `json:"manifest"`
	Seal     ledger.Statement `json:"seal"`
}

// checking goes through the captures of one set, in order.
type checking struct {
	key      string                            // first public key
	blob     func(ledger.Hash) ([]byte, error) // bytes that have this hash, or an error
	report   *Report
	previous string // hash of the manifest before
	done     map[ledger.Hash]bool
}

func newChecking(key string, blob func(ledger.Hash) ([]byte, error)) *checking {
	return &checking{key: key, blob: blob, report: &Report{Problems: []string{}}, done: map[ledger.Hash]bool{}}
}

// capture checks the seal of a capture, then everything below it.
func (c *checking) capture(x *Captured) {
	r := c.report
	r.Captures++
	sum := hashOf([]byte(x.Manifest))
	var m Manifest
	if err := json.Unmarshal([]byte(x.Manifest), &m); err != nil || m.Format != captureFormat {
		r.say("capture %d: its manifest cannot be read", r.Captures)
		return
	}
	name := fmt.Sprintf("capture %d", m.Capture)
	switch {
	case r.Captures == 1:
		r.Set, r.Title, r.First = m.Set, m.Title, m.At
	case m.Set != r.Set:
		r.say("%s is of another set", name)
	}
	if m.Capture != r.Captures || m.Previous != c.previous {
		r.say("%s does not follow from the one before", name)
	}
	c.previous = sum.String()
	if err := sealed(&x.Seal, c.key, sum, leafID(m.Set, strconv.Itoa(m.Capture))); err != nil {
		r.say("%s: %v", name, err)
	}
	c.items(name, &m)
}

// sealed checks that the ledger holds a leaf of a hash and name.
func sealed(s *ledger.Statement, key string, sum ledger.Hash, id string) error {
	if s.Checkpoint == "" {
		return errors.New("it is not sealed yet")
	}
	p, err := s.Prove(key)
	if err != nil {
		return fmt.Errorf("its seal does not hold: %w", err)
	}
	if leaf, ok := p.Evidence(sum); !ok || leaf.ID != id {
		return errors.New("the ledger's leaf is about something else: it was changed after it was sealed")
	}
	return nil
}

func (c *checking) items(name string, m *Manifest) {
	var lake *ledger.Proven
	if m.Lake != nil {
		var err error
		if lake, err = m.Lake.Prove(c.key); err != nil {
			c.report.say("%s: what proves its events does not hold: %v", name, err)
		}
	}
	for i := range m.Items {
		it := &m.Items[i]
		c.report.Items++
		c.bytes(it.Kind+" "+it.Name, it.SHA256, it.Bytes)
		if it.Event == nil {
			continue
		}
		c.report.Events++
		if it.Event.OCSF != nil {
			c.bytes("OCSF of "+it.Name, *it.Event.OCSF, -1)
		}
		if it.Event.Proof == nil {
			continue
		}
		if err := proven(lake, it); err != nil {
			c.report.say("event %s: %v", it.Name, err)
			continue
		}
		c.report.Proven++
	}
}

// bytes checks that the bytes of a hash are there. want -1 is any number.
func (c *checking) bytes(name string, sum ledger.Hash, want int64) {
	if c.done[sum] {
		return
	}
	c.done[sum] = true
	content, err := c.blob(sum)
	if err == nil && hashOf(content) != sum {
		err = errors.New("its bytes were changed")
	}
	if err == nil && want >= 0 && int64(len(content)) != want {
		err = fmt.Errorf("it has %d bytes, not %d", len(content), want)
	}
	if err != nil {
		c.report.say("%s: %v", name, err)
		return
	}
	c.report.Bytes += int64(len(content))
}

// proven follows an event to the root of its data file, which a leaf of the ledger holds.
func proven(lake *ledger.Proven, it *Item) error {
	p := it.Event.Proof
	if lake == nil {
		return errors.New("the proof of its data file does not hold")
	}
	file, ok := lake.File(p.Leaf, p.File)
	if !ok {
		return fmt.Errorf("leaf %d does not name its data file %s", p.Leaf, p.File)
	}
	return ledger.VerifyEvent(file, it.SHA256, ledger.Proof{Index: p.Index, Path: p.Path})
}

// custody checks the chain of lines.
func (c *checking) custody(lines []string) {
	c.report.Custody = len(lines)
	if _, err := readChain(lines); err != nil {
		c.report.say("%v", err)
	}
}

// custodyHash is the hash of all lines.
func custodyHash(lines []string) string { return lineHash(strings.Join(lines, "\n")) }
