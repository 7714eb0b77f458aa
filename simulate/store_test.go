package simulate

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// emulator starts moto for a test. It ends with this process, however that ends.
func emulator(t *testing.T) string {
	t.Helper()
	program, err := filepath.Abs("../.cache/test-venv/bin/moto_server")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("moto_server"); err != nil {
			const how = "moto is not installed; install it with: build/test-setup.sh"
			if os.Getenv("CI") == "true" {
				t.Fatal(how)
			}
			t.Skip(how)
		}
	}
	for range 3 { // another process can take the port between
		if url, ok := serveMoto(t, program); ok {
			return url
		}
	}
	t.Fatal("moto does not answer")
	return ""
}

func serveMoto(t *testing.T, program string) (string, bool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `"$@" </dev/null >/dev/null 2>&1 & p=$!; read -r x; kill -TERM $p; wait $p`, "sh", program, "-H", "127.0.0.1", "-p", port)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	url := "http://127.0.0.1:" + port
	for range 1200 {
		if resp, err := http.Get(url + "/moto-api/data.json"); err == nil {
			resp.Body.Close()
			return url, true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", false
}

// TestObjectsComeIntoABucket delivers into an emulator of S3 and reads back what is there; a second writer on the folder adds nothing under other keys.
func TestObjectsComeIntoABucket(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_REGION", "us-east-1")
	endpoint := emulator(t)
	opened, err := openStore(t.Context(), "s3://logs/some/prefix", Store{Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	store := opened.(*bucket)
	if err := store.put(t.Context(), "a", nil); err == nil || !strings.Contains(err.Error(), "there is no bucket logs: make it first") {
		t.Errorf("without a bucket: %v", err)
	}
	if _, err := store.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &store.name}); err != nil {
		t.Fatal(err)
	}
	k := &clock{now: noon}
	dir := t.TempDir()
	want := map[string]string{}
	for range 2 { // the second begins again with nothing noted, as after a lost disk
		to := &both{to: store, taken: taken{clock: k}, most: 150}
		c := liveOf(dir, k)
		c.Scale = 0.05
		if err := feedInto(t, c, to); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		for path, body := range to.body {
			want["some/prefix/"+path] = body
		}
		if err := os.Remove(filepath.Join(dir, MemoryFile)); err != nil {
			t.Fatal(err)
		}
	}
	pages := s3.NewListObjectsV2Paginator(store.client, &s3.ListObjectsV2Input{Bucket: &store.name})
	found := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			out, err := store.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &store.name, Key: o.Key}, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(out.Body)
			out.Body.Close()
			if err != nil || string(raw) != want[*o.Key] || formatOf(*o.Key) == "" {
				t.Errorf("%s has other bytes, or no place: %v", *o.Key, err)
			}
			found++
		}
	}
	if found != 150 || len(want) != 150 {
		t.Errorf("%d objects in the bucket, %d delivered, want 150", found, len(want))
	}
}
