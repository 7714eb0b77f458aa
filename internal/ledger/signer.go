package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
)

// Files of the folder, beside those of Tessera.
const (
	keyFile     = "ledger.key"      // private key and its public key, a line each
	nextKeyFile = "ledger.key.next" // likewise, while a rotation is under way
	publicFile  = "ledger.pub"      // the first public key
	lockFile    = "ledger.lock"     // held by the one writer
)

// key is a signing key with its public half.
type key struct {
	private, public string
	signer          note.Signer
}

func newKey(origin string) (key, error) {
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return key{}, fmt.Errorf("make key: %w", err)
	}
	return parseKey(private + "\n" + public + "\n")
}

func parseKey(text string) (key, error) {
	private, public, ok := strings.Cut(strings.TrimSpace(text), "\n")
	if !ok {
		return key{}, errors.New("want two lines: private and public key")
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return key{}, errors.New("the private key is malformed") // the library's error may repeat the line
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return key{}, fmt.Errorf("public key %q: %w", public, err)
	}
	if verifier.KeyHash() != signer.KeyHash() || verifier.Name() != signer.Name() {
		return key{}, errors.New("private and public key do not belong together")
	}
	return key{private, public, signer}, nil
}

func loadKey(path string) (key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return key{}, err
	}
	k, err := parseKey(string(text))
	if err != nil {
		return key{}, fmt.Errorf("key file %s: %w", path, err)
	}
	return k, nil
}

func (k key) save(path string) error {
	return writeDurably(path, k.private+"\n"+k.public+"\n", 0o600)
}

// openKeys reads the folder's key, or makes one where the folder holds no log yet. A missing half is never made up: who lost the
// private key must know, and who lost the first public key must bring it back from a copy.
func openKeys(dir, origin string) (current key, firstPublic string, err error) {
	current, err = loadKey(filepath.Join(dir, keyFile))
	public, pubErr := os.ReadFile(filepath.Join(dir, publicFile))
	fresh := !exists(filepath.Join(dir, "checkpoint")) && !exists(filepath.Join(dir, ".state"))
	switch {
	case err == nil && pubErr == nil:
	case errors.Is(err, fs.ErrNotExist) && errors.Is(pubErr, fs.ErrNotExist) && fresh:
		if current, err = newKey(origin); err != nil {
			return key{}, "", err
		}
		if err = current.save(filepath.Join(dir, keyFile)); err != nil {
			return key{}, "", err
		}
		fallthrough
	case err == nil && errors.Is(pubErr, fs.ErrNotExist) && fresh: // killed between the two files
		public = []byte(current.public)
		if err = writeDurably(filepath.Join(dir, publicFile), current.public+"\n", 0o644); err != nil {
			return key{}, "", err
		}
	case err != nil:
		return key{}, "", fmt.Errorf("private key: %w (a log is never continued under a key made up anew: restore %s)", err, keyFile)
	default:
		return key{}, "", fmt.Errorf("first public key: %w (restore %s from a copy)", pubErr, publicFile)
	}
	if current.signer.Name() != origin {
		return key{}, "", fmt.Errorf("the log's origin is %q, not %q", current.signer.Name(), origin)
	}
	return current, strings.TrimSpace(string(public)), nil
}

// gate signs checkpoints with the key of the day. Tessera holds one signer for its whole life; so the key changes behind the gate, and
// nothing is signed once it is shut, even if Tessera's last round still runs.
type gate struct {
	mu   sync.Mutex
	key  key
	shut bool
}

var _ note.Signer = (*gate)(nil)

func (g *gate) current() key {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.key
}

func (g *gate) change(to key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.key = to
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
}

func (g *gate) Name() string    { return g.current().signer.Name() }
func (g *gate) KeyHash() uint32 { return g.current().signer.KeyHash() }

func (g *gate) Sign(msg []byte) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return nil, errors.New("sign checkpoint: ledger is closed")
	}
	return g.key.signer.Sign(msg)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// writeDurably puts a whole file in place, or none. The caller holds the folder's lock, so the temporary name is free.
func writeDurably(path, text string, mode fs.FileMode) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", part, err)
	}
	return renameDurably(part, path)
}

func renameDurably(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
