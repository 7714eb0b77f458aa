package pipeline

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// StoreOptions are what an ingest is made with. Lake is required.
type StoreOptions struct {
	Lake     *lake.Lake
	Source   string         // name of what delivered the records
	Places   enrich.Locator // nil: addresses have no places
	Workers  int            // 0: one per core
	Progress *Progress
	Now      time.Time // when the records were received
}

// Stored is the double entry of an ingest: Total = Mapped + Duplicate + Unreadable, and Mapped is what the lake gained.
type Stored struct {
	Received
	Problems []collect.Problem
	Unread   []ocsf.Unreadable
	Commits  int
	Files    int
	Bytes    int64 // on disk
	Partial  string
}

// commitBytes is how much of records, as received, one commit holds.
const commitBytes = 128 << 20

// Store reads an inventory into the lake. Events that the lake holds already are duplicates, so a second run adds nothing.
// What was committed before an interrupt or an error stays.
func Store(ctx context.Context, in Input, o StoreOptions) (*Stored, error) {
	scan := &Options{Workers: o.Workers, Places: o.Places, Progress: o.Progress}
	scan.orDefault()
	s, err := runSurvey(ctx, scan, in)
	if err != nil {
		return nil, err
	}
	writer, err := o.Lake.NewWriter()
	if err != nil {
		return nil, err
	}
	st := &store{o: &o, lake: writer, known: newKnown(o.Lake), out: &Stored{Received: Received{ByReason: map[string]int64{}}}}
	judge := enrich.NewJudge(s.enrich, nil, o.Places)
	scan.Progress.begin("storing")
	tallies := make([]*tally, scan.Workers)
	workers := make([]*worker, scan.Workers)
	for i := range workers {
		tallies[i] = &tally{Received: Received{ByReason: map[string]int64{}}, kept: map[[2]string]int{}}
		workers[i] = st.storing(ctx, newWorker(in, scan.Progress), scan, tallies[i], s, judge)
	}
	var mu sync.Mutex
	err = share(ctx, s.read, workers, func(int) { mu.Lock(); st.out.FilesRead++; mu.Unlock() })
	st.out.Partial, err = interrupted(err, "storing", int(st.out.FilesRead), in.Parts())
	if err == nil {
		err = st.commit(context.WithoutCancel(ctx))
	}
	result := &Result{Received: Received{ByReason: st.out.ByReason}}
	for _, t := range tallies {
		result.add(t)
	}
	result.sort()
	result.Received.FilesRead = st.out.FilesRead
	result.Problems = append(result.Problems, in.Problems()...)
	st.out.Received, st.out.Unread, st.out.Problems = result.Received, result.Unread, result.Problems
	return st.out, err
}

// store is an ingest under way.
type store struct {
	mu    sync.Mutex
	o     *StoreOptions
	lake  *lake.Writer
	known *known
	out   *Stored
}

// storing sets a worker up. It counts as judging does; only the end differs.
func (st *store) storing(ctx context.Context, w *worker, scan *Options, t *tally, s *survey, judge *enrich.Judge) *worker {
	scan.judging(w, t, s, judge, nil)
	var facts enrich.Facts
	w.event = func(e *ocsf.Event, at place) error {
		t.Total++
		id := idOf(e)
		if !s.winners.counts(id, at) {
			t.Duplicate++
			return nil
		}
		isNew, err := st.known.add(ctx, e.Time(), id)
		if err != nil {
			return err
		}
		if !isNew {
			t.Duplicate++
			return nil
		}
		t.count(e.Time())
		facts.Reset(judge, e)
		row := rowOf(e, &facts)
		row.SourceID, row.BatchID, row.Lane, row.Received = st.o.Source, e.At.Source, lake.LaneBackfill, st.o.Now
		return st.append(ctx, lake.Prepare(&row, time.Now()))
	}
	return w
}

func (st *store) append(ctx context.Context, p lake.Prepared) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.lake.Append(p)
	if _, bytes := st.lake.Pending(); bytes < commitBytes {
		return nil
	}
	return st.commit(context.WithoutCancel(ctx))
}

func (st *store) commit(ctx context.Context) error {
	c, err := st.lake.Commit(ctx, lake.Marks{})
	if err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	if c.Files > 0 {
		st.out.Commits++
		st.out.Files += c.Files
		st.out.Bytes += c.Bytes
	}
	return nil
}

// rowOf fills the pivots from what enrichment knows. Where there was no call, the operation is the method of a web request, the type of a
// DNS query, or what became of a flow.
func rowOf(e *ocsf.Event, f *enrich.Facts) lake.Row {
	r := lake.Row{
		Event: e, Format: e.Mapping.Name, Principal: e.Str(ocsf.ActorUserUID), Origin: f.Actor().Origin, AccessKey: e.Str(ocsf.ActorUserCredentialUID),
		SrcIP: e.Str(ocsf.SrcIP), Operation: e.Str(ocsf.APIOperation),
	}
	for _, instead := range [...]ocsf.FieldID{ocsf.HTTPMethod, ocsf.QueryType, ocsf.Action} {
		if r.Operation == "" {
			r.Operation = e.Str(instead)
		}
	}
	if strings.Contains(r.Principal, ":assumed-role/") {
		r.Session = r.Principal
	}
	if list := f.Resources(); len(list) > 0 {
		r.Resource = list[0].ID
	}
	return r
}
