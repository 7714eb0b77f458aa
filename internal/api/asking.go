package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Asking bounds what is asked of the lake. The zero value takes the defaults.
type Asking struct {
	Bytes    int64         // that one answer may take in memory; default 32 MiB
	AtOnce   int           // questions that are being answered; default 4
	Waiting  int           // questions that wait for their turn; default 16
	Patience time.Duration // how long one waits; default 10 s
}

func (a *Asking) orDefault() {
	if a.Bytes <= 0 {
		a.Bytes = 32 << 20
	}
	if a.AtOnce <= 0 {
		a.AtOnce = 4
	}
	if a.Waiting <= 0 {
		a.Waiting = 16
	}
	if a.Patience <= 0 {
		a.Patience = 10 * time.Second
	}
}

// turns are the places of those who are answered and of those who wait.
type turns struct{ asked, waiting chan struct{} }

func newTurns(a *Asking) turns {
	a.orDefault()
	return turns{make(chan struct{}, a.AtOnce), make(chan struct{}, a.Waiting)}
}

// turn waits until a question may be asked; the caller calls done when it is answered. Who waits too long, or behind too many, gets 429.
func (s *Server) turn(ctx context.Context) (done func(), err error) {
	done = func() { <-s.turns.asked }
	select {
	case s.turns.asked <- struct{}{}:
		return done, nil
	default:
	}
	busy := huma.ErrorWithHeaders(huma.Error429TooManyRequests(fmt.Sprintf("%d questions are being answered already: ask again in a while", s.Asking.AtOnce)),
		http.Header{"Retry-After": {strconv.Itoa(int(s.Asking.Patience.Seconds()) + 1)}})
	select {
	case s.turns.waiting <- struct{}{}:
		defer func() { <-s.turns.waiting }()
	default:
		return nil, busy
	}
	late := time.NewTimer(s.Asking.Patience)
	defer late.Stop()
	select {
	case s.turns.asked <- struct{}{}:
		return done, nil
	case <-late.C:
		return nil, busy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// asks registers an operation that asks the lake: it waits for its turn.
func asks[I, O any](s *Server, api huma.API, o huma.Operation, do func(context.Context, *I) (*O, error)) {
	describeTurn(&o, func() {
		huma.Register(api, o, func(ctx context.Context, in *I) (*O, error) {
			done, err := s.turn(ctx)
			if err != nil {
				return nil, err
			}
			defer done()
			return do(ctx, in)
		})
	})
}

// describeTurn adds to an operation, as it is registered, that it may be asked too often.
func describeTurn(o *huma.Operation, register func()) {
	o.Responses = map[string]*huma.Response{} // the document's own from here on
	register()
	busy := &huma.Response{
		Description: "too many questions are being answered; Retry-After says when to ask again",
		Headers:     map[string]*huma.Header{"Retry-After": {Description: "seconds", Schema: &huma.Schema{Type: huma.TypeInteger}}},
	}
	if other := o.Responses["default"]; other != nil {
		busy.Content = other.Content
	}
	o.Responses["429"] = busy
}
