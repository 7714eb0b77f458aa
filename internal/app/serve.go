package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/api"
	"github.com/tocsin-security/tocsin/internal/attack"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/evidence"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/source"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// ServeOptions are what `tocsin serve` is asked for.
type ServeOptions struct {
	Config  *Config
	Version string
	Verbose bool
	Child   []string // the command that answers searches; nil: this binary
}

// Serve runs everything in one process until the context ends.
func Serve(ctx context.Context, o ServeOptions, io Streams) error {
	h, err := openHouse(ctx, &o, io)
	if err != nil {
		return err
	}
	err = h.run(ctx)
	return errors.Join(err, h.close())
}

// house is all parts of a running Tocsin.
type house struct {
	o        *ServeOptions
	io       Streams
	log      *slog.Logger
	desk     *desk.Desk
	people   *access.People
	audit    *audit.Log
	lake     *lake.Lake
	ledger   *ledger.Ledger
	evidence *evidence.Store
	stream   *stream.Stream
	sources  *source.House
	worker   *pipeline.Worker
	rules    atomic.Pointer[detect.Rules]
	taking   sync.Mutex // of rules: one reading at a time, so that who reads last has read all
	places   enrich.Locator
	watch    *watch
	prover   *pipeline.Prover
	listener net.Listener
	feeds    *feedKeeper
	intel    atomic.Pointer[intel.Set] // the feeds of now
	feedsAs  string                    // what intel was made of
	swept    *intel.Set                // last that history was searched for
	failing  atomic.Pointer[string]    // why the worker does not work at the moment
	idle     bool                      // no worker takes what the stream holds: for measuring what comes in
	closers  []func() error
}

func openHouse(ctx context.Context, o *ServeOptions, streams Streams) (_ *house, err error) {
	c := o.Config
	level := slog.LevelWarn
	if o.Verbose {
		level = slog.LevelInfo
	}
	h := &house{o: o, io: streams, log: slog.New(slog.NewTextHandler(streams.Err, &slog.HandlerOptions{Level: level}))}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if err = c.whole(); err != nil {
		return nil, err
	}
	// The port first: a second process on one folder must not get as far as the data.
	if h.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, UsageError{Err: err, Hint: "is another tocsin running? choose another address with --listen"}
	}
	h.closers = append(h.closers, func() error { return closed(h.listener.Close()) })
	if h.stream, err = stream.Open(ctx, stream.Options{Dir: c.streamDir(), MaxBytes: c.Stream.size, Log: h.log}); err != nil {
		return nil, err
	}
	h.closers = append(h.closers, h.stream.Close)
	if h.desk, err = desk.Open(ctx, c.Desk); err != nil {
		return nil, err
	}
	h.closers = append(h.closers, h.desk.Close)
	if err = h.openPeople(ctx); err != nil {
		return nil, err
	}
	if h.lake, err = lake.Open(ctx, c.lakeDir()); err != nil {
		return nil, err
	}
	h.closers = append(h.closers, h.lake.Close)
	if h.ledger, err = ledger.Open(ctx, ledger.Options{Dir: c.ledgerDir(), Origin: c.Origin}); err != nil {
		return nil, err
	}
	h.closers = append(h.closers, h.ledger.Close)
	if h.evidence, err = evidence.Open(ctx, evidence.Options{DB: h.desk.Store(), Dir: c.evidenceDir(), Lake: h.lake, Ledger: h.ledger}); err != nil {
		return nil, err
	}
	if _, err = pipeline.Settle(ctx, h.stream, h.lake, h.desk, h.log); err != nil { // before a source publishes
		return nil, err
	}
	return h, h.assemble(ctx)
}

func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// takeRules reads the rules again; the worker judges by them from its next conclusion on.
func (h *house) takeRules(ctx context.Context) error {
	h.taking.Lock()
	defer h.taking.Unlock()
	rules, err := LoadRules(h.o.Config.Rules)
	if err != nil {
		return err
	}
	if err := h.proveRules(ctx, rules); err != nil {
		return err
	}
	h.rules.Store(rules)
	return nil
}

