package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// standardInput lists what "-" stands for. A file redirected into the program is read where it lies.
func (w *walker) standardInput(in io.Reader) error {
	if w.stdin {
		return nil
	}
	w.stdin = true
	const name = "standard input"
	if in == nil {
		return errors.New("standard input is not connected")
	}
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			from, err := f.Seek(0, io.SeekCurrent)
			if err == nil && from <= info.Size() {
				w.add(File{Name: name, Bytes: info.Size() - from, at: io.NewSectionReader(f, from, info.Size()-from)})
				return nil
			}
		}
	}
	return w.stream(name, in, func() {})
}

// fifo lists a FIFO that the user named. Opening one waits for its writer; an end of the context releases it.
func (w *walker) fifo(path string) error {
	var pair *os.File
	released := make(chan struct{})
	stop := context.AfterFunc(w.ctx, func() {
		pair, _ = openPair(path)
		close(released)
	})
	f, err := os.Open(path) //nolint:gosec // reading the paths that the user names is the purpose
	if !stop() {
		<-released
		if pair != nil {
			_ = pair.Close()
		}
	}
	if err != nil {
		w.problem(pathProblem(path, err))
		return nil
	}
	var once sync.Once
	shut := func() { once.Do(func() { _ = f.Close() }) }
	defer shut()
	return w.stream(label(path), f, shut)
}

// stream keeps what can be read only once. interrupt, called when the context ends, should end a waiting Read.
func (w *walker) stream(name string, in io.Reader, interrupt func()) error {
	k := &keep{}
	w.inv.kept = append(w.inv.kept, k)
	err := pump(w.ctx, in, interrupt, func(b []byte) error {
		if room := w.inv.limits.Stream - k.size; int64(len(b)) > room {
			w.problem(Problem{name, w.inv.limits.Stream, ReasonKeep, fmt.Sprintf("more than %d bytes (limit for a stream); what came before is read", w.inv.limits.Stream)})
			_, err := k.Write(b[:room])
			return errors.Join(errEnough, err)
		}
		_, err := k.Write(b)
		return err
	})
	switch {
	case err == nil, errors.Is(err, errEnough):
	case w.ctx.Err() != nil:
		return w.ctx.Err()
	case k.failed != nil:
		return fmt.Errorf("keep %s for reading (TMPDIR says where): %w", name, k.failed)
	default:
		w.problem(Problem{name, k.size, ReasonUnreadable, plain(err)})
	}
	w.add(File{Name: name, Bytes: k.size, at: k})
	return nil
}

var errEnough = errors.New("limit reached")

// pump reads in to its end and gives each piece to write. It returns when the context ends, even while a Read waits.
func pump(ctx context.Context, in io.Reader, interrupt func(), write func([]byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type piece struct {
		b   []byte
		err error
	}
	pieces := make(chan piece)
	free := make(chan []byte, 2)
	free <- make([]byte, 256<<10)
	free <- make([]byte, 256<<10)
	go func() {
		for {
			var b []byte
			select {
			case b = <-free:
			case <-ctx.Done():
				return
			}
			n, err := in.Read(b)
			select {
			case pieces <- piece{b[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			interrupt()
			return ctx.Err()
		case p := <-pieces:
			if err := write(p.b); err != nil {
				return err
			}
			if errors.Is(p.err, io.EOF) {
				return nil
			}
			if p.err != nil {
				return p.err
			}
			free <- p.b[:cap(p.b)]
		}
	}
}

// keepInMemory is what a keep holds before it needs a file.
const keepInMemory = 4 << 20

// keep holds bytes so that they can be read again: a few in memory, more in a private temporary file. Where the system
// allows it, the file loses its name at once, so that not even a kill leaves it behind.
type keep struct {
	size   int64
	memory []byte
	file   *os.File
	named  bool
	failed error
}

// Write appends.
func (k *keep) Write(b []byte) (int, error) {
	if k.file == nil && k.size+int64(len(b)) <= keepInMemory {
		k.memory = append(k.memory, b...)
		k.size += int64(len(b))
		return len(b), nil
	}
	if k.file == nil {
		if k.failed = k.toFile(); k.failed != nil {
			return 0, k.failed
		}
	}
	n, err := k.file.Write(b)
	k.size += int64(n)
	k.failed = err
	return n, err
}

func (k *keep) toFile() error {
	f, err := os.CreateTemp("", "tocsin-input-*") // mode 0600
	if err != nil {
		return err
	}
	k.file, k.named = f, os.Remove(f.Name()) != nil
	_, err = f.Write(k.memory)
	k.memory = nil
	return err
}

// ReadAt reads what was written.
func (k *keep) ReadAt(p []byte, off int64) (int, error) {
	if k.file != nil {
		return k.file.ReadAt(p, off)
	}
	return bytes.NewReader(k.memory).ReadAt(p, off)
}

// Close gives memory and file back.
func (k *keep) Close() error {
	k.memory = nil
	if k.file == nil {
		return nil
	}
	err := k.file.Close()
	if k.named {
		err = errors.Join(err, os.Remove(k.file.Name()))
	}
	k.file = nil
	return err
}
