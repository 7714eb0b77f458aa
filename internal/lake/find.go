package lake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
)

// Found is what one data file holds of the events that Find was asked for.
type Found struct {
	Path   string     // of the file, below the lake's folder, with slashes
	Hashes [][32]byte // SHA-256 of the record of each row
	Events []FoundEvent
}

// FoundEvent is an event in its place. It owns its bytes.
type FoundEvent struct {
	Kept
	Account string
	Row     int
}

// Find looks for events by their ids (metadata.uid) in a time range, widened to whole days, and calls each with every file that holds
// some that the Scope sees. The ids are read first; a file without any of them is not read further. An event that stands in
// several files is found in each.
func (l *Lake) Find(ctx context.Context, scope access.Scope, from, to time.Time, ids map[string]bool, each func(*Found) error) error {
	files, err := l.Plan(ctx, from, to)
	if err != nil {
		return err
	}
	for _, f := range files {
		accounts, row := map[int]string{}, 0
		err := identities(ctx, f.Path, func(_ time.Time, account, uid string) {
			if ids[uid] && scope.Sees(account) {
				accounts[row] = account
			}
			row++
		})
		if err != nil {
			return fmt.Errorf("look for events: %w", err)
		}
		if len(accounts) == 0 {
			continue
		}
		found, err := l.read(ctx, f.Path, accounts)
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		if err := each(found); err != nil {
			return err
		}
	}
	return nil
}

// read hashes all records of a file and keeps those of some rows, whose accounts are given.
func (l *Lake) read(ctx context.Context, path string, accounts map[int]string) (*Found, error) {
	below, err := l.below(path)
	if err != nil {
		return nil, err
	}
	out := &Found{Path: below}
	err = Records(ctx, path, func(k Kept) error {
		row := len(out.Hashes)
		out.Hashes = append(out.Hashes, sha256.Sum256(k.Raw))
		if account, is := accounts[row]; is {
			k.Raw, k.Format, k.ID, k.Object, k.Source = bytes.Clone(k.Raw), strings.Clone(k.Format), strings.Clone(k.ID), strings.Clone(k.Object), strings.Clone(k.Source)
			out.Events = append(out.Events, FoundEvent{Kept: k, Account: account, Row: row})
		}
		return nil
	})
	return out, err
}