func (h *house) proveRules(ctx context.Context, rules *detect.Rules) error {
	if err := pipeline.ProveRules(ctx, h.ledger, filepath.Join(h.o.Config.ledgerDir(), "rules"), rules); err != nil {
		return fmt.Errorf("tell the ledger of the rules: %w", err)
	}
	return nil
}

// assemble puts the parts together.
func (h *house) assemble(ctx context.Context) error {
	c := h.o.Config
	rules, err := LoadRules(c.Rules)
	if err != nil {
		return err
	}
	h.rules.Store(rules)
	var env *enrich.Environment
	if c.Environment != "" {
		if env, err = enrich.ReadEnvironment(c.Environment); err != nil {
			return UsageError{Err: err, Hint: "tocsin environment propose drafts one"}
		}
	}
	places, err := openPlaces()
	if err != nil {
		return err
	}
	h.places = places
	h.feeds = &feedKeeper{desk: h.desk, folder: intel.Folder(c.intelDir()), own: env.Prefixes(), now: time.Now, log: h.log}
	if err := h.beginFeeds(ctx); err != nil {
		return err
	}
	follower := &pipeline.Follower{Lake: h.lake, Ledger: h.ledger, Mark: filepath.Join(c.ledgerDir(), "followed")}
	if err := h.proveRules(ctx, rules); err != nil {
		return err
	}
	h.prover = &pipeline.Prover{Desk: h.desk, Ledger: h.ledger, Keys: c.Digests.keys, Now: time.Now}
	follower.Prove = h.prover.Prove
	h.worker = &pipeline.Worker{
		Stream: h.stream, Lake: h.lake, Desk: h.desk, Follow: follower.Follow, Keep: c.keep(), Now: time.Now, Log: h.log, Timing: c.timing(), Intel: h.intel.Load, Rules: h.rules.Load, Trials: filepath.Join(c.streamDir(), "trials"), Memory: filepath.Join(c.Data, "memory"),
		Judging: pipeline.Options{Rules: rules, Environment: env, Places: places, Workers: c.Detect.Workers},
	}
	h.sources = &source.House{Desk: h.desk, Receiver: &pipeline.Receiver{Stream: h.stream, Desk: h.desk, Now: time.Now}, Spool: filepath.Join(c.Data, "spool"), Log: h.log, Now: time.Now}
	if err := os.RemoveAll(h.sources.Spool); err != nil { // what a kill left behind was never acknowledged
		return err
	}
	follower.Damaged = h.worker.Harmed
	if h.watch, err = newWatch(c, env, h.desk, h.lake, h.log); err != nil {
		return err
	}
	h.watch.states, h.watch.stored, h.watch.damage, h.watch.unproven = h.sources.States, h.storedUntil, h.worker.Damage, h.worker.Unproven
	h.watch.evidence = h.evidence
	for _, s := range c.Sources {
		if err := h.desk.AddSource(ctx, desk.Source{Name: s.Name, Kind: s.Kind, Settings: s.Settings, Created: time.Now()}); err != nil {
			return err
		}
	}
	return h.firstToken(ctx)
}

// firstToken makes the owner's token where there is none, and keeps it in a file that only the owner reads.
func (h *house) firstToken(ctx context.Context) error {
	path := h.o.Config.tokenFile()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	owner := desk.Token{Name: "owner", Role: string(access.Admin), Accounts: []string{"*"}, Created: time.Now()}
	secret, err := h.desk.NewToken(ctx, owner)
	var taken access.MistakeError
	if errors.As(err, &taken) { // the file was removed: a name is not given twice
		owner.Name = owner.Created.UTC().Format("owner-20060102-150405.000")
		secret, err = h.desk.NewToken(ctx, owner)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(secret+"\n"), 0o600)
}

