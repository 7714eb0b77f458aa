package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// clockSlack is by how much a file may seem to come from the future.
const clockSlack = 5 * time.Minute

func checkClock(_ context.Context, p *patient) checked {
	if y := p.now.Year(); y < 2026 || y > 2100 {
		return bad("it is %s", p.now.Format(time.RFC3339)).todo("set the clock: lag, silence and retention are reckoned by it (timedatectl set-ntp true)")
	}
	newest := time.Time{}
	for _, name := range []string{"desk.db", "desk.db-wal", "token", "stream", "lake/catalog.db"} {
		if info, err := os.Stat(filepath.Join(p.c.Data, name)); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	if ahead := newest.Sub(p.now); ahead > clockSlack {
		return doubt("it is %s, but the data folder was written %s later than that", p.now.UTC().Format(time.RFC3339), health.Span(ahead)).todo("the clock was set back, or was wrong before: check it against a time server")
	}
	return good("%s", p.now.UTC().Format(time.RFC3339))
}

func checkAddress(ctx context.Context, p *patient) checked {
	var alive struct {
		Status string `json:"status"`
	}
	inner, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := askServer(inner, p.c, "GET", "/healthz", "", nil, &alive); err == nil && alive.Status == "alive" {
		p.running = true
		if err := askServer(inner, p.c, "GET", "/readyz", "", nil, nil); err != nil {
			return bad("tocsin serve runs, but its worker does not: %v", err).todo("its log says why; it tries again by itself once the cause is gone")
		}
		return good("tocsin serve answers at http://%s and is ready", p.c.Listen)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.c.Listen)
	if err != nil {
		return bad("%s cannot be listened on, and it is no tocsin serve that answers there: %v", p.c.Listen, err).todo("stop the program that has it (ss -ltnp), or set listen to another address")
	}
	if err := l.Close(); err != nil {
		return doubt("%s: %v", p.c.Listen, err)
	}
	return good("%s is free; no tocsin serve runs", p.c.Listen)
}

func checkFolder(_ context.Context, p *patient) checked {
	dir := p.c.Data
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return good("%s is not there yet; the first start makes it", dir)
	}
	if err == nil && !info.IsDir() {
		err = errors.New("it is no folder")
	}
	if err == nil {
		err = tryWrite(dir)
	}
	if err != nil {
		return bad("%s cannot be written: %v", dir, err).todo("give the user that runs tocsin this folder, or set data to another")
	}
	system := fileSystem(dir)
	switch system {
	case "nfs", "smb", "cifs", "9p":
		return doubt("%s is on %s, where locks and fsync may not hold what they promise", dir, system).todo("put data on a local disk; the desk can be PostgreSQL (desk in tocsin.yaml)")
	case "tmpfs", "ramfs":
		return doubt("%s is on %s: it is gone after a restart of the machine", dir, system).todo("put data on a disk")
	}
	return good("%s on %s can be written", dir, system)
}

func tryWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString("x")
	return errors.Join(err, f.Sync(), f.Close())
}

// diskReserve is what must be free for anything to work: what the stream leaves of the disk, and room for a commit.
const diskReserve = 512 << 20

func checkDisk(_ context.Context, p *patient) checked {
	dir := p.c.Data
	for _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir); _, err = os.Stat(dir) {
		dir = filepath.Dir(dir)
	}
	free, ok := freeBytes(dir)
	if !ok {
		return doubt("how much is free cannot be told on this system").todo("see to it that there is more than stream.size (" + p.c.Stream.Size + ")")
	}
	waiting := folderBytes(p.c.streamDir())
	switch {
	case free < diskReserve:
		return bad("%s free: sources will be paused", binaryBytes(free)).todo("make room: nothing is lost meanwhile, as the sources wait")
	case free+waiting < p.c.Stream.size:
		return doubt("%s free, and the stream may come to hold %s", binaryBytes(free), p.c.Stream.Size).todo("make room, or set stream.size lower")
	}
	return good("%s free; the stream may hold %s", binaryBytes(free), p.c.Stream.Size)
}

func folderBytes(dir string) int64 {
	total := int64(0)
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}

