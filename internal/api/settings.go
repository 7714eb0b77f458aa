package api

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/ledger"
)

// Settings are what tocsin.yaml says, as far as people ask for it. No secret is among them.
type Settings struct {
	Listen      string         `json:"listen"`
	TLS         bool           `json:"tls"`
	Data        string         `json:"data" doc:"folder of all that is kept"`
	Desk        string         `json:"desk" enum:"SQLite,PostgreSQL"`
	Environment string         `json:"environment,omitempty" doc:"path of environment.yaml"`
	Organised   string         `json:"environment_text,omitempty" doc:"what environment.yaml says now; Tocsin read it when it started"`
	Cannot      string         `json:"environment_fault,omitempty" doc:"why environment.yaml cannot be read now"`
	Rules       string         `json:"rules,omitempty" doc:"folder of rules in place of the embedded ones"`
	Retention   []RetentionRow `json:"retention"`
	Window      string         `json:"detection_window"`
	Version     string         `json:"version"`
}

// RetentionRow is how long events of a source are kept.
type RetentionRow struct {
	Source string `json:"source" doc:"empty: all that no other line names"`
	Days   int    `json:"days"`
}

// Proof is what the API shows of the ledger.
type Proof struct {
	Key    string                            // the first public key
	Head   func() (ledger.Checkpoint, error) // the last checkpoint
	Verify func(ctx context.Context, from, to time.Time) (ledger.Report, error)
	busy   chan struct{}
}

type ledgerHead struct {
	Origin string `json:"origin"`
	Leaves uint64 `json:"leaves"`
	Root   string `json:"root" doc:"hex"`
	Note   string `json:"checkpoint" doc:"as signed"`
	Key    string `json:"public_key" doc:"the first; keep a copy elsewhere"`
}

type ledgerReport struct {
	Clean    bool      `json:"clean"`
	Leaves   uint64    `json:"leaves"`
	Keys     int       `json:"keys"`
	Expected int       `json:"files_expected"`
	Hashed   int       `json:"files_hashed"`
	Bytes    int64     `json:"bytes_hashed"`
	Problems []string  `json:"problems"`
	At       time.Time `json:"at"`
	Millis   int64     `json:"millis"`
}

// maxProblems bounds how many problems one answer names; the command tocsin ledger verify names all.
const maxProblems = 200

func (s *Server) settings(api huma.API) {
	huma.Register(api, op(access.Read, "GET", "/api/v1/settings", "What tocsin.yaml says: address, environment, retention; no secret"), func(ctx context.Context, _ *struct{}) (*body[Settings], error) {
		if !scope(ctx).All() {
			return nil, huma.Error403Forbidden("settings are those of all accounts: this needs somebody who sees all")
		}
		out := Settings{Retention: []RetentionRow{}, Version: s.Version, Desk: "SQLite"}
		if s.Settings != nil {
			out = s.Settings()
		}
		return &body[Settings]{out}, nil
	})
	if s.Proof == nil {
		return
	}
	s.Proof.busy = make(chan struct{}, 1)
	huma.Register(api, op(access.Read, "GET", "/api/v1/ledger", "The ledger's head: how many leaves, their root, the signed checkpoint"), func(ctx context.Context, _ *struct{}) (*body[ledgerHead], error) {
		if !scope(ctx).All() {
			return nil, huma.Error403Forbidden("the ledger is that of all accounts: this needs somebody who sees all")
		}
		c, err := s.Proof.Head()
		if err != nil {
			return nil, s.fault(err)
		}
		return &body[ledgerHead]{ledgerHead{c.Origin, c.Size, hex.EncodeToString(c.Root[:]), string(c.Note), s.Proof.Key}}, nil
	})
	huma.Register(api, op(access.Audit, "POST", "/api/v1/ledger/verify", "Check now that the lake holds what the ledger says; one at a time"), s.verify)
}

func (s *Server) verify(ctx context.Context, in *struct {
	Body struct {
		From time.Time `json:"from,omitzero" doc:"files that were added since are hashed; all are looked for"`
		To   time.Time `json:"to,omitzero"`
	}
},
) (*body[ledgerReport], error) {
	if !scope(ctx).All() {
		return nil, huma.Error403Forbidden("the ledger is that of all accounts: this needs somebody who sees all")
	}
	select {
	case s.Proof.busy <- struct{}{}:
		defer func() { <-s.Proof.busy }()
	default:
		return nil, huma.Error429TooManyRequests("the ledger is being verified already: wait for that")
	}
	if err := s.noteOf(ctx, "ledger.verify", "", ""); err != nil {
		return nil, s.fault(err)
	}
	start := time.Now()
	r, err := s.Proof.Verify(ctx, in.Body.From, in.Body.To)
	if err != nil {
		return nil, s.fault(err)
	}
	out := ledgerReport{r.Clean(), r.Size, r.Keys, r.Expected, r.Hashed, r.Bytes, []string{}, s.Now().UTC(), time.Since(start).Milliseconds()}
	for i := range r.Problems[:min(len(r.Problems), maxProblems)] {
		out.Problems = append(out.Problems, r.Problems[i].String())
	}
	return &body[ledgerReport]{out}, nil
}
