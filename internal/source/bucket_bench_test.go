package source

import (
	"bufio"
	"context"
	"encoding/xml"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/simulate"
)

// bucketChild is set for the process that serves a folder as a bucket: the least that a listing and a fetch need, in a process of its own, so
// that its work is not counted as the door's. It stands in for moto, which spends more on an object than all that follows.
const bucketChild = "TOCSIN_TEST_BUCKET"

func serveBucket(dir string) {
	objects := map[string][]byte{}
	type content struct {
		Key          string
		ETag         string
		Size         int
		LastModified string
	}
	var list struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Contents []content
	}
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := os.ReadFile(path) //nolint:gosec // of this benchmark
		key, relErr := filepath.Rel(dir, path)
		if err != nil || relErr != nil {
			return fmt.Errorf("%w %w", err, relErr)
		}
		objects[key] = body
		list.Contents = append(list.Contents, content{key, fmt.Sprintf(`"%032d"`, len(objects)), len(body), time.Now().UTC().Format(time.RFC3339)})
		return nil
	})
	if err != nil {
		fail(err)
	}
	page, err := xml.Marshal(list)
	if err != nil {
		fail(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	fmt.Println("http://" + l.Addr().String())
	fail(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // of this benchmark, ended with it
		body := page
		if r.URL.Query().Get("list-type") == "" {
			_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
			body = objects[key]
			w.Header().Set("ETag", `"`+key+`"`)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})))
}

// processor is what this process used of the processor so far.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkBucketToDurable lists a bucket of CloudTrail files and fetches all of them, until their records are durable in the stream. One
// operation is all of TOCSIN_BENCH_EVENTS (default 100,000) in files of 250.
func BenchmarkBucketToDurable(b *testing.B) {
	events := 100_000
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_BENCH_EVENTS")); err == nil && n > 0 {
		events = n
	}
	dir := b.TempDir()
	if err := simulate.Volume(b.Context(), dir, events, max(1, events/250), 5); err != nil {
		b.Fatal(err)
	}
	b.Run("stub", func(b *testing.B) {
		child := exec.CommandContext(b.Context(), os.Args[0]) //nolint:gosec // this test itself
		child.Env, child.Stderr = append(os.Environ(), bucketChild+"="+dir), os.Stderr
		out, err := child.StdoutPipe()
		if err == nil {
			err = child.Start()
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _, _ = child.Process.Kill(), child.Wait() })
		address, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			delivered(b, events, map[string]string{"bucket": "logs", "region": "us-east-1", "endpoint": strings.TrimSpace(address)})
		}
	})
	b.Run("moto", func(b *testing.B) {
		c := newCloud(b)
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			body, err := os.ReadFile(path) //nolint:gosec // of this benchmark
			if key, relErr := filepath.Rel(dir, path); err == nil && relErr == nil {
				c.put(key, body)
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			delivered(b, events, map[string]string{"bucket": c.name, "region": "us-east-1", "endpoint": theMoto.url})
		}
	})
}

// delivered runs a door until so many records are durable, and reports how long that took.
func delivered(b *testing.B, events int, settings map[string]string) {
	b.Helper()
	y := newYard(b)
	door, err := openS3(settings)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	waiting, env := make(chan struct{}), y.env()
	env.Say = func(doing, why string) {
		if doing != "waiting" {
			b.Errorf("%s %s", doing, why)
		}
		close(waiting)
	}
	done, before, start := make(chan error, 1), processor(), time.Now()
	go func() { done <- door.Run(ctx, env) }()
	select {
	case <-waiting:
	case err := <-done:
		b.Fatal(err)
	}
	took, used := time.Since(start), processor()-before
	stop()
	<-done
	if n := y.house.States()["logs"].Records; n != int64(events) {
		b.Errorf("%d records of %d were delivered", n, events)
	}
	b.ReportMetric(float64(events)/took.Seconds(), "events/s")
	b.ReportMetric(float64(used.Microseconds())/float64(events), "cpu-µs/event")
}
