package evidence

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tocsin-security/tocsin/internal/ledger"
)

// exported writes a set of everything in a form, and returns the path and the public key. The key of the ledger changed meanwhile.
func exported(t *testing.T, form string) (path, key string) {
	t.Helper()
	s := open(t, t.TempDir(), "")
	id := s.whole(t)
	if err := s.ledger.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.capture(t, &Request{Set: id, Why: "after the change of key", Events: []string{uid(2)}, From: noon})
	path = filepath.Join(t.TempDir(), "evidence."+form)
	if err := exportTo(t.Context(), s, id, path); err != nil {
		t.Fatal(err)
	}
	return path, s.ledger.PublicKey()
}

func otherKey(t *testing.T) string {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Origin: "test.local/ledger"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.PublicKey()
}

// TestAnExportVerifiesWithTheKeyAlone, and after one changed byte, wherever it is, it does not.
func TestAnExportVerifiesWithTheKeyAlone(t *testing.T) {
	t.Parallel()
	for _, form := range []string{FormatZip, FormatHTML} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			path, key := exported(t, form)
			r, err := VerifyFile(path, key)
			if err != nil || !r.Clean() || r.Captures != 3 || r.Items != 10 || r.Proven != 6 || r.Custody < 4 {
				t.Fatalf("%+v, %v", r, err)
			}
			if r, err := VerifyFile(path, otherKey(t)); err == nil && r.Clean() {
				t.Error("another key is believed")
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			changed, pick := filepath.Join(t.TempDir(), "changed"), rand.New(rand.NewPCG(1, 2))
			for range 300 {
				at := pick.IntN(len(content))
				content[at] ^= 1 << pick.IntN(8)
				now := content
				if err := os.WriteFile(changed, now, 0o600); err != nil {
					t.Fatal(err)
				}
				if r, err := VerifyFile(changed, key); err == nil && r.Clean() {
					t.Fatalf("byte %d was changed, and it verifies", at)
				}
				if content, err = os.ReadFile(path); err != nil {
					t.Fatal(err)
				}
			}
			for _, n := range []int{0, 3, 100, len(content) / 2, len(content) - 1} {
				if err := os.WriteFile(changed, content[:n], 0o600); err != nil {
					t.Fatal(err)
				}
				if r, err := VerifyFile(changed, key); err == nil && r.Clean() {
					t.Errorf("the first %d bytes verify", n)
				}
			}
		})
	}
}

// forge changes a bundle as somebody would who can write a whole new file around it.
var forgeries = map[string]func(b *Bundle, blobs map[ledger.Hash][]byte){
	"an item's bytes": func(_ *Bundle, blobs map[ledger.Hash][]byte) {
		for sum, content := range blobs {
			if bytes.Contains(content, []byte("AttachUserPolicy")) {
				blobs[sum] = bytes.ReplaceAll(content, []byte("alice"), []byte("bobby"))
				return
			}
		}
	},
	"a missing item": func(_ *Bundle, blobs map[ledger.Hash][]byte) {
		for sum := range blobs {
			delete(blobs, sum)
			return
		}
	},
	"a manifest": func(b *Bundle, _ map[ledger.Hash][]byte) {
		b.Captures[0].Manifest = strings.Replace(b.Captures[0].Manifest, "ann", "eve", 1)
	},
	"a missing capture":   func(b *Bundle, _ map[ledger.Hash][]byte) { b.Captures = b.Captures[1:] },
	"the last capture":    func(b *Bundle, _ map[ledger.Hash][]byte) { b.Captures = b.Captures[:2] },
	"the seal of another": func(b *Bundle, _ map[ledger.Hash][]byte) { b.Captures[0].Seal = b.Captures[1].Seal },
	"no seal":             func(b *Bundle, _ map[ledger.Hash][]byte) { b.Captures[0].Seal = ledger.Statement{} },
	"a line of custody": func(b *Bundle, _ map[ledger.Hash][]byte) {
		b.Custody[0] = strings.Replace(b.Custody[0], "ann", "eve", 1)
	},
	"a line less":       func(b *Bundle, _ map[ledger.Hash][]byte) { b.Custody = b.Custody[:len(b.Custody)-1] },
	"who exported it":   func(b *Bundle, _ map[ledger.Hash][]byte) { b.Export = strings.Replace(b.Export, "ann", "eve", 1) },
	"the chain of keys": func(b *Bundle, _ map[ledger.Hash][]byte) { b.Seal.Keys = nil },
	"a key by another": func(b *Bundle, _ map[ledger.Hash][]byte) {
		b.Seal.Keys[0].Line = strings.Replace(b.Seal.Keys[0].Line, "test.local", "best.local", 1)
	},
	"the place of a leaf": func(b *Bundle, _ map[ledger.Hash][]byte) { b.Captures[1].Seal.Leaves[0].Index++ },
	"a checkpoint's root": func(b *Bundle, _ map[ledger.Hash][]byte) {
		b.Seal.Checkpoint = strings.Replace(b.Seal.Checkpoint, "\n\n", "x\n\n", 1)
	},
	"a signature": func(b *Bundle, _ map[ledger.Hash][]byte) { b.Seal.Checkpoint = b.Captures[0].Seal.Checkpoint },
	"the proof of an event": func(b *Bundle, _ map[ledger.Hash][]byte) {
		b.Captures[0].Manifest = regexp.MustCompile(`"index":\d+`).ReplaceAllString(b.Captures[0].Manifest, `"index":9`)
	},
	"nothing at all is left": func(b *Bundle, _ map[ledger.Hash][]byte) { b.Captures = nil },
}

