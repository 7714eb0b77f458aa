package access

import (
	"sync"
	"time"
)

// Attempts slows those down who guess passwords. After Free failures each further one doubles the wait, to at most MaxWait. The
// zero value is ready; it may be used by many goroutines, and forgets at a restart.
type Attempts struct {
	mu  sync.Mutex
	who map[string]*attempts
}

type attempts struct {
	failed int
	until  time.Time
}

// What Attempts allows.
const (
	Free      = 5
	MaxWait   = 15 * time.Minute
	maxTraced = 10_000 // names and addresses that are remembered; beyond, those whose wait is over go first
)

// Wait says how long one must wait before the next attempt.
func (a *Attempts) Wait(key string, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.who[key]; t != nil && now.Before(t.until) {
		return t.until.Sub(now)
	}
	return 0
}

// Failed notes a failure.
func (a *Attempts) Failed(key string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.who == nil {
		a.who = map[string]*attempts{}
	}
	if len(a.who) >= maxTraced {
		for k, t := range a.who {
			if now.After(t.until) {
				delete(a.who, k)
			}
		}
	}
	t := a.who[key]
	if t == nil {
		t = &attempts{}
		a.who[key] = t
	}
	if t.failed++; t.failed >= Free {
		t.until = now.Add(min(MaxWait, time.Second<<min(t.failed-Free, 20)))
	}
}

// Succeeded forgets failures.
func (a *Attempts) Succeeded(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.who, key)
}
