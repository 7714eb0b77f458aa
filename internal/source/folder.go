package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// folder looks for files. It asks the folder again and again rather than the kernel: that works on every file system. Links
// below it are not followed: who may write into a folder of logs must not choose what else is read.
type folder struct {
	path          string
	every, settle time.Duration
	seen          map[string]sighting // by object, of the files that are there
	cannot        []string            // what could not be read in this round, with why
}

// sighting is what is known of one file.
type sighting struct {
	etag  string
	since time.Time // when it was first seen so
	began time.Time // when it began to change, or was last read while it did
	took  time.Duration
	done  bool // it is delivered as it is
}

// growing is after how many times settle a file that is never left alone is read as far as its lines are whole.
const growing = 60

func openFolder(settings map[string]string) (Door, error) {
	every, err := durationOf(settings, "every", 2*time.Second)
	settle, err2 := durationOf(settings, "settle", time.Second)
	path, err3 := filepath.Abs(settings["path"])
	return &folder{path: path, every: every, settle: settle}, errors.Join(err, err2, err3)
}

// Test lists the folder.
func (f *folder) Test(ctx context.Context) (string, error) {
	n, bytes := 0, int64(0)
	err := f.walk(ctx, func(_, _ string, info fs.FileInfo) error {
		n++
		bytes += info.Size()
		return nil
	})
	if len(f.cannot) > 0 && err == nil {
		err = errors.New(f.complaint())
	}
	return fmt.Sprintf("%s: %d files of %d bytes", f.path, n, bytes), err
}

// Run delivers each file that is left alone, and again when it has changed since.
func (f *folder) Run(ctx context.Context, env Env) error {
	for {
		if err := f.round(ctx, env); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(f.every):
		}
	}
}

func (f *folder) round(ctx context.Context, env Env) error {
	now := map[string]sighting{}
	err := f.walk(ctx, func(path, object string, info fs.FileInfo) error {
		s, err := f.look(ctx, env, path, object, info)
		now[object] = s
		return err
	})
	if err != nil {
		return err
	}
	f.seen = now
	if len(f.cannot) > 0 {
		env.Say("failing", f.complaint())
	} else {
		env.Say("waiting", "")
	}
	return nil
}

func (f *folder) complaint() string {
	return fmt.Sprintf("%d files or folders cannot be read and are tried again; the first: %s", len(f.cannot), f.cannot[0])
}

// walk calls do for every regular file with its path and what it is called as an object.
func (f *folder) walk(ctx context.Context, do func(path, object string, info fs.FileInfo) error) error {
	f.cannot = nil
	root, err := filepath.EvalSymlinks(f.path)
	if err != nil {
		return fmt.Errorf("%s is no folder that can be read: %w", f.path, err)
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return errors.Join(fmt.Errorf("%s is no folder that can be read", f.path), err)
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			f.cannotRead(err)
			return nil
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.Type().IsRegular() || beingWritten(d.Name()):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // gone since
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return do(path, textOf(filepath.ToSlash(rel)), info)
	})
}

func (f *folder) cannotRead(err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		f.cannot = append(f.cannot, err.Error())
	}
}

// beingWritten knows the names by which writers say that a file is not whole yet.
func beingWritten(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".part")
}

// textOf writes bytes that are no text as percent signs and digits: a database of text takes no others.
func textOf(name string) string {
	if utf8.ValidString(name) && !strings.Contains(name, "\x00") {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		if r == 0 || r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, "%%%02X", name[0])
		} else {
			b.WriteRune(r)
		}
		name = name[size:]
	}
	return b.String()
}

func etagOf(info fs.FileInfo) string {
	return fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())
}

// look decides whether a file is to be delivered now. A file is left alone if its time says so, or, where that lies in the future,
// if it was seen unchanged for as long.
func (f *folder) look(ctx context.Context, env Env, path, object string, info fs.FileInfo) (sighting, error) {
	now, s := env.Now(), f.seen[object]
	if etag := etagOf(info); s.etag != etag {
		s.etag, s.since, s.done = etag, now, false
	}
	if s.began.IsZero() {
		s.began = now
	}
	alone := now.Sub(info.ModTime()) >= f.settle || now.Sub(s.since) >= f.settle
	switch {
	case s.done:
		return s, nil
	case alone:
		err := f.deliver(ctx, env, path, object, &s)
		return s, err
	case now.Sub(s.began) >= max(growing*f.settle, 20*s.took):
		err := f.deliverLines(ctx, env, path, object)
		s.began, s.took = env.Now(), env.Now().Sub(now)
		return s, err
	}
	return s, nil
}

// open opens a file as it was seen; nil where it has changed or gone since, or cannot be read yet.
func (f *folder) open(path string) (*os.File, fs.FileInfo) {
	file, err := openQuietly(path)
	if err != nil {
		f.cannotRead(err)
		return nil, nil
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = file.Close() // it was only looked at
		return nil, nil
	}
	return file, info
}

// deliver delivers a whole file. One that only got another name was delivered already.
func (f *folder) deliver(ctx context.Context, env Env, path, object string, s *sighting) error {
	file, info := f.open(path)
	if file == nil {
		return nil
	}
	defer file.Close()
	if etagOf(info) != s.etag {
		return nil
	}
	d := desk.Delivery{Source: env.Source, Object: identityOf(info), ETag: s.etag, At: env.Now().UTC()}
	if d.Object != "" {
		renamed, err := env.Desk.WasDelivered(ctx, d.Source, d.Object, d.ETag)
		if err != nil {
			return err
		}
		if renamed {
			s.done, s.began = true, time.Time{}
			return nil
		}
	}
	if err := receiveFile(ctx, env, object, s.etag, collect.Of(path, file, info.Size())); err != nil {
		return err
	}
	s.done, s.began = true, time.Time{}
	if d.Object == "" {
		return nil
	}
	return env.Desk.Delivered(ctx, d)
}

// deliverLines delivers the whole lines of a file that grows without a pause. What is read again with the next is known by its place.
func (f *folder) deliverLines(ctx context.Context, env Env, path, object string) error {
	file, info := f.open(path)
	if file == nil {
		return nil
	}
	defer file.Close()
	size, err := wholeLines(file, info.Size())
	if err != nil || size == 0 {
		return nil //nolint:nilerr // it is read when it is left alone
	}
	return receiveFile(ctx, env, object, fmt.Sprintf("lines-%d", size), collect.Of(path, file, size))
}

// lastLook is how far from its end a file is searched for the end of a line.
const lastLook = 1 << 20

// wholeLines is how many bytes of a file of text lie before the end of its last whole line; 0 where it is no text.
func wholeLines(file *os.File, size int64) (int64, error) {
	tail := make([]byte, min(size, lastLook))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return 0, err
	}
	begin, end := 0, bytes.LastIndexByte(tail, '\n')+1
	if size > lastLook {
		begin = bytes.IndexByte(tail, '\n') + 1
	}
	if text := tail[begin:max(begin, end)]; len(text) == 0 || !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return 0, nil
	}
	return size - int64(len(tail)) + int64(end), nil
}

func receiveFile(ctx context.Context, env Env, object, etag string, inv *collect.Inventory) error {
	_, err := env.Receive(ctx, pipeline.Delivery{Source: env.Source, Object: object, ETag: etag, Lane: lake.LaneLive, Received: env.Now().UTC(), Inventory: inv})
	return err
}
