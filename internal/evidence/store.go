package evidence

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options says what a Store works with.
type Options struct {
	DB     *store.DB        // required; its tables are brought up to date
	Dir    string           // required: folder of the vault, made if it is not there
	Lake   *lake.Lake       // nil: no events can be captured
	Ledger *ledger.Ledger   // nil: nothing can be captured; what is there can be read and verified with Key
	Key    string           // first public key of the ledger; taken from Ledger where that is open
	Now    func() time.Time // default time.Now
	// The most that a set holds; default MaxSetItems and MaxSetBytes.
	MaxItems, MaxBytes int64
}

// Store keeps sets of evidence. It may be used by many goroutines.
type Store struct {
	o     Options
	vault vault
	// turn is held shared from the first file of a capture to its rows, and alone by Sweep, so that no file goes that is about to be needed.
	turn sync.RWMutex
	// writing lets one at a time add to the chain of custody.
	writing sync.Mutex
}

var (
	// ErrNotFound says that there is no such set or item, or none that the Scope sees.
	ErrNotFound = errors.New("there is no such evidence")
	// ErrHeld says that a set is on legal hold.
	ErrHeld = errors.New("this evidence is on legal hold: it cannot be deleted before the hold is released")
	// ErrNoLedger says that the ledger is not open here.
	ErrNoLedger = errors.New("evidence is sealed by the ledger of the running tocsin serve: start it")
)

// MistakeError is a person's mistake, in a sentence that says what to do.
type MistakeError string

// Error is the sentence that says what to do.
func (e MistakeError) Error() string { return string(e) }

// Open brings the tables up to date and seals what a kill left unsealed.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxItems <= 0 {
		o.MaxItems = MaxSetItems
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = MaxSetBytes
	}
	if o.Ledger != nil {
		o.Key = o.Ledger.PublicKey()
	}
	root, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := o.DB.MigrateAs(ctx, "evidence_version", root); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	s := &Store{o: o, vault: vault{o.Dir}}
	if o.Ledger == nil {
		return s, nil
	}
	return s, s.settle(ctx)
}

// sweepAfter is how old a file of the vault is that no capture needs, before it goes.
const sweepAfter = time.Hour

// Sweep removes files that no capture needs: what a killed capture left, and what a deletion let go. It says how many.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	rows, err := s.o.DB.QueryContext(ctx, `SELECT sha256 FROM evidence_blobs UNION SELECT manifest FROM evidence_captures`)
	if err != nil {
		return 0, fmt.Errorf("sweep evidence: %w", err)
	}
	defer rows.Close() //nolint:errcheck // its error is that of Err
	needed := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return 0, fmt.Errorf("sweep evidence: %w", err)
		}
		needed[name] = true
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("sweep evidence: %w", err)
	}
	return s.vault.sweep(s.o.Now().Add(-sweepAfter), func(name string) bool { return needed[name] })
}

// noAccount stands for data without an account. Only an unbounded Scope sees it.
const noAccount = "-"

func joinAccounts(accounts []string) string {
	out := " "
	for _, a := range slices.Compact(slices.Sorted(slices.Values(accounts))) {
		if a = url.QueryEscape(a); a == "" {
			a = noAccount
		} else if a == noAccount {
			a = "%2D"
		}
		out += a + " "
	}
	return out
}

func splitAccounts(joined string) []string {
	out := []string{}
	for _, a := range strings.Fields(joined) {
		if a == noAccount {
			a = ""
		} else if plain, err := url.QueryUnescape(a); err == nil {
			a = plain
		}
		out = append(out, a)
	}
	return out
}

// sees asks for every account of a set: its story tells of all of them.
func sees(scope access.Scope, accounts []string) bool {
	return scope.All() || len(accounts) > 0 && !slices.ContainsFunc(accounts, func(a string) bool { return !scope.Sees(a) })
}

// text makes what people or logs wrote fit for a database of text.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
