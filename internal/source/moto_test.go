package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// moto is the emulator of S3 and SQS, one for all tests of the package. It ends with this process, however that ends.
type moto struct {
	once  sync.Once
	err   error
	url   string
	cmd   *exec.Cmd
	stdin io.Closer
}

var theMoto moto

var errNoMoto = errors.New("moto is not installed; install it with: build/test-setup.sh")

func (m *moto) start() error {
	program, err := filepath.Abs("../../.cache/test-venv/bin/moto_server")
	if err != nil {
		return err
	}
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("moto_server"); err != nil {
			return errNoMoto
		}
	}
	for range 3 { // another process can take the port between
		if err = m.serve(program); err == nil {
			return nil
		}
	}
	return err
}

func (m *moto) serve(program string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	m.url = "http://127.0.0.1:" + strconv.Itoa(port)
	m.cmd = exec.Command("/bin/sh", "-c", `"$@" </dev/null >/dev/null 2>&1 & p=$!; read -r x; kill -TERM $p; wait $p`, "sh", program, "-H", "127.0.0.1", "-p", strconv.Itoa(port))
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	for range 600 {
		if resp, err := http.Get(m.url + "/moto-api/data.json"); err == nil {
			resp.Body.Close()
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	m.stop()
	return fmt.Errorf("%s does not answer at %s", program, m.url)
}

func (m *moto) stop() {
	if m.stdin != nil {
		_ = m.stdin.Close()
		_ = m.cmd.Wait()
		m.stdin = nil
	}
}

// cloud is a bucket and a queue of a test's own, seen through a proxy that can be told to fail.
type cloud struct {
	t     testing.TB
	name  string // of bucket and queue
	queue string // its URL
	s3    *s3.Client
	sqs   *sqs.Client
	proxy *httptest.Server

	mu   sync.Mutex
	asks []ask
	// fails, where given, decides about a request before the emulator sees it: a status to answer with, -1 to break the connection
	// in the middle of the answer, 0 to let it pass.
	fails func(a ask) int
}

// ask is one request that came by.
type ask struct{ method, key, prefix, action string }

func newCloud(t testing.TB) *cloud {
	t.Helper()
	theMoto.once.Do(func() { theMoto.err = theMoto.start() })
	switch {
	case errors.Is(theMoto.err, errNoMoto) && os.Getenv("CI") != "true":
		t.Skip(theMoto.err)
	case theMoto.err != nil:
		t.Fatal(theMoto.err)
	}
	c := &cloud{t: t, name: strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))}
	c.name = strings.Trim(c.name[:min(len(c.name), 60)], "-")
	target, err := url.Parse(theMoto.url)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorLog = log.New(io.Discard, "", 0) // doors that end break their requests off
	c.proxy = httptest.NewServer(c.between(forward))
	t.Cleanup(c.proxy.Close)
	direct := &bucket{region: "us-east-1", endpoint: theMoto.url}
	if c.s3, c.sqs, err = direct.clients(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &c.name}); err != nil {
		t.Fatal(err)
	}
	q, err := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &c.name})
	if err != nil {
		t.Fatal(err)
	}
	c.queue = aws.ToString(q.QueueUrl)
	return c
}

func (c *cloud) between(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		a := ask{r.Method, key, r.URL.Query().Get("prefix"), action}
		if r.URL.Query().Get("list-type") == "2" {
			a.action = "List"
		}
		c.mu.Lock()
		c.asks = append(c.asks, a)
		fails := c.fails
		c.mu.Unlock()
		status := 0
		if fails != nil {
			status = fails(a)
		}
		switch {
		case status > 0:
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			code := map[int]string{503: "SlowDown", 403: "AccessDenied", 500: "InternalError"}[status]
			fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>the test says so</Message></Error>`, code)
		case status < 0:
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			for name, values := range rec.Header() {
				w.Header()[name] = values
			}
			w.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
			panic(http.ErrAbortHandler)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (c *cloud) failing(f func(a ask) int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails = f
}

// asked lists the requests that came by so far and satisfy a condition.
func (c *cloud) asked(which func(a ask) bool) (out []ask) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.asks {
		if which(a) {
			out = append(out, a)
		}
	}
	return out
}

func isGet(a ask) bool { return a.method == http.MethodGet && a.action == "" && a.key != "" }

func (c *cloud) put(key string, body []byte) string {
	c.t.Helper()
	out, err := c.s3.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &c.name, Key: &key, Body: strings.NewReader(string(body))})
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Trim(aws.ToString(out.ETag), `"`)
}

func (c *cloud) send(body string) {
	c.t.Helper()
	if _, err := c.sqs.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &c.queue, MessageBody: &body}); err != nil {
		c.t.Fatal(err)
	}
}

// waiting is how many messages are in the queue, hidden ones included.
func (c *cloud) waiting() int {
	c.t.Helper()
	out, err := c.sqs.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{QueueUrl: &c.queue, AttributeNames: []sqsAttribute{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"}})
	if err != nil {
		c.t.Fatal(err)
	}
	n := 0
	for _, v := range out.Attributes {
		k, _ := strconv.Atoi(v)
		n += k
	}
	return n
}

// door opens a door on the cloud by settings.
func (c *cloud) door(settings map[string]string) *bucket {
	c.t.Helper()
	settings["endpoint"], settings["region"] = c.proxy.URL, "us-east-1"
	door, err := openS3(settings)
	if err != nil {
		c.t.Fatal(err)
	}
	b := door.(*bucket)
	b.hidden = 3 * time.Second // the emulator gives a message to a poll whose client is gone
	return b
}
