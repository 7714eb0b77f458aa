package desk

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
)

// mergingChild is set for the process that is killed: the address of its desk.
const mergingChild = "TOCSIN_TEST_MERGE"

// merging are the incidents that it merges into one, with so many alerts each.
const merging, alertsOfEach = 6, 30

// mergeUntilKilled merges all incidents into the first, and takes them out again, for ever.
func mergeUntilKilled(address string) {
	ctx := context.Background()
	d, err := Open(ctx, address)
	for n := 0; err == nil; n++ {
		part, by := fmt.Sprintf("i%d", 1+n%(merging-1)), By{Name: "ann", Kind: "person", At: time.Now()}
		if c, err2 := d.Case(ctx, access.Everything(), part); err2 != nil {
			err = err2
		} else if c.Into == "" {
			_, err = d.Merge(ctx, access.Everything(), part, "i0", "one story", nil, by)
		} else {
			_, _, err = d.Split(ctx, access.Everything(), "i0", SplitOff{Incident: part}, nil, by)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKilledWhileItMerges kills a process again and again while it merges incidents and splits them: each incident is in one place with all
// of its alerts, its accounts are those of what is in it, and activity and audit log tell of exactly what is.
func TestKilledWhileItMerges(t *testing.T) {
	t.Parallel()
	address := filepath.Join(t.TempDir(), "desk.db")
	d := open(t, address)
	if _, err := audit.Open(t.Context(), d.Store()); err != nil {
		t.Fatal(err)
	}
	c := Conclusion{Findings: true}
	for i := range merging {
		in := incidentOf(fmt.Sprintf("i%d", i))
		for k := range alertsOfEach {
			in.Alerts = append(in.Alerts, alertOf(fmt.Sprintf("a%d-%d", i, k), accountOf(i)))
		}
		in.Accounts = []string{accountOf(i)}
		c.Incidents = append(c.Incidents, in)
	}
	save(t, d, c)
	for kill := range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(200+29*kill)*time.Millisecond)
		child := exec.CommandContext(ctx, os.Args[0])
		child.Env = append(os.Environ(), mergingChild+"="+address)
		out, _ := child.CombinedOutput()
		cancel()
		if child.ProcessState == nil || child.ProcessState.Exited() {
			t.Fatalf("the child ended by itself: %s", out)
		}
		wholeRegrouping(t, open(t, address))
	}
	n := count(t, d, `SELECT count(*) FROM audit WHERE outcome = 'success'`)
	if n < 10 {
		t.Errorf("%d entries: the kills come too soon", n)
	}
	t.Logf("10 kills, %d entries", n)
}

func accountOf(i int) string { return fmt.Sprintf("%012d", i+1) }

func count(t *testing.T, d *Desk, query string, args ...any) (n int) {
	t.Helper()
	if err := d.db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func wholeRegrouping(t *testing.T, d *Desk) {
	t.Helper()
	root, err := d.Case(t.Context(), access.Everything(), "i0")
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]bool{"i0": true}
	for _, uid := range root.Merged {
		in[uid] = true
	}
	narrow := []string{}
	for i := range merging {
		uid := fmt.Sprintf("i%d", i)
		c, err := d.Case(t.Context(), access.Everything(), uid)
		if err != nil || (c.Into != "") != (in[uid] && uid != "i0") {
			t.Errorf("%s is in %q, and i0 has %v (%v)", uid, c.Into, root.Merged, err)
		}
		if in[uid] {
			narrow = append(narrow, accountOf(i))
		}
		merges := count(t, d, `SELECT count(*) FROM activity WHERE subject = $1 AND kind = $2`, uid, kindMerge)
		splits := count(t, d, `SELECT count(*) FROM activity WHERE subject = $1 AND kind = $2`, uid, kindSplit)
		if want := map[bool]int{true: 1}[c.Into != ""]; uid != "i0" && merges-splits != want {
			t.Errorf("%s was merged %d times and split %d times, and is in %q", uid, merges, splits, c.Into)
		}
	}
	list, err := d.Alerts(t.Context(), access.Everything(), Query{Incident: "i0", Limit: 1000})
	if err != nil || list.Total != len(in)*alertsOfEach {
		t.Errorf("i0 has %d alerts of %d incidents (%v)", list.Total, len(in), err)
	}
	if _, err := d.Case(t.Context(), access.Accounts(narrow...), "i0"); err != nil {
		t.Errorf("who sees %v does not see i0: %v", narrow, err)
	}
	if _, err := d.Case(t.Context(), access.Accounts(narrow[1:]...), "i0"); err == nil {
		t.Errorf("who sees %v sees i0", narrow[1:])
	}
	if told, audited := count(t, d, `SELECT count(*) FROM activity`), count(t, d, `SELECT count(*) FROM audit`); told != audited {
		t.Errorf("%d activities and %d audit entries", told, audited)
	}
	if n := count(t, d, `SELECT count(*) FROM incidents WHERE seq > (SELECT n FROM live_turn WHERE id = 1)`); n > 0 {
		t.Errorf("%d changes are beyond the last", n)
	}
}
