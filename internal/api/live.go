package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// How often the desk is asked for what is new, and how often a stream that has nothing says that it is alive.
const (
	liveEvery = time.Second
	beatEvery = 15 * time.Second
	lookEvery = 5 * time.Second // less than desk.PresenceFor
)

// beat says that a stream is alive, and up to where it told.
type beat struct {
	At time.Time `json:"at"`
}

// lookers says who looks at an incident, when that changes.
type lookers struct {
	Incident string   `json:"incident"`
	Names    []string `json:"names"`
}

// live tells of findings as they change. The id of each event is its place in the order of all changes: a browser that comes back with it,
// as Last-Event-ID, hears what it missed. Each stream asks the desk by its own Scope, and asks who its caller is each time: it ends with the
// session, the token or the right, and narrows with the Scope.
func (s *Server) live(api huma.API) {
	o := op(access.Read, "GET", "/api/v1/live", "Findings as they change, as server-sent events")
	o.Middlewares = append(o.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		done, ok := s.listeners.begin(callerOf(ctx.Context()))
		if !ok {
			ctx.SetHeader("Retry-After", "10")
			_ = huma.WriteErr(api, ctx, http.StatusTooManyRequests, fmt.Sprintf("%d pages listen already with this session or token: close some", mostListening)) // a client that went away
			return
		}
		defer done()
		next(ctx)
	})
	describeTurn(&o, func() {
		sse.Register(api, o, map[string]any{"finding": desk.Update{}, "beat": beat{}, "lookers": lookers{}}, s.stream)
	})
	media := api.OpenAPI().Paths["/api/v1/live"].Get.Responses["200"].Content["text/event-stream"]
	media.Schema = &huma.Schema{ // of each event, as it comes over the wire; the framework describes a list of them, which is never sent
		Type: huma.TypeObject, Required: []string{"event", "data"}, Properties: map[string]*huma.Schema{
			"event": {Type: huma.TypeString, Enum: []any{"finding", "beat", "lookers"}}, "id": {Type: huma.TypeString}, "retry": {Type: huma.TypeString},
			"data": {Type: huma.TypeString, ContentEncoding: "", Description: "JSON: an Update of a finding, a Beat, or Lookers, by event; see components"},
		},
	}
}

// mostListening is how many live streams one session or token may have open: pages of one person.
const mostListening = 32

// listeners counts the open streams of each session and token.
type listeners struct {
	mu   sync.Mutex
	open map[[3]string]int
}

// begin opens a stream, unless there are too many; the caller calls done when it ends.
func (l *listeners) begin(c caller) (done func(), ok bool) {
	who := [3]string{c.Kind, c.Name, c.Session}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[who] >= mostListening {
		return nil, false
	}
	if l.open == nil {
		l.open = map[[3]string]int{}
	}
	l.open[who]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.open[who]--; l.open[who] == 0 {
			delete(l.open, who)
		}
	}, true
}

type listening struct {
	LastEventID int64  `header:"Last-Event-ID" minimum:"0" doc:"id of the last event that was heard; what came after it is told"`
	Incident    string `query:"incident" maxLength:"128" doc:"that is looked at: others hear who looks, and so does this stream"`
}

func (s *Server) stream(ctx context.Context, in *listening, send sse.Sender) {
	after := in.LastEventID
	now, err := s.Desk.Now(ctx)
	if err != nil {
		return // the client comes again
	}
	if after == 0 || after > now { // from now on; a place that is not there yet is of another desk
		after = now
	}
	who, _ := ctx.Value(identityKey{}).(identity)
	eye := &looking{server: s, incident: in.Incident, stream: rand.Text()}
	defer eye.away(ctx)
	var beaten time.Time
	for {
		c, err := who(ctx)
		if err != nil || !c.Role.May(access.Read) {
			return
		}
		sees := access.ScopeOf(c.Accounts)
		told, upTo, err := s.tell(ctx, sees, after, send)
		if err != nil {
			return
		}
		if eye.look(ctx, sees, c.Name, send) != nil {
			return
		}
		if told {
			beaten = s.Now()
		}
		if s.Now().Sub(beaten) >= beatEvery {
			if send(sse.Message{ID: int(upTo), Data: beat{s.Now().UTC()}}) != nil {
				return
			}
			beaten = s.Now()
		}
		if after != upTo {
			after = upTo
			continue // there may be more
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(liveEvery):
		}
	}
}

// tell sends what changed after a place.
func (s *Server) tell(ctx context.Context, sees access.Scope, after int64, send sse.Sender) (told bool, upTo int64, err error) {
	updates, upTo, err := s.Desk.Updates(ctx, sees, after)
	if err != nil {
		return false, after, err
	}
	for i := range updates {
		if err := send(sse.Message{ID: int(updates[i].Seq), Data: updates[i]}); err != nil {
			return true, after, err
		}
	}
	return len(updates) > 0, upTo, nil
}

// looking is what a stream says of who looks at an incident.
type looking struct {
	server           *Server
	incident, stream string
	names            []string
	at               time.Time
}

func (l *looking) look(ctx context.Context, sees access.Scope, who string, send sse.Sender) error {
	now := l.server.Now()
	if l.incident == "" || now.Sub(l.at) < lookEvery {
		return nil
	}
	l.at = now
	names, err := l.server.Desk.Look(ctx, sees, l.incident, who, l.stream, now)
	if err != nil {
		return err
	}
	if slices.Equal(names, l.names) {
		return nil
	}
	l.names = names
	return send.Data(lookers{l.incident, names})
}

func (l *looking) away(ctx context.Context) {
	if l.incident == "" {
		return
	}
	if err := l.server.Desk.LookAway(context.WithoutCancel(ctx), l.stream); err != nil {
		l.server.Log.Error("the end of a look could not be noted", "error", err)
	}
}
