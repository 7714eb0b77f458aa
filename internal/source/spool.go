package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tocsin-security/tocsin/internal/collect"
)

var (
	// ErrTooLong says that a body is longer than is taken at once.
	ErrTooLong = errors.New("too long")
	// ErrBroken says that a body ended before it was whole.
	ErrBroken = errors.New("it broke off")
)

// reading marks the errors of a body, which are not those of the disk.
type reading struct{ io.Reader }

func (r reading) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return n, err
}

// Spooled puts a body on disk, so that it can be read as an archive is, and calls do with an inventory of it. Nothing of it stays. A
// body of more than limit bytes is ErrTooLong; 0 is no limit.
func Spooled(ctx context.Context, dir string, body io.Reader, limit int64, do func(inv *collect.Inventory) error) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	f, err := os.CreateTemp(dir, "in-*")
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	src := io.Reader(reading{body})
	if limit > 0 {
		src = io.LimitReader(src, limit+1)
	}
	n, err := io.Copy(f, src)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if limit > 0 && n > limit {
		return fmt.Errorf("%w: more than %d bytes", ErrTooLong, limit)
	}
	inv, err := collect.List(ctx, []string{f.Name()}, nil, collect.Limits{})
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	defer inv.Close() //nolint:errcheck // only read
	return do(inv)
}