func (h *house) run(ctx context.Context) error {
	engine, err := engineOf(h.o.Child)
	if err != nil {
		return err
	}
	engine.Spare = true
	defer engine.Close() //nolint:errcheck // it has no error
	server := (&api.Server{
		Version: h.o.Version, Desk: h.desk, People: h.people, Audit: h.audit, Lake: h.lake, Evidence: h.evidence, House: h.sources, Engine: engine, Intel: h.intel.Load, Metrics: h.metrics, Ready: h.ready,
		Health: h.watch.Report, Coverage: h.watch.Coverage, Log: h.log, Now: time.Now, Secure: h.o.Config.TLS.keys != nil,
		Rules: h.rules.Load, Names: attack.ReadNames(content.AttackNames), Proof: h.proof(), Settings: h.settings,
		RulesDir: h.o.Config.Rules, TakeRules: h.takeRules, Bench: &ruleBench{house: h}, Hunts: hunt.Folder{Dir: h.o.Config.huntsDir()}, Places: h.places,
		EntityState: h.entityState(engine),
	}).HTTP()
	h.greet(ctx)
	h.setUpLink(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := h.serve(server); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return server.Shutdown(end)
	})
	group.Go(func() error { return whenDone(ctx, h.sources.Run(ctx)) })
	if !h.idle {
		group.Go(func() error { return h.work(ctx) })
	}
	group.Go(func() error { return h.watchFeeds(ctx) })
	group.Go(func() error {
		return h.prover.Run(ctx, proveEvery, func(err error) { h.log.Error("what was received cannot be told to the ledger", "error", err) })
	})
	group.Go(func() error { return h.tell(ctx) })
	group.Go(func() error { return h.watch.run(ctx) })
	group.Go(func() error { return h.relay(ctx) })
	group.Go(func() error { return h.watchEvidence(ctx) })
	group.Go(func() error { return h.hunts(ctx, engine) })
	group.Go(func() error { return h.suppress(ctx) })
	return group.Wait()
}

// serve speaks TLS where there is a certificate.
func (h *house) serve(server *http.Server) error {
	if keys := h.o.Config.TLS.keys; keys != nil {
		h.o.Config.TLS.pair.failed = func(err error) {
			h.log.Error("the certificate changed and does not load: the one of before is served", "error", err)
		}
		server.TLSConfig = keys
		return server.ServeTLS(h.listener, "", "")
	}
	return server.Serve(h.listener)
}

// whenDone forgets an error that is only the end of the context.
func whenDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// proveEvery is how long what was received may wait for its leaf where no commit comes.
const proveEvery = 15 * time.Second

// work keeps the worker going. A failure of the disk or the database passes; until then the stream holds what comes.
func (h *house) work(ctx context.Context) error {
	wait := time.Second
	for {
		start := time.Now()
		err := h.worker.Run(ctx)
		if ctx.Err() != nil {
			return err
		}
		if err == nil {
			err = errors.New("it ended by itself")
		}
		why := err.Error()
		h.failing.Store(&why)
		h.log.Error("the worker stopped; it begins again where the lake and the desk are", "error", err, "in", wait)
		if time.Since(start) > time.Minute {
			wait = time.Second
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Minute)
		if err := h.lake.Refresh(ctx); err != nil {
			h.log.Error("the lake cannot be opened", "error", err)
			continue
		}
		h.failing.Store(nil)
	}
}

// storedUntil is when the oldest batch was received that is not yet in the lake and counted on the desk; zero where none waits.
func (h *house) storedUntil(ctx context.Context) time.Time {
	var oldest time.Time
	usage, err := h.stream.Usage(ctx)
	if err != nil {
		return oldest
	}
	for _, u := range usage {
		if u.Messages > 0 && (oldest.IsZero() || u.Oldest.Before(oldest)) {
			oldest = u.Oldest
		}
	}
	return oldest
}

func (h *house) ready() error {
	if why := h.failing.Load(); why != nil {
		return errors.New(*why)
	}
	return nil
}

func (h *house) close() error {
	var errs []error
	for i := len(h.closers) - 1; i >= 0; i-- {
		errs = append(errs, h.closers[i]())
	}
	h.closers = nil
	return errors.Join(errs...)
}
