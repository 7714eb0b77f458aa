package source

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
)

// TestHouseFollowsTheListOfSources adds, changes, pauses, resumes and removes sources while the house runs.
func TestHouseFollowsTheListOfSources(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.now = time.Now
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.house.Run(ctx) }()
	doing := func(name, want string) {
		t.Helper()
		eventually(t, func() bool { return strings.HasPrefix(w.house.States()[name].Doing, want) }, func() string { return w.house.States()[name].Doing })
	}
	add := func(name, path string) {
		t.Helper()
		if err := w.desk.AddSource(t.Context(), desk.Source{Name: name, Kind: "folder", Settings: map[string]string{"path": path, "every": "20ms", "settle": "1ms"}, Created: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	add("logs", w.in)
	add("wrong", w.path("none"))
	w.write("a.json", trailDoc("a"))
	eventually(t, func() bool { return w.house.States()["logs"].Records == 1 }, func() string { return "no record" })
	doing("wrong", "failing")
	if why := w.house.States()["wrong"].Why; !strings.Contains(why, "no folder that can be read") {
		t.Errorf("why: %s", why)
	}
	if err := w.desk.PauseSource(t.Context(), "logs", true); err != nil {
		t.Fatal(err)
	}
	doing("logs", "paused")
	w.write("b.json", trailDoc("b"))
	add("wrong", w.in) // set right
	doing("wrong", "waiting")
	if err := w.desk.RemoveSource(t.Context(), "wrong"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { _, is := w.house.States()["wrong"]; return !is }, func() string { return "it is still there" })
	if w.house.States()["logs"].Records != 1 {
		t.Error("a paused source delivered")
	}
	if err := w.desk.PauseSource(t.Context(), "logs", false); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return w.house.States()["logs"].LastObject == "b.json" }, func() string { return "no record" })
	stop()
	<-done
}

// TestABackfillDeliversInTheNameOfItsSource lets one source list what another was told of: each object is taken once, and counted for it.
func TestABackfillDeliversInTheNameOfItsSource(t *testing.T) {
	t.Parallel()
	c, y := newCloud(t), newYard(t)
	ids := c.organisation("", []string{own}, []string{"us-east-1"}, 3)
	settings := func(more ...string) map[string]string {
		m := map[string]string{"bucket": c.name, "endpoint": c.proxy.URL, "region": "us-east-1"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	for name, m := range map[string]map[string]string{"trail": settings("every", "1h"), "trail-backfill": settings("every", "once", "as", "trail", "from", "2026-02-28")} {
		if err := y.desk.AddSource(t.Context(), desk.Source{Name: name, Kind: "s3", Settings: m, Created: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- y.house.Run(ctx) }()
	eventually(t, func() bool {
		s := y.house.States()
		return s["trail-backfill"].Doing == "done" && s["trail"].Doing == "waiting" && !s["trail"].Last.IsZero()
	}, func() string { return y.house.States()["trail"].Why })
	stop()
	<-done
	y.wants(t, keys(ids)...)
	if s := y.house.States(); s["trail-backfill"].Objects != 0 || s["trail"].Objects < 3 {
		t.Errorf("%+v", s)
	}
}
