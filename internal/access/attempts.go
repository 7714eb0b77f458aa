package access

import (
	"sync"
	"time"
)

// Attempts slows those down who guess passwords. An attempt is counted before the password is looked at, so that many at once do not get
// past it; one that succeeds is forgotten. After Free attempts each further one doubles the wait, to at most MaxWait. The zero value is
// ready; it may be used by many goroutines, and forgets at a restart.
type Attempts struct {
	mu  sync.Mutex
	who map[string]*attempts
}

type attempts struct {
	made  int
	until time.Time
}

// What Attempts allows.
const (
	MaxWait   = 15 * time.Minute
	maxTraced = 10_000 // names and addresses that are remembered; beyond, those whose wait is over go first, then any
)

// Try counts an attempt of each key, of which so many are free, and says how long one must wait instead. One that has to wait is not counted.
func (a *Attempts) Try(now time.Time, free map[string]int) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	var wait time.Duration
	for key := range free {
		if t := a.who[key]; t != nil {
			wait = max(wait, t.until.Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	if a.who == nil {
		a.who = map[string]*attempts{}
	}
	a.room(len(free), now)
	for key, n := range free {
		t := a.who[key]
		if t == nil {
			t = &attempts{}
			a.who[key] = t
		}
		t.until = now
		if t.made++; t.made >= n {
			t.until = now.Add(min(MaxWait, time.Second<<min(t.made-n, 20)))
		}
	}
	return 0
}

// room makes room for more keys.
func (a *Attempts) room(more int, now time.Time) {
	if len(a.who)+more <= maxTraced {
		return
	}
	for key, t := range a.who {
		if now.Sub(t.until) > MaxWait {
			delete(a.who, key)
		}
	}
	for key := range a.who {
		if len(a.who)+more <= maxTraced*9/10 { // room for a while: making some takes a walk over all
			return
		}
		delete(a.who, key)
	}
}

// Succeeded forgets the attempts of keys.
func (a *Attempts) Succeeded(free map[string]int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key := range free {
		delete(a.who, key)
	}
}
