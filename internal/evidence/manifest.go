package evidence

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/tocsin-security/tocsin/internal/ledger"
)

// Kinds of items.
const (
	KindEvent      = "event"      // a record as it was received
	KindIncident   = "incident"   // the incident's document, as concluded at that moment
	KindEntity     = "entity"     // the state of an entity
	KindScreenshot = "screenshot" // of a page, as a person saw it
	KindFile       = "file"       // anything else that a person added
)

// By is who did a thing.
type By struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`              // person, token, system
	Address string `json:"address,omitempty"` // where the request came from
}

// Manifest is what one capture holds. Its SHA-256 stands in the ledger's leaf, so that all below it is proven by the checkpoint.
type Manifest struct {
	Format   string            `json:"format"` // "tocsin-evidence-capture/1"
	Set      string            `json:"set"`
	Capture  int               `json:"capture"` // from 1
	Title    string            `json:"title"`
	Incident string            `json:"incident"` // uid, "" for none
	Accounts []string          `json:"accounts"` // "" is data without one
	At       time.Time         `json:"at"`
	By       By                `json:"by"`
	Why      string            `json:"why"`
	Previous string            `json:"previous"` // SHA-256 of the manifest of the capture before; "" for the first
	Items    []Item            `json:"items"`
	Notes    []string          `json:"notes"` // what could not be had, in sentences
	Lake     *ledger.Statement `json:"lake"`  // proves what the data files held; null where no event was proven
}

// Item is one thing of a capture. Its bytes are in the vault.
type Item struct {
	Kind   string      `json:"kind"`
	Name   string      `json:"name"`
	Media  string      `json:"media"`
	SHA256 ledger.Hash `json:"sha256"`
	Bytes  int64       `json:"bytes"`
	Event  *Event      `json:"event,omitempty"`
}

// Event is what is known of an item that is an event.
type Event struct {
	UID      string       `json:"uid"`
	Account  string       `json:"account"`
	Format   string       `json:"format"`
	Time     time.Time    `json:"time,omitzero"`     // occurred
	Received time.Time    `json:"received,omitzero"` // by Tocsin
	Source   string       `json:"source"`
	Object   string       `json:"object"`         // it came in
	OCSF     *ledger.Hash `json:"ocsf,omitempty"` // the same as OCSF, made at the capture; not what was received
	Proof    *Proof       `json:"proof"`          // null where the ledger did not know the data file
}

// Proof leads from an event to the ledger: a place in a data file, and the leaf that holds the file's root.
type Proof struct {
	File  string        `json:"file"` // as the leaf names it
	Leaf  uint64        `json:"leaf"` // its index, in Manifest.Lake
	Index uint64        `json:"index"`
	Path  []ledger.Hash `json:"path"`
}

const captureFormat = "tocsin-evidence-capture/1"

// encode writes JSON in one line, with what a log put in it as it is.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// needs are the hashes that a manifest names, each once, with the sizes that are known.
func (m *Manifest) needs() map[ledger.Hash]int64 {
	out := map[ledger.Hash]int64{}
	for i := range m.Items {
		it := &m.Items[i]
		out[it.SHA256] = it.Bytes
		if it.Event != nil && it.Event.OCSF != nil {
			if _, is := out[*it.Event.OCSF]; !is {
				out[*it.Event.OCSF] = 0
			}
		}
	}
	return out
}
