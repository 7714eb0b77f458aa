package stream

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What is set for the child process that is killed: the folder of its stream.
const (
	childDir   = "TOCSIN_TEST_STREAM"
	childBegin = "TOCSIN_TEST_STREAM_BEGIN" // the object that the life before was at
)

// publishUntilKilled is the child. It prints "id position object" of each batch after its acknowledgement. Its objects are the same in each life, and
// every third holds a record too large for a batch: so each kill leaves some object half published.
func publishUntilKilled(dir string) {
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	s, err := Open(ctx, Options{Dir: dir, MaxBytes: 8 << 30})
	fail(err)
	n, err := strconv.Atoi(os.Getenv(childBegin))
	fail(err)
	for ; ; n++ {
		c := s.Cut(Batch{Source: "test", Received: noon, Object: strconv.Itoa(n)})
		for i := range 6 {
			fail(c.Add(noise(uint64(n*10+i), 400<<10))) //nolint:gosec // small
		}
		if n%3 == 0 {
			fail(c.Add(noise(uint64(n), 1200<<10))) //nolint:gosec // small
		}
		for b, err := range c.Batches() {
			fail(err)
			seq, err := s.Publish(ctx, b)
			fail(err)
			fmt.Println(b.ID(), seq, n) // in one write
		}
		fail(c.Close())
	}
}

// TestStreamIsKilledAtAnyPoint kills a process that publishes, at random points. Every batch that was acknowledged is there, at the position that
// was said, with its bytes; none is there twice; and no file is left of what is not. TOCSIN_KILLS says how often (default 50).
func TestStreamIsKilledAtAnyPoint(t *testing.T) {
	t.Parallel()
	kills := 50
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_KILLS")); err == nil && n > 0 {
		kills = n
	}
	dir, pace := t.TempDir(), rand.New(rand.NewPCG(3, 9)) //nolint:gosec // seeded
	acknowledged := map[string]uint64{}
	lives, purged, at := 0, uint64(0), 0
	for kill := range kills {
		output := oneLife(t, dir, at, acknowledged, time.Duration(pace.IntN(300))*time.Millisecond)
		before := len(acknowledged)
		for said := bufio.NewScanner(bytes.NewReader(output[:bytes.LastIndexByte(output, '\n')+1])); said.Scan(); {
			var id string
			var seq uint64
			if _, err := fmt.Sscan(said.Text(), &id, &seq, &at); err != nil {
				t.Fatalf("kill %d: the child says %q", kill, said.Text())
			}
			if was, twice := acknowledged[id]; twice && was != seq && was > purged {
				t.Fatalf("kill %d: a batch is at %d and at %d", kill, was, seq)
			}
			acknowledged[id] = seq
		}
		if len(acknowledged) > before {
			lives++
		}
		if kill%10 == 9 || kill == kills-1 {
			purged = countKept(t, dir, acknowledged, purged)
		}
	}
	if lives < kills/2 {
		t.Errorf("only %d of %d lives published anything: little was tested", lives, kills)
	}
	t.Logf("%d kills, %d acknowledged, lost 0, twice 0", kills, len(acknowledged))
}

// oneLife runs the child and kills it a while after it first was acknowledged something new, however slow the machine is. It returns what the child said.
func oneLife(t *testing.T, dir string, at int, known map[string]uint64, after time.Duration) []byte {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test itself
	child.Env = append(os.Environ(), childDir+"="+dir, childBegin+"="+strconv.Itoa(at))
	said, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	lines := bufio.NewReader(said)
	for isNew := false; !isNew; {
		line, err := lines.ReadString('\n')
		if output.WriteString(line); err != nil {
			break
		}
		id, _, _ := strings.Cut(line, " ")
		_, was := known[id]
		isNew = !was
	}
	killed := time.AfterFunc(after, func() { _ = child.Process.Kill() })
	defer killed.Stop()
	_, _ = output.ReadFrom(lines)
	_ = child.Wait()
	if state := child.ProcessState; state.Exited() {
		t.Fatalf("the child ended by itself: %v: %s", state, output.String())
	}
	return output.Bytes()
}

// countKept compares what is kept with what was acknowledged, and then purges half of it.
func countKept(t *testing.T, dir string, acknowledged map[string]uint64, purged uint64) uint64 {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: dir, MaxBytes: 8 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // a test
	got := map[string]uint64{}
	large, last := 0, purged
	for _, k := range all(t, s, purged) {
		id := k.batch.ID()
		if was, twice := got[id]; twice {
			t.Errorf("a batch is kept at %d and at %d", was, k.seq)
		}
		got[id], last = k.seq, k.seq
		if k.batch.Large.Bytes > 0 {
			large++
		}
	}
	for id, seq := range acknowledged {
		if seq > purged && got[id] != seq {
			t.Errorf("batch %s was acknowledged at %d and is kept at %d", id[:8], seq, got[id])
		}
	}
	if n := filesIn(t, s.large.dir); n != large {
		t.Errorf("%d files for %d large records", n, large)
	}
	half := purged + (last-purged)/2
	if err := s.Purge(t.Context(), 0, half+1); err != nil {
		t.Fatal(err)
	}
	return half
}
