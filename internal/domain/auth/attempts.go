package auth

import (
	"sync"
	"time"
)

const (
	attemptsFor = 10 * time.Minute
	maxWatched  = 10000
)

// attempts counts what may fail only so often in attemptsFor, by user or by address.
type attempts struct {
	max     int
	now     func() time.Time
	mu      sync.Mutex
	windows map[string]window
}

type window struct {
	count int
	ends  time.Time
}

func newAttempts(limit int, now func() time.Time) *attempts {
	return &attempts{max: limit, now: now, windows: map[string]window{}}
}

// take counts an attempt before it is made, so that many at once are not more than the limit; it
// returns how long to wait if there have been too many, else 0. An empty key is not counted.
func (a *attempts) take(key string) (wait time.Duration) {
	if key == "" {
		return 0
	}
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	w, ok := a.windows[key]
	if !ok || !now.Before(w.ends) {
		a.makeRoom(now)
		w = window{ends: now.Add(attemptsFor)}
	}
	if w.count >= a.max {
		return w.ends.Sub(now)
	}
	w.count++
	a.windows[key] = w
	return 0
}

// giveBack takes an attempt back that was no failure.
func (a *attempts) giveBack(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w, ok := a.windows[key]
	if !ok {
		return
	}
	if w.count--; w.count <= 0 {
		delete(a.windows, key)
		return
	}
	a.windows[key] = w
}

// makeRoom drops what is over, or else what is over soonest.
func (a *attempts) makeRoom(now time.Time) {
	if len(a.windows) < maxWatched {
		return
	}
	var soonest string
	for key, w := range a.windows {
		if !now.Before(w.ends) {
			delete(a.windows, key)
		} else if soonest == "" || w.ends.Before(a.windows[soonest].ends) {
			soonest = key
		}
	}
	if len(a.windows) >= maxWatched {
		delete(a.windows, soonest)
	}
}