// bundleOf reads an exported zip back.
func bundleOf(t *testing.T, path string) (line []byte, blobs map[ledger.Hash][]byte) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b, blob, err := openZip(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	blobs = map[ledger.Hash][]byte{}
	for i := range b.Captures {
		var m Manifest
		if err := json.Unmarshal([]byte(b.Captures[i].Manifest), &m); err != nil {
			t.Fatal(err)
		}
		for sum := range m.needs() {
			if blobs[sum], err = blob(sum); err != nil {
				t.Fatal(err)
			}
		}
	}
	if line, err = encode(b); err != nil {
		t.Fatal(err)
	}
	return line, blobs
}

// TestBothVerifiersSeeEachForgery gives each forgery to the verifier in Go and to the one of the page, in Node.
func TestBothVerifiersSeeEachForgery(t *testing.T) {
	t.Parallel()
	node := need(t, "node", "nodejs")
	path, key := exported(t, FormatZip)
	line, _ := bundleOf(t, path)
	type asked struct {
		Name   string
		Bundle json.RawMessage
		Blobs  map[string][]byte
	}
	ask := []asked{}
	want := map[string]bool{}
	add := func(name string, change func(*Bundle, map[ledger.Hash][]byte)) {
		var b Bundle
		if err := json.Unmarshal(line, &b); err != nil {
			t.Fatal(err)
		}
		_, blobs := bundleOf(t, path)
		change(&b, blobs)
		r := b.check(key, func(sum ledger.Hash) ([]byte, error) {
			if content, is := blobs[sum]; is {
				return content, nil
			}
			return nil, os.ErrNotExist
		})
		want[name] = r.Clean()
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		a := asked{name, text, map[string][]byte{}}
		for sum, content := range blobs {
			a.Blobs[sum.String()] = content
		}
		ask = append(ask, a)
	}
	add("as it is", func(*Bundle, map[ledger.Hash][]byte) {})
	for name, change := range forgeries {
		add(name, change)
		if want[name] {
			t.Errorf("%s: the verifier in Go believes it", name)
		}
	}
	if !want["as it is"] {
		t.Fatal("the verifier in Go refuses what is right")
	}
	in, err := json.Marshal(map[string]any{"key": key, "other": otherKey(t), "ask": ask})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), node, "testdata/verify.js")
	c.Stdin = bytes.NewReader(in)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got map[string]struct {
		Problems      []string
		Items, Proven int
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, clean := range want {
		if g, is := got[name]; !is || (len(g.Problems) == 0) != clean {
			t.Errorf("%s: the page's verifier says %v", name, g.Problems)
		}
	}
	if g := got["as it is"]; g.Items != 10 || g.Proven != 6 || len(got["another key"].Problems) == 0 {
		t.Errorf("%+v, %+v", g, got["another key"])
	}
}