func checkDesk(ctx context.Context, p *patient) checked {
	have, newest, err := desk.Version(ctx, p.c.Desk)
	address := p.c.Desk
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		address = "postgres://…" + address[i:] // without the password
	}
	switch {
	case errors.Is(err, desk.ErrNotFound):
		return good("%s is not there yet; the first start makes it", address)
	case err != nil:
		return bad("%s cannot be opened: %v", address, err).todo("restore it from a copy (docs/operations.md); the lake holds every event, and alerts are concluded again from it")
	case have > newest:
		return bad("its schema is %d, this version knows %d", have, newest).todo("run the newer tocsin, or restore the copy from before the upgrade")
	case have < newest:
		return good("schema %d; the next start takes it to %d", have, newest)
	}
	p.current = true
	return good("schema %d, as this version wants it", have)
}

// Above these a lake has not been compacted or expired as it should be.
const (
	manySnapshots = 2000
	smallFile     = 64 << 10
	manyFiles     = 5000
)

func checkLake(ctx context.Context, p *patient) checked {
	look, err := lake.Examine(ctx, p.c.lakeDir())
	switch {
	case errors.Is(err, lake.ErrNoLake):
		return good("not there yet; the first start makes it")
	case err != nil:
		return bad("%v", err).todo("restore lake/catalog.db from a copy: the data files are named by it (docs/operations.md)")
	case len(look.Missing) > 0:
		return bad("%d of %d data files are gone, the first is %s", len(look.Missing), look.Files, look.Missing[0]).todo("restore them from a copy; tocsin ledger verify names all that is missing or changed")
	}
	says := fmt.Sprintf("%d snapshots; %d files of %s with %d events", look.Snapshots, look.Files, binaryBytes(look.Bytes), look.Rows)
	if look.Snapshots > manySnapshots || look.Files > manyFiles && look.Bytes/int64(look.Files) < smallFile {
		return doubt("%s: more and smaller than they should be", says).todo("tocsin serve compacts and expires every lake.tidy (10m): let it run, and look for 'compact' in its log")
	}
	return good("%s", says)
}

func checkLedger(ctx context.Context, p *patient) checked {
	dir := p.c.ledgerDir()
	info, err := os.Stat(filepath.Join(dir, "ledger.key"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err == nil {
			return bad("the private key is gone").todo("restore ledger/ledger.key from a copy: a log is not continued under another key")
		}
		return good("not there yet; the first start makes it and its key")
	}
	if err != nil {
		return bad("%v", err).todo("give the user that runs tocsin the folder " + dir)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return bad("others may read the private key (%v)", mode).todo("chmod 600 " + filepath.Join(dir, "ledger.key") + ", then: tocsin ledger rotate")
	}
	if p.running {
		return good("the key is the owner's alone; tocsin serve has the log open")
	}
	l, err := ledger.Open(ctx, ledger.Options{Dir: dir, Origin: p.c.Origin})
	if err != nil {
		return bad("%v", err).todo("tocsin ledger verify says what is wrong; restore the folder from a copy")
	}
	at, err := l.Checkpoint()
	if err = errors.Join(err, l.Close()); err != nil {
		return bad("%v", err).todo("tocsin ledger verify says what is wrong")
	}
	return good("%d leaves, signed as %s; the key is the owner's alone", at.Size, at.Origin)
}

func checkStream(ctx context.Context, p *patient) checked {
	if p.running {
		return good("tocsin serve has it open")
	}
	if _, err := os.Stat(p.c.streamDir()); errors.Is(err, fs.ErrNotExist) {
		return good("not there yet; the first start makes it")
	}
	s, err := stream.Open(ctx, stream.Options{Dir: p.c.streamDir(), MaxBytes: p.c.Stream.size})
	if err != nil {
		return bad("%v", err).todo("what is in it was received and is not yet in the lake: restore the folder rather than remove it")
	}
	usage, err := s.Usage(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return bad("%v", err).todo("look at the disk; the stream is checked whole when it opens")
	}
	batches, bytes := 0, int64(0)
	for _, u := range usage {
		batches += u.Messages
		bytes += u.Bytes
	}
	return good("opens; %d batches of %s wait", batches, binaryBytes(bytes))
}

func checkToken(_ context.Context, p *patient) checked {
	info, err := os.Stat(p.c.tokenFile())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return good("not there yet; the first start makes it")
	case err != nil:
		return bad("%v", err).todo("give the user that runs tocsin the file")
	case info.Mode().Perm()&0o077 != 0:
		return bad("others may read the owner's token (%v)", info.Mode().Perm()).todo("tocsin token revoke owner; rm " + p.c.tokenFile() + "; the next start makes a new one")
	}
	return good("%s is the owner's alone", p.c.tokenFile())
}
