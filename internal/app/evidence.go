package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/api"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/evidence"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/lake/duck"
	"github.com/tocsin-security/tocsin/internal/report"
)

// How often evidence is looked at, and how old a verification may be before it is repeated.
const (
	evidenceEvery = time.Hour
	evidenceStale = 24 * time.Hour
)

// watchEvidence verifies every set once a day, and lets go of files that no set needs.
func (h *house) watchEvidence(ctx context.Context) error {
	schedule := evidence.By{Name: "schedule", Kind: "system"}
	for {
		list, err := h.evidence.VerifyAll(ctx, schedule, time.Now().Add(-evidenceStale))
		for i := range list {
			if !list[i].Clean() {
				h.log.Error("evidence is not as it was captured", "set", list[i].Set, "problem", list[i].Problems[0])
			}
		}
		if err == nil {
			_, err = h.evidence.Sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			h.log.Error("evidence cannot be verified", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(evidenceEvery):
		}
	}
}

// entityState gives the profile of an entity as it is now, to be kept as evidence.
func (h *house) entityState(engine *duck.Engine) func(context.Context, access.Scope, string, string) (json.RawMessage, error) {
	return func(ctx context.Context, scope access.Scope, kind, id string) (json.RawMessage, error) {
		v := hunt.Investigator{Lake: h.lake, Engine: engine, Desk: api.Findings{Desk: h.desk}, Places: h.places, Now: time.Now}
		p, err := v.Entity(ctx, scope, hunt.EntityQuery{Kind: kind, Value: id, To: time.Now()})
		if err != nil {
			return nil, err
		}
		return json.Marshal(p)
	}
}

// withEvidence adds the troubles of evidence to those of sources.
func withEvidence(ctx context.Context, s *evidence.Store, list []health.Trouble) ([]health.Trouble, error) {
	if s == nil {
		return list, nil
	}
	sets, err := s.Altered(ctx)
	for i := range sets {
		list = append(list, health.Evidence(sets[i].ID, sets[i].Verified, "Evidence "+sets[i].ID+" ("+report.Clean(sets[i].Title)+"): "+report.Clean(sets[i].Problem)))
	}
	return list, err
}

// CaptureOptions are what `tocsin evidence capture` and `add` are asked for.
type CaptureOptions struct {
	Set, Title, Why, Incident, From, To string
	Events, Files                       []string
	Screenshots                         []string
}

// CaptureEvidence freezes what is named, by way of the running tocsin serve.
func CaptureEvidence(ctx context.Context, c *Config, o *CaptureOptions, streams Streams) error {
	if strings.TrimSpace(o.Why) == "" {
		return UsageError{Err: errors.New("no reason is given"), Hint: "say it with --why: the chain of custody asks for it"}
	}
	from, err := parseTime("--from", o.From)
	to, err2 := parseTime("--to", o.To)
	if err = errors.Join(err, err2); err != nil {
		return UsageError{Err: err, Hint: "write a day as 2026-03-10"}
	}
	id := struct {
		ID string `json:"id"`
	}{o.Set}
	if o.Incident != "" || len(o.Events) > 0 {
		ask := map[string]any{"set": o.Set, "title": o.Title, "why": o.Why, "incident": o.Incident, "events": o.Events}
		for name, t := range map[string]time.Time{"from": from, "to": to} {
			if !t.IsZero() {
				ask[name] = t
			}
		}
		if err := askEvidence(ctx, c, http.MethodPost, "", ask, &id); err != nil {
			return err
		}
	}
	if id.ID == "" {
		return UsageError{Err: errors.New("there is nothing to capture"), Hint: "name --incident or --events, or a set to add a file to with --set"}
	}
	for kind, files := range map[string][]string{evidence.KindFile: o.Files, evidence.KindScreenshot: o.Screenshots} {
		for _, path := range files {
			if err := addFile(ctx, c, id.ID, kind, path, o.Why); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(streams.Out, "%s\n", id.ID)
	fmt.Fprintf(streams.Err, "captured and sealed; next: tocsin evidence show %s\n", id.ID)
	return nil
}

func addFile(ctx context.Context, c *Config, id, kind, path, why string) error {
	content, err := os.ReadFile(path) //nolint:gosec // the user names it
	if err != nil {
		return UsageError{Err: err, Hint: "name a file that can be read"}
	}
	media := http.DetectContentType(content[:min(len(content), 512)])
	query := url.Values{"name": {filepath.Base(path)}, "kind": {kind}, "why": {why}, "media": {media}}
	return evidenceHint(askServer(ctx, c, http.MethodPost, "/api/v1/evidence/"+url.PathEscape(id)+"/files?"+query.Encode(), "application/octet-stream", content, nil))
}

// askEvidence asks below /api/v1/evidence.
func askEvidence(ctx context.Context, c *Config, method, path string, ask, out any) error {
	var body []byte
	if ask != nil {
		var err error
		if body, err = json.Marshal(ask); err != nil {
			return err
		}
	}
	return evidenceHint(askServer(ctx, c, method, "/api/v1/evidence"+path, "application/json", body, out))
}

func evidenceHint(err error) error {
	if err == nil {
		return nil
	}
	hint := "tocsin evidence list shows the sets that there are"
	if errors.Is(err, errNotRunning) {
		hint = "evidence is kept by the running tocsin serve: start it (an exported file is verified without: tocsin evidence verify FILE)"
	}
	return UsageError{Err: err, Hint: hint}
}

// ListEvidence lists the sets.
func ListEvidence(ctx context.Context, c *Config, about string, asJSON bool, streams Streams) error {
	for after := ""; ; {
		var page struct {
			Items []evidence.Set `json:"items"`
			Next  string         `json:"next"`
		}
		if err := askEvidence(ctx, c, http.MethodGet, "?"+url.Values{"incident": {about}, "after": {after}, "limit": {"1000"}}.Encode(), nil, &page); err != nil {
			return err
		}
		for i := range page.Items {
			x := &page.Items[i]
			if asJSON {
				if err := json.NewEncoder(streams.Out).Encode(x); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(streams.Out, "%s  %s  %3d items  %9s  %s%s\n", x.ID, x.Created.Format("2006-01-02 15:04Z"), x.Items, binaryBytes(x.Bytes), report.Clean(x.Title), states(x))
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

func states(x *evidence.Set) string {
	text := ""
	if !x.Sealed {
		text += "  (not sealed yet)"
	}
	if !x.Held.IsZero() {
		text += "  (on legal hold: " + report.Clean(x.HeldWhy) + ")"
	}
	if x.Problem != "" {
		text += "  (ALTERED: " + report.Clean(x.Problem) + ")"
	}
	return text
}

// ShowEvidence shows a set, its items and its chain of custody.
func ShowEvidence(ctx context.Context, c *Config, id string, asJSON bool, streams Streams) error {
	var d evidence.Detail
	if err := askEvidence(ctx, c, http.MethodGet, "/"+url.PathEscape(id), nil, &d); err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(streams.Out).Encode(d)
	}
	w := streams.Out
	fmt.Fprintf(w, "%s  %s%s\nincident  %s\naccounts  %s\n", d.ID, report.Clean(d.Title), states(&d.Set), report.Clean(d.Incident), report.Clean(strings.Join(d.Accounts, ", ")))
	for i := range d.Manifests {
		m := d.Manifests[i].Manifest
		fmt.Fprintf(w, "\ncapture %d  %s by %s: %s\n", m.Capture, m.At.Format(time.RFC3339), report.Clean(m.By.Name), report.Clean(m.Why))
		for k := range m.Items {
			it := &m.Items[k]
			proof := ""
			if it.Event != nil && it.Event.Proof == nil {
				proof = "  (no proof of the data file)"
			}
			fmt.Fprintf(w, "  %s  %-10s %9s  %s%s\n", it.SHA256, it.Kind, binaryBytes(it.Bytes), report.Clean(it.Name), proof)
		}
		for _, note := range m.Notes {
			fmt.Fprintf(w, "  note: %s\n", report.Clean(note))
		}
	}
	fmt.Fprintln(w, "\nchain of custody")
	for _, x := range d.Custody {
		fmt.Fprintf(w, "  %s  %s %s %s  %s\n", x.At.Format(time.RFC3339), report.Clean(x.By.Name), report.Clean(x.By.Address), x.Action, report.Clean(x.Detail))
	}
	if d.Broken != "" {
		fmt.Fprintf(w, "  BROKEN: %s\n", report.Clean(d.Broken))
		return Outcome(ExitFindings)
	}
	return nil
}

// JudgeEvidence puts a set on hold, releases or deletes it: what is hold, release or delete.
func JudgeEvidence(ctx context.Context, c *Config, id, what, why string, streams Streams) error {
	if err := askEvidence(ctx, c, http.MethodPost, "/"+url.PathEscape(id)+"/"+what, map[string]string{"why": why}, nil); err != nil {
		return err
	}
	fmt.Fprintf(streams.Out, "%s: %s\n", id, map[string]string{"hold": "on legal hold", "release": "no longer on hold", "delete": "deleted; the ledger keeps that it was"}[what])
	return nil
}

// ExportEvidence writes a set to a file, which is whole or not there.
func ExportEvidence(ctx context.Context, c *Config, id, form, output, why string, streams Streams) error {
	body, err := json.Marshal(map[string]string{"format": form, "why": why})
	if err != nil {
		return err
	}
	if output == "" {
		output = "evidence-" + id + "." + form
	}
	err = evidence.Place(output, func(w io.Writer) error {
		return saveAnswer(ctx, c, http.MethodPost, "/api/v1/evidence/"+url.PathEscape(id)+"/export", body, w)
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return UsageError{Err: err, Hint: "name a file in a folder that can be written, with -o"}
	}
	if err != nil {
		return evidenceHint(err)
	}
	fmt.Fprintf(streams.Out, "%s\n", output)
	fmt.Fprintln(streams.Err, "next: tocsin evidence verify "+output+" --key ledger.pub; give the public key away by another way than this file")
	return nil
}

// VerifyEvidence checks an exported file with the public key alone, or, with file "", every set that is kept here. It needs no tocsin serve.
func VerifyEvidence(ctx context.Context, c *Config, file, key string, asJSON bool, streams Streams) error {
	if key == "" {
		key = filepath.Join(c.ledgerDir(), "ledger.pub")
		fmt.Fprintln(streams.Err, "the public key is taken from the ledger's own folder: who can change that can change the key; give your own copy with --key")
	}
	if raw, err := os.ReadFile(key); err == nil { //nolint:gosec // the user names it
		key = strings.TrimSpace(string(raw))
	} else if !strings.Contains(key, "+") {
		return UsageError{Err: err, Hint: "give the ledger's first public key, or a file with it, with --key"}
	}
	var list []evidence.Report
	if file != "" {
		r, err := evidence.VerifyFile(file, key)
		if err != nil {
			fmt.Fprintf(streams.Err, "%s\n", report.Clean(err.Error()))
			return Outcome(ExitFindings)
		}
		list = []evidence.Report{*r}
	} else if err := withDesk(ctx, c, func(d *desk.Desk) error {
		s, err := evidence.Open(ctx, evidence.Options{DB: d.Store(), Dir: c.evidenceDir(), Key: key})
		if err != nil {
			return err
		}
		list, err = s.VerifyAll(ctx, evidence.By{Name: "tocsin evidence verify", Kind: "system"}, time.Time{})
		return err
	}); err != nil {
		return err
	}
	return tellReports(list, asJSON, streams)
}

func tellReports(list []evidence.Report, asJSON bool, streams Streams) error {
	bad := false
	for i := range list {
		r := &list[i]
		bad = bad || !r.Clean()
		if asJSON {
			if err := json.NewEncoder(streams.Out).Encode(r); err != nil {
				return err
			}
			continue
		}
		for _, p := range r.Problems {
			fmt.Fprintf(streams.Out, "%s: %s\n", r.Set, report.Clean(p))
		}
		fmt.Fprintf(streams.Out, "%s  %s: %d items in %d captures, %d of %d events proven by the ledger, %d lines of custody; %d problems\n",
			r.Set, report.Clean(r.Title), r.Items, r.Captures, r.Proven, r.Events, r.Custody, len(r.Problems))
	}
	if bad {
		return Outcome(ExitFindings)
	}
	return nil
}
