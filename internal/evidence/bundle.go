package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

// Bundle is an exported set. Texts stand in it to the byte, so that they hash as they were sealed.
type Bundle struct {
	Format   string           `json:"format"` // "tocsin-evidence/1"
	Export   string           `json:"export"` // an ExportNote
	Seal     ledger.Statement `json:"seal"`   // of the export
	Captures []Captured       `json:"captures"`
	Custody  []string         `json:"custody"` // lines, the oldest first
}

// ExportNote says what was exported, when, by whom and why. The ledger has a leaf for it.
type ExportNote struct {
	Format   string    `json:"format"` // "tocsin-evidence-export/1"
	Set      string    `json:"set"`
	Number   string    `json:"number"` // of the export
	Title    string    `json:"title"`
	Incident string    `json:"incident"`
	At       time.Time `json:"at"`
	By       By        `json:"by"`
	Why      string    `json:"why"`
	Held     time.Time `json:"held_at,omitzero"`
	Captures []string  `json:"captures"` // SHA-256 of each manifest
	Custody  string    `json:"custody"`  // SHA-256 of the lines, joined by line ends
}

const (
	bundleFormat = "tocsin-evidence/1"
	exportFormat = "tocsin-evidence-export/1"
	bundleFile   = "bundle.json"
	blobFolder   = "blobs/"
	maxPageBytes = 128 << 20 // of items on one page
)

// The forms of an export.
const (
	FormatZip  = "zip"
	FormatHTML = "html"
)

// Export is a set that is ready to be written. All of it was verified, and the ledger was told.
type Export struct {
	Name   string // for a file
	Media  string
	format string
	bundle *Bundle
	blobs  []ledger.Hash
	vault  vault
}

// Export verifies a set, notes who takes it out and why, and seals that. A set that is not as it was sealed is not exported.
func (s *Store) Export(ctx context.Context, scope access.Scope, by By, id, form, why string) (*Export, error) {
	switch {
	case s.o.Ledger == nil:
		return nil, ErrNoLedger
	case form != FormatZip && form != FormatHTML:
		return nil, MistakeError("an export is zip or html")
	case strings.TrimSpace(why) == "" || len(why) > maxWords:
		return nil, MistakeError("say why this is exported, in at most 4,096 bytes: the chain of custody asks for it")
	}
	x, err := s.set(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	r, err := s.Verify(ctx, scope, by, x.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case !r.Clean():
		return nil, MistakeError("this evidence is not as it was sealed, so it is not exported: " + r.Problems[0])
	case form == FormatHTML && r.Bytes > maxPageBytes:
		return nil, MistakeError("more than 128 MiB do not fit a page: export it as zip")
	}
	if err := s.note(ctx, x.ID, Deed{By: by, Action: "exported", Detail: form + ": " + why}); err != nil {
		return nil, err
	}
	b, err := s.bundle(ctx, &x, by, why)
	if err != nil {
		return nil, err
	}
	out := &Export{Name: "evidence-" + x.ID + "." + form, Media: map[string]string{FormatZip: "application/zip", FormatHTML: "text/html; charset=utf-8"}[form], format: form, bundle: b, vault: s.vault}
	seen := map[ledger.Hash]bool{}
	for i := range b.Captures {
		var m Manifest
		if err := json.Unmarshal([]byte(b.Captures[i].Manifest), &m); err != nil {
			return nil, fmt.Errorf("read the manifest of evidence %s: %w", x.ID, err)
		}
		for sum := range m.needs() {
			if !seen[sum] {
				seen[sum] = true
				out.blobs = append(out.blobs, sum)
			}
		}
	}
	return out, nil
}

// bundle seals an export.
func (s *Store) bundle(ctx context.Context, x *Set, by By, why string) (*Bundle, error) {
	b := &Bundle{Format: bundleFormat}
	var err error
	if b.Captures, err = s.bundled(ctx, x.ID); err != nil {
		return nil, err
	}
	if b.Custody, err = s.lines(ctx, x.ID); err != nil {
		return nil, err
	}
	note := ExportNote{
		Format: exportFormat, Set: x.ID, Number: fmt.Sprintf("export-%d", len(b.Custody)), Title: x.Title, Incident: x.Incident, At: s.o.Now().UTC().Truncate(time.Millisecond),
		By: by, Why: text(why), Held: x.Held, Captures: []string{}, Custody: custodyHash(b.Custody),
	}
	for i := range b.Captures {
		note.Captures = append(note.Captures, hashOf([]byte(b.Captures[i].Manifest)).String())
	}
	line, err := encode(note)
	if err != nil {
		return nil, err
	}
	b.Export = string(line)
	_, b.Seal, err = s.append(ctx, ledger.Evidence{ID: leafID(x.ID, note.Number), Incident: x.Incident, Bytes: int64(len(line)), SHA256: hashOf(line)})
	return b, err
}

// check goes through a bundle.
func (b *Bundle) check(key string, blob func(ledger.Hash) ([]byte, error)) *Report {
	c := newChecking(key, blob)
	for i := range b.Captures {
		c.capture(&b.Captures[i])
	}
	c.custody(b.Custody)
	r := c.report
	var note ExportNote
	if err := json.Unmarshal([]byte(b.Export), &note); err != nil || note.Format != exportFormat {
		r.say("the note of the export cannot be read")
		return r
	}
	if err := sealed(&b.Seal, key, hashOf([]byte(b.Export)), leafID(note.Set, note.Number)); err != nil {
		r.say("the export: %v", err)
	}
	if note.Custody != custodyHash(b.Custody) {
		r.say("the chain of custody is not the one that was exported")
	}
	if len(note.Captures) != len(b.Captures) || len(b.Captures) == 0 {
		r.say("the export is of %d captures, and %d are here", len(note.Captures), len(b.Captures))
		return r
	}
	for i := range b.Captures {
		if note.Captures[i] != hashOf([]byte(b.Captures[i].Manifest)).String() {
			r.say("capture %d is not the one that was exported", i+1)
		}
	}
	return r
}

func readBundle(line []byte) (*Bundle, error) {
	var b Bundle
	if err := json.Unmarshal(line, &b); err != nil {
		return nil, err
	}
	if b.Format != bundleFormat {
		return nil, fmt.Errorf("its format is %q, not %s: a newer version may have written it", b.Format, bundleFormat)
	}
	return &b, nil
}

// Place writes a file beside its place and then puts it there: a file of that name is whole, or not there.
func Place(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*"+part)
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	err = write(f)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path) //nolint:gosec // the user names it
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name())) //nolint:gosec // likewise
	}
	return flush(filepath.Dir(path))
}
