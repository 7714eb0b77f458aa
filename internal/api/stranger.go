package api

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
)

// moved notes that a session is used from a network that is new for it, which may be a thief's: the person finds it in the list of sessions,
// and who audits in the log.
func (s *Server) moved(ctx context.Context, c *caller, session *access.Session) error {
	is, err := s.People.Moved(ctx, session, c.Address)
	if err != nil || !is {
		return err
	}
	return s.note(ctx, audit.Entry{Actor: c.Name, Kind: c.Kind, Address: c.Address, Action: "session.moved", Object: session.ID, Outcome: audit.Success, Detail: "it began at " + session.Address})
}

// strangers bounds what is written down of those who bring a token that is none: one entry a minute for each network and token.
type strangers struct {
	mu   sync.Mutex
	seen map[[2]string]*strange
}

type strange struct {
	at   time.Time
	more int // since then
}

const (
	strangeEvery = time.Minute
	maxStrangers = 1000 // that are remembered; of further ones in the same minute nothing is written down
)

// tell reports whether this one is to be written down, and how many were not since the last.
func (x *strangers) tell(now time.Time, network, name string) (more int, is bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	key := [2]string{network, name}
	if t := x.seen[key]; t != nil {
		if now.Sub(t.at) < strangeEvery {
			t.more++
			return 0, false
		}
		more, t.at, t.more = t.more, now, 0
		return more, true
	}
	if len(x.seen) >= maxStrangers {
		for k, t := range x.seen {
			if now.Sub(t.at) >= strangeEvery {
				delete(x.seen, k)
			}
		}
		if len(x.seen) >= maxStrangers {
			return 0, false
		}
	}
	if x.seen == nil {
		x.seen = map[[2]string]*strange{}
	}
	x.seen[key] = &strange{at: now}
	return 0, true
}

// stranger writes down that somebody brought a token that is none, or none any more. An unknown one is looked for as a known one is: how
// long the answer takes tells nothing.
func (s *Server) stranger(ctx context.Context, secret, address string) {
	name, why, err := s.Desk.DeadToken(ctx, secret)
	if err != nil {
		s.Log.Error("a token could not be looked for", "error", err)
		return
	}
	more, is := s.strangers.tell(s.Now(), access.Network(address), name)
	if !is {
		return
	}
	if more > 0 {
		why = fmt.Sprintf("%s; %d more since the last entry", why, more)
	}
	_ = s.note(ctx, audit.Entry{Actor: name, Kind: "token", Address: address, Action: "token.refused", Outcome: audit.Failure, Detail: why})
}
