package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tocsin-security/tocsin/internal/collect"
)

// ErrTooLong says that a body is longer than is taken at once.
var ErrTooLong = errors.New("too long")

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
	src := body
	if limit > 0 {
		src = io.LimitReader(body, limit+1)
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
