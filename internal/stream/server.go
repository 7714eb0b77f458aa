package stream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// engine is the NATS server in this process. It listens nowhere; connections to it are pipes.
type engine struct {
	server *natsserver.Server
}

func startEngine(ctx context.Context, dir string, log *slog.Logger) (*engine, error) {
	server, err := natsserver.NewServer(&natsserver.Options{
		ServerName:         "tocsin",
		DontListen:         true,
		NoSigs:             true, // signals are the process's own
		MaxPayload:         8 << 20,
		JetStream:          true,
		StoreDir:           dir,
		SyncAlways:         true,
		JetStreamMaxMemory: 64 << 20,
		JetStreamMaxStore:  1 << 60, // the partitions have their own limits
	})
	if err != nil {
		return nil, err
	}
	relay := &relay{log: log.With("part", "stream")}
	server.SetLoggerV2(relay, false, false, false)
	server.Start()
	e := &engine{server}
	for !server.ReadyForConnections(100 * time.Millisecond) {
		if err := errors.Join(relay.failure(), ctx.Err()); err != nil {
			e.stop()
			return nil, fmt.Errorf("the engine did not start: %w", err)
		}
	}
	if err := relay.failure(); err != nil || !server.JetStreamEnabled() {
		e.stop()
		return nil, fmt.Errorf("the engine's store did not start: %w", err)
	}
	return e, nil
}

func (e *engine) connect() (*nats.Conn, error) {
	return nats.Connect("", nats.InProcessServer(e.server), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
}

func (e *engine) stop() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

// syncTree flushes every folder below dir, so that the names of what was just made outlast a loss of power.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncFolder(path)
	})
}

// relay writes the server's log into ours, one level lower for what it only notes. It keeps what the server dies of.
type relay struct {
	log   *slog.Logger
	mu    sync.Mutex
	fatal error
}

func (r *relay) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fatal
}

func (r *relay) Fatalf(format string, v ...any) {
	r.mu.Lock()
	r.fatal = fmt.Errorf(format, v...)
	r.mu.Unlock()
	r.Errorf(format, v...)
}

func (r *relay) Errorf(format string, v ...any)  { r.log.Error(fmt.Sprintf(format, v...)) }
func (r *relay) Warnf(format string, v ...any)   { r.log.Warn(fmt.Sprintf(format, v...)) }
func (r *relay) Noticef(format string, v ...any) { r.log.Debug(fmt.Sprintf(format, v...)) }
func (r *relay) Debugf(string, ...any)           {}
func (r *relay) Tracef(string, ...any)           {}
