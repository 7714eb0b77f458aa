package simulate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// pusher delivers objects to a source of kind http. What the object is, its content says.
type pusher struct {
	url, token string
	now        func() time.Time
	wait       func(ctx context.Context, d time.Duration) error
	say        func(format string, args ...any)
}

// How long a push that was not taken waits before it is repeated, and for how long an answer is waited for.
const (
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
	answerTime  = 2 * time.Minute
)

// put pushes until it is taken, later each time, and not before the server's Retry-After. It gives up where the server says that it will never be taken.
func (p *pusher) put(ctx context.Context, name string, body []byte) error {
	sum := sha256.Sum256(body)
	key := fmt.Sprintf("%s-%x", name, sum[:6])
	pause := firstWait
	for try := 1; ; try++ {
		after, fault := p.once(ctx, key, body)
		switch {
		case fault == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case after < 0:
			return fault
		}
		if try == 4 {
			p.say("%s does not take what it is given yet: %v", p.url, fault)
		}
		if err := p.wait(ctx, max(pause, after)); err != nil {
			return err
		}
		pause = min(2*pause, longestWait)
	}
}

// once pushes one time. after is how long the server wants to be left alone, below 0 where it need not be asked again.
func (p *pusher) once(ctx context.Context, key string, body []byte) (after time.Duration, fault error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Idempotency-Key", key)
	req.Header.Set("Content-Type", "application/octet-stream")
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()                                 //nolint:errcheck // only read
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // a broken answer's status counts all the same
	switch {
	case resp.StatusCode < 300:
		return 0, nil
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusRequestTimeout, resp.StatusCode >= 500:
		return retryAfter(resp.Header.Get("Retry-After"), p.now()), fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return -1, fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3); 0 where there is neither.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
