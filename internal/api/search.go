package api

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
)

// question is a search.
type question struct {
	SQL    string    `json:"sql,omitempty" doc:"one SELECT over events" maxLength:"65536"`
	Filter string    `json:"filter,omitempty" doc:"a condition over the columns of events, in place of sql" maxLength:"65536"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Rows   int       `json:"rows,omitempty" minimum:"0" maximum:"100000" doc:"at most; 1000 where it is left out"`
}

// found is the answer to a search.
type found struct {
	Columns []string            `json:"columns"`
	Types   []string            `json:"types"`
	Rows    [][]json.RawMessage `json:"rows"`
	More    bool                `json:"more"`
	Cut     bool                `json:"cut,omitempty" doc:"the rows that are not here would be too many bytes: ask for fewer columns, or narrow the time range"`
	Files   int                 `json:"files"`
	Bytes   int64               `json:"bytes"`
	Millis  int64               `json:"millis"`
}

func (s *Server) search(api huma.API) {
	asks(s, api, op(access.Read, "POST", "/api/v1/search", "Ask the lake, in SQL or by a filter"), func(ctx context.Context, in *body[question]) (*body[found], error) {
		q := in.Body
		sql := q.SQL
		switch {
		case sql != "" && q.Filter != "" || sql == "" && q.Filter == "":
			return nil, huma.Error422UnprocessableEntity("give sql or filter, one of the two")
		case sql == "":
			sql = duck.FilterSQL(q.Filter)
		}
		if err := s.noteOf(ctx, "search", "", asAsked("", hunt.Query{SQL: sql})); err != nil { // what is not written down is not answered
			return nil, s.fault(err)
		}
		if q.Rows == 0 {
			q.Rows = 1000
		}
		out := found{Rows: [][]json.RawMessage{}}
		a, err := s.Engine.Ask(ctx, scope(ctx), s.Lake, duck.Question{SQL: sql, From: q.From, To: q.To, Rows: q.Rows, Bytes: s.Asking.Bytes, Timeout: time.Minute}, func(duck.Answer) {}, func(row []json.RawMessage) error {
			own := make([]json.RawMessage, len(row))
			for i, cell := range row {
				own[i] = append(json.RawMessage(nil), cell...)
			}
			out.Rows = append(out.Rows, own)
			return nil
		})
		var refused duck.RefusedError
		if errors.As(err, &refused) {
			return nil, huma.Error422UnprocessableEntity(refused.Error())
		}
		if err != nil {
			return nil, s.fault(err)
		}
		out.Columns, out.Types, out.More, out.Cut, out.Files, out.Bytes, out.Millis = a.Columns, a.Types, a.More, a.Cut, a.Files, a.Bytes, a.Took.Milliseconds()
		return &body[found]{out}, nil
	})
}