// TestAProofIsOfItsEventAlone gives the proof of one event to another.
func TestAProofIsOfItsEventAlone(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	id := s.capture(t, &Request{Events: s.events(t, 3)})
	d, err := s.Set(t.Context(), all, ann, id)
	if err != nil {
		t.Fatal(err)
	}
	m := d.Manifests[0].Manifest
	lake, err := m.Lake.Prove(s.ledger.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	a, b := m.Items[0], m.Items[1]
	if err := proven(lake, &a); err != nil {
		t.Error(err)
	}
	a.Event.Proof, b.Event.Proof = b.Event.Proof, a.Event.Proof
	for _, it := range []Item{a, b} {
		if proven(lake, &it) == nil {
			t.Errorf("%s is proven by the proof of another", it.Name)
		}
	}
	a.Event.Proof.File = "data/other.parquet"
	if proven(lake, &a) == nil || proven(nil, &a) == nil {
		t.Error("a file that no leaf names proves it")
	}
}

// need finds a program that the test runs. With CI=true it must be there.
func need(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: apt-get install %s", names[0], names[len(names)-1])
	}
	t.Skipf("%s is not installed: apt-get install %s", names[0], names[len(names)-1])
	return ""
}

// TestThePageVerifiesItselfOffline opens exports in Chromium: the right one verifies and shows its content as text, a changed one is refused.
func TestThePageVerifiesItselfOffline(t *testing.T) {
	t.Parallel()
	chromium := need(t, "chromium", "chromium-browser", "google-chrome", "chromium")
	path, key := exported(t, FormatHTML)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := func(mark string, behind int) int {
		i := bytes.Index(content, []byte(mark))
		if i < 0 {
			t.Fatalf("%q is not in the page", mark)
		}
		return i + len(mark) + behind
	}
	flip := func(at int) []byte {
		out := bytes.Clone(content)
		out[at] = map[bool]byte{true: 'b', false: 'a'}[out[at] == 'a']
		return out
	}
	for name, c := range map[string]struct {
		page []byte
		key  string
		want string
	}{
		"as it is":              {content, key, "VERIFIED with key test.local/ledger+"},
		"without a key":         {content, "", "NOT VERIFIED YET"},
		"by another key":        {content, otherKey(t), "REFUSED"},
		"with a mistyped key":   {content, key[:len(key)-5] + "AAAA=", "REFUSED"},
		"a byte of an item":     {flip(at(blobsOpen, 100)), key, "REFUSED"},
		"a byte of the bundle":  {flip(at(bundleOpen, 200)), key, "REFUSED"},
		"a byte of the title":   {flip(at("<title>", 3)), key, "REFUSED"},
		"a byte of the style":   {flip(at("<style>", 30)), key, "REFUSED"},
		"a byte of the policy":  {flip(at("style-src 'sha256-", 4)), key, "REFUSED"},
		"a byte of the script":  {flip(at("</script><script>\"use strict\";\n// C", 3)), key, ""},
		"bytes after the end":   {append(bytes.Clone(content), "<p>more"...), key, "REFUSED"},
		"a byte of its own sum": {flip(at(sumOpen, 5)), key, "REFUSED"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "page.html")
			if err := os.WriteFile(file, c.page, 0o600); err != nil {
				t.Fatal(err)
			}
			shown := dump(t, chromium, file, c.key)
			_, state, _ := strings.Cut(shown, `id="state">`)
			state, _, _ = strings.Cut(state, "</p>")
			if !strings.HasPrefix(state, c.want) || c.want == "" && state != "" {
				t.Errorf("it says %q", state)
			}
			if strings.Contains(shown, "<img src=\"x\"") || strings.Contains(shown, "\u202e") && strings.Contains(visible(shown), "\u202e") {
				t.Error("text of a log became markup, or reorders text")
			}
			if c.want == "VERIFIED with key test.local/ledger+" {
				for _, text := range []string{"alice attached AdministratorAccess", "10 items in 3 captures", "6 of 6 events", "Time line", "Who did what to what", "what I saw", "captured"} {
					if !strings.Contains(visible(shown), text) {
						t.Errorf("the page does not show %q", text)
					}
				}
			}
		})
	}
}

// visible is what the page shows, without its blocks of data and script.
func visible(shown string) string {
	_, body, _ := strings.Cut(shown, "<header>")
	return body
}

// dump opens a page in Chromium and returns its document as it is then.
func dump(t *testing.T, chromium, file, key string) string {
	t.Helper()
	url := "file://" + file
	if key != "" {
		url += "#key=" + strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(key)
	}
	c := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=20000", "--dump-dom", url) //nolint:gosec // a browser
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}
