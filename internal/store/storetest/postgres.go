package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of PostgreSQL
)

// cluster is the one PostgreSQL of this process.
type cluster struct {
	once  sync.Once
	err   error
	dir   string
	port  int
	cmd   *exec.Cmd
	stdin io.Closer
	mu    sync.Mutex
	made  int
}

var theCluster cluster //nolint:gochecknoglobals // one per process, as the tests of a package share it

// errMissing says that PostgreSQL is not installed.
var errMissing = errors.New("PostgreSQL is not installed; install it with: build/test-setup.sh (or apt-get install postgresql)")

// Main runs the tests of a package and stops the cluster that they used. It returns what TestMain exits with.
func Main(m *testing.M) int {
	code := m.Run()
	theCluster.stop()
	return code
}

// Postgres returns the address of an empty database.
func Postgres(t *testing.T) string { return For(t) }

// For is Postgres for a benchmark too.
func For(t testing.TB) string {
	t.Helper()
	c := &theCluster
	c.once.Do(func() { c.err = c.start() })
	switch {
	case errors.Is(c.err, errMissing) && os.Getenv("CI") != "true":
		t.Skip(c.err)
	case c.err != nil:
		t.Fatal(c.err)
	}
	address, err := c.database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (c *cluster) address(name string) string {
	return "postgres://postgres@127.0.0.1:" + strconv.Itoa(c.port) + "/" + name + "?sslmode=disable"
}

func (c *cluster) database(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	name := "test" + strconv.Itoa(c.made)
	db, err := sql.Open("pgx", c.address("postgres"))
	if err != nil {
		return "", err
	}
	defer db.Close() //nolint:errcheck // a test's
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+name)
	return c.address(name), err
}

// program finds a program of PostgreSQL; Debian keeps them by version, out of the PATH.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return "", errMissing
	}
	return slices.Max(found), nil
}

func (c *cluster) start() (err error) {
	initdb, err := program("initdb")
	if err != nil {
		return err
	}
	postgres, err := program("postgres")
	if err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("", "tocsin-postgres-"); err != nil {
		return err
	}
	data := filepath.Join(c.dir, "data")
	made := exec.Command(initdb, "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C") //nolint:gosec // a program of PostgreSQL
	made.Dir = "/"
	if err := asPostgres(made, c.dir); err != nil {
		return err
	}
	if out, err := made.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	for range 3 { // another process can take the port between
		if err = c.serve(postgres, data); err == nil {
			return nil
		}
	}
	return err
}

// serve starts the server. The shell before it stops it when its own input ends, which it does with this process.
func (c *cluster) serve(postgres, data string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	c.port = port
	var talk strings.Builder
	c.cmd = exec.Command("/bin/sh", "-c", `"$@" </dev/null & p=$!; read -r x; kill -INT $p; wait $p`, "sh", postgres, "-D", data, "-p", strconv.Itoa(port), //nolint:gosec // likewise
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=100")
	c.cmd.Dir = "/"
	c.cmd.Stderr = &talk
	if err := asPostgres(c.cmd, ""); err != nil {
		return err
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	db, err := sql.Open("pgx", c.address("postgres"))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // a test's
	for range 300 {
		if err = db.Ping(); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = c.stdin.Close()
	_ = c.cmd.Wait()
	return fmt.Errorf("PostgreSQL did not start: %w: %s", err, talk.String())
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

func (c *cluster) stop() {
	if c.stdin != nil {
		_ = c.stdin.Close()
		_ = c.cmd.Wait()
	}
	if c.dir != "" {
		_ = os.RemoveAll(c.dir)
	}
}
