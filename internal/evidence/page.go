package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tocsin-security/tocsin/internal/ledger"
)

//go:embed page/page.css
var pageStyle string

//go:embed page/verifier.js
var verifierScript string

//go:embed page/page.js
var pageScript string

// The page is written as a browser would write it out again, so that its script can hash all of it.
const (
	bundleOpen = `<script type="application/json" id="bundle">`
	blobsOpen  = `<script type="application/json" id="blobs">`
	sumOpen    = `<meta name="page-sha256" content="`
	noSum      = "0000000000000000000000000000000000000000000000000000000000000000"
)

func policyHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page writes one offline page. Its policy allows nothing but its own style and script, by their hashes, and pictures out of its own
// bytes. All content of logs stands in two blocks of JSON without any <, and is shown as text.
func (e *Export) page(w io.Writer) error {
	script := verifierScript + pageScript
	head := `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ` +
		policyHash(script) + `; style-src ` + policyHash(pageStyle) + `; img-src blob:; base-uri 'none'; form-action 'none'"><meta name="referrer" content="no-referrer">` + sumOpen
	h := sha256.New()
	if _, err := io.WriteString(h, head+noSum); err != nil {
		return err
	}
	if err := e.rest(h, script); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	_, err := out.WriteString(head + hex.EncodeToString(h.Sum(nil)))
	if err == nil {
		err = e.rest(out, script) // the same again: no page is held in memory for its hash
	}
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// rest writes what comes after the page's own hash.
func (e *Export) rest(w io.Writer, script string) error {
	var b bytes.Buffer
	b.WriteString(`"><title>` + e.Name + `</title><style>` + pageStyle + `</style></head><body><noscript>This page shows and verifies its evidence with a script of its own, which this browser does not run.</noscript>` + bundleOpen)
	if err := embedJSON(&b, e.bundle); err != nil {
		return err
	}
	b.WriteString("</script>" + blobsOpen + "{")
	if _, err := b.WriteTo(w); err != nil {
		return err
	}
	for i, sum := range slices.SortedFunc(slices.Values(e.blobs), func(a, b ledger.Hash) int { return strings.Compare(a.String(), b.String()) }) {
		open := `,"`
		if i == 0 {
			open = `"`
		}
		if _, err := io.WriteString(w, open+sum.String()+`":"`); err != nil {
			return err
		}
		packed := base64.NewEncoder(base64.StdEncoding, w)
		if err := errors.Join(e.vault.copy(packed, sum), packed.Close()); err != nil {
			return err
		}
		if _, err := io.WriteString(w, `"`); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "}</script><script>"+script+"</script></body></html>")
	return err
}

// embedJSON writes JSON in which <, > and & are escapes, without a line end.
func embedJSON(b *bytes.Buffer, v any) error {
	if err := json.NewEncoder(b).Encode(v); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	b.Truncate(b.Len() - 1)
	return nil
}

// pageIntact checks the page's hash of itself. It finds accidents; who means harm can make a new one, but no seal.
func pageIntact(raw []byte) error {
	before, rest, ok := bytes.Cut(raw, []byte(sumOpen))
	if !ok || len(rest) < len(noSum) {
		return errors.New("the page does not say its own hash")
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{string(before), sumOpen, noSum, string(rest[len(noSum):])}, "")))
	if hex.EncodeToString(sum[:]) != string(rest[:len(noSum)]) {
		return errors.New("the page is not as it was written")
	}
	return nil
}

// openPage finds bundle and items in a page.
func openPage(in io.Reader) (*Bundle, func(ledger.Hash) ([]byte, error), error) {
	raw, err := io.ReadAll(io.LimitReader(in, 1<<30))
	if err != nil {
		return nil, nil, err
	}
	line, err := between(raw, bundleOpen)
	if err != nil {
		return nil, nil, err
	}
	b, err := readBundle(line)
	if err != nil {
		return nil, nil, err
	}
	packed, err := between(raw, blobsOpen)
	if err != nil {
		return nil, nil, err
	}
	var blobs map[string]string
	if err := json.Unmarshal(packed, &blobs); err != nil {
		return nil, nil, err
	}
	if err := pageIntact(raw); err != nil {
		return nil, nil, err
	}
	return b, func(sum ledger.Hash) ([]byte, error) {
		text, is := blobs[sum.String()]
		if !is {
			return nil, errors.New("it is not in the page")
		}
		return base64.StdEncoding.DecodeString(text)
	}, nil
}

func between(raw []byte, opening string) ([]byte, error) {
	_, rest, ok := bytes.Cut(raw, []byte(opening))
	if !ok {
		return nil, errors.New("it has no bundle")
	}
	text, _, ok := bytes.Cut(rest, []byte("</script>"))
	if !ok {
		return nil, errors.New("it ends before its bundle does")
	}
	return text, nil
}
