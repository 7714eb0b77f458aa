package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/pipeline"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// State is how a source does.
type State struct {
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`
	Doing      string    `json:"doing"`         // waiting, receiving, paused, failing, done
	Why        string    `json:"why,omitempty"` // of paused and failing
	Objects    int64     `json:"objects"`       // since the start of the process
	Records    int64     `json:"records"`       // likewise
	Unreadable int64     `json:"unreadable"`    // likewise
	Last       time.Time `json:"last,omitzero"` // when the last object was received whole
	LastObject string    `json:"last_object,omitempty"`
}

// House keeps the doors of all sources open.
type House struct {
	Desk     *desk.Desk
	Receiver *pipeline.Receiver
	Spool    string
	Log      *slog.Logger
	Now      func() time.Time
	Every    time.Duration // how often the list of sources is read again; default 2 s

	wired  sync.Once
	mu     sync.Mutex
	states map[string]*State
}

// wire hears of pauses. Pushes come in before and beside Run.
func (h *House) wire() {
	h.wired.Do(func() { h.Receiver.Paused = h.paused })
}

// Run opens the doors of all sources, follows the list of them, and ends when the context does.
func (h *House) Run(ctx context.Context) error {
	h.wire()
	every := h.Every
	if every <= 0 {
		every = 2 * time.Second
	}
	open := map[string]opened{}
	defer func() {
		for _, o := range open {
			o.close()
		}
	}()
	for {
		list, err := h.Desk.Sources(ctx)
		if err != nil && ctx.Err() == nil {
			h.Log.Error("the list of sources cannot be read", "error", err)
		}
		if err == nil {
			h.follow(ctx, list, open)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
	}
}

// opened is a door that is being kept open.
type opened struct {
	as    string // what it was opened as, to see a change
	close func()
}

func (h *House) follow(ctx context.Context, list []desk.Source, open map[string]opened) {
	listed := map[string]bool{}
	for _, s := range list {
		listed[s.Name] = true
		as := fmt.Sprint(s.Kind, s.Settings, s.Paused)
		if open[s.Name].as == as {
			continue
		}
		if o, is := open[s.Name]; is {
			o.close()
		}
		open[s.Name] = opened{as, h.open(ctx, s)}
	}
	for name, o := range open {
		if !listed[name] {
			o.close()
			delete(open, name)
			h.mu.Lock()
			delete(h.states, name)
			h.mu.Unlock()
		}
	}
}

// open keeps one door open until the returned function is called, which waits for it.
func (h *House) open(ctx context.Context, s desk.Source) (closed func()) {
	h.state(s.Name, func(st *State) { st.Kind, st.Doing, st.Why = s.Kind, "waiting", "" })
	if s.Paused {
		h.state(s.Name, func(st *State) { st.Doing, st.Why = "paused", "someone paused it" })
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.keep(ctx, s)
	}()
	return func() { cancel(); <-done }
}

// keep opens a door again as often as it fails, later each time.
func (h *House) keep(ctx context.Context, s desk.Source) {
	wait := time.Second
	for {
		start := time.Now()
		err := h.once(ctx, s)
		if ctx.Err() != nil {
			return
		}
		if time.Since(start) > time.Minute {
			wait = time.Second
		}
		h.state(s.Name, func(st *State) { st.Doing, st.Why = "failing", fmt.Sprint(err) })
		h.Log.Error("a source fails", "source", s.Name, "error", err, "again in", wait)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Minute)
	}
}

func (h *House) once(ctx context.Context, s desk.Source) error {
	if err := Check(s); err != nil {
		return err
	}
	kind, _ := kindOf(s.Kind)
	door, err := kind.Open(s.Settings)
	if err != nil {
		return err
	}
	name := s.Name
	if as := s.Settings["as"]; as != "" {
		name = as
	}
	err = door.Run(ctx, Env{
		Source: name, Receive: h.Receive, Refuse: h.Refuse, Desk: h.Desk, Spool: h.Spool, Log: h.Log.With("source", s.Name), Now: h.Now,
		Say: func(doing, why string) {
			h.state(s.Name, func(st *State) { st.Doing, st.Why = doing, why })
		},
	})
	if err == nil {
		err = errors.New("it ended by itself")
	}
	return err
}

// Refuse notes durably that what a source announced cannot be had, and keeps count.
func (h *House) Refuse(ctx context.Context, d pipeline.Delivery, reason, detail string, raw []byte) error {
	err := h.Receiver.Refuse(ctx, d, reason, detail, raw)
	if err == nil {
		h.state(d.Source, func(st *State) { st.Unreadable++ })
	}
	return err
}

// Receive takes a delivery of any source in and keeps count. One that is too large for the stream becomes a dead letter: it would stand
// in the way of all that follow.
func (h *House) Receive(ctx context.Context, d pipeline.Delivery) (pipeline.Receipt, error) {
	h.wire()
	h.state(d.Source, func(st *State) { st.Doing, st.Why = "receiving", "" })
	r, err := h.Receiver.Receive(ctx, d)
	if errors.Is(err, stream.ErrTooLarge) {
		h.Log.Error("a delivery can never be taken in", "source", d.Source, "object", d.Object, "error", err)
		r.Unreadable++
		err = h.Receiver.Refuse(ctx, d, pipeline.ReasonTooLarge, err.Error(), nil)
	}
	h.state(d.Source, func(st *State) {
		st.Records += r.Records
		st.Unreadable += r.Unreadable
		if err != nil {
			st.Doing, st.Why = "failing", err.Error()
			return
		}
		st.Doing, st.Why = "waiting", ""
		if !r.Known {
			st.Objects++
			st.Last, st.LastObject = h.Now().UTC(), d.Object
		}
	})
	return r, err
}

func (h *House) paused(source, why string) {
	h.state(source, func(st *State) {
		if why != "" {
			st.Doing, st.Why = "paused", why
		} else if st.Doing == "paused" {
			st.Doing, st.Why = "receiving", ""
		}
	})
}

func (h *House) state(name string, change func(*State)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.states == nil {
		h.states = map[string]*State{}
	}
	if h.states[name] == nil {
		h.states[name] = &State{Name: name}
	}
	change(h.states[name])
}

// States lists how the sources do, by name.
func (h *House) States() map[string]State {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[string]State, len(h.states))
	for name, s := range h.states {
		out[name] = *s
	}
	return out
}
