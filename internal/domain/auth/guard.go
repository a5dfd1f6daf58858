package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	checksAtOnce   = 2
	maxWaiting     = 256
	waitFor        = 10 * time.Second
	rememberFor    = 5 * time.Minute
	maxRemembered  = 4096
	failuresOfUser = 10
	failuresOfAddr = 30 // an office behind one address has more than one user
	signUpsOfAddr  = 30
)

// guard checks passwords. A check is slow by design, so only a few run at a time, what was found is
// remembered for a while, and who guesses is stopped, on whichever server of many.
type guard struct {
	cost  cost
	fake  string // the hash that an unknown user's password is checked against
	key   [32]byte
	now   func() time.Time
	slots chan struct{}

	attempts *attempts

	mu      sync.Mutex
	waiting int
	known   map[proof]verdict
	running map[proof]chan struct{} // closed when the check has ended
}

// proof stands for a user, a password and the stored hash, in a way that only this process can make:
// when the password changes, what was known of the old one is never asked for again.
type proof [sha256.Size]byte

type verdict struct {
	right bool
	until time.Time
}

func newGuard(c cost, db kv.DB, now func() time.Time) *guard {
	g := &guard{
		cost: c, fake: c.fake(), now: now, slots: make(chan struct{}, checksAtOnce),
		attempts: newAttempts(db, now),
		known:    map[proof]verdict{}, running: map[proof]chan struct{}{},
	}
	rand.Read(g.key[:])
	return g
}

func (g *guard) proof(user, password, stored string) (p proof) {
	mac := hmac.New(sha256.New, g.key[:])
	for _, s := range []string{user, password, stored} {
		_ = binary.Write(mac, binary.BigEndian, uint64(len(s)))
		mac.Write([]byte(s))
	}
	mac.Sum(p[:0])
	return p
}

// check reports whether the password is the user's; stored is its hash, "" if there is no such user,
// which takes as long. The same wrong password again is no further guess.
func (g *guard) check(ctx context.Context, user, password, stored string, from netip.Addr) (bool, error) {
	if len(password) > 4*maxPassword {
		return false, nil
	}
	known := stored != ""
	if !known {
		stored = g.fake
	}
	p := g.proof(user, password, stored)
	if v, ok := g.recall(p); ok {
		return v.right && known, nil
	}
	ctx, leave, err := g.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	for {
		switch v, wait := g.begin(p); {
		case v != nil:
			return v.right && known, nil
		case wait != nil: // another request checks the same
			select {
			case <-wait:
			case <-ctx.Done():
				return false, context.Cause(ctx)
			}
		default:
			right, err := g.slowly(ctx, user, password, stored, from)
			g.end(p, right, err)
			return right && known, err
		}
	}
}

// enter bounds who waits, and how long.
func (g *guard) enter(ctx context.Context) (context.Context, func(), error) {
	busy := fault.New(fault.Unavailable, "too many passwords are being checked; send the request again, or use a token").WithCode("busy")
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting >= maxWaiting {
		return nil, nil, busy
	}
	g.waiting++
	ctx, cancel := context.WithTimeoutCause(ctx, waitFor, busy)
	return ctx, func() {
		cancel()
		g.mu.Lock()
		defer g.mu.Unlock()
		g.waiting--
	}, nil
}

// begin returns what is known, or what to wait for, or neither: then the caller makes the check, and ends it.
func (g *guard) begin(p proof) (known *verdict, wait <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v, ok := g.recallLocked(p); ok {
		return &v, nil
	}
	if running, ok := g.running[p]; ok {
		return nil, running
	}
	g.running[p] = make(chan struct{})
	return nil, nil
}

func (g *guard) end(p proof, right bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.remember(p, right)
	}
	close(g.running[p])
	delete(g.running, p)
}

func (g *guard) recall(p proof) (verdict, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.recallLocked(p)
}

func (g *guard) recallLocked(p proof) (verdict, bool) {
	v, ok := g.known[p]
	return v, ok && g.now().Before(v.until)
}

func (g *guard) remember(p proof, right bool) {
	now := g.now()
	if len(g.known) >= maxRemembered {
		maps.DeleteFunc(g.known, func(_ proof, v verdict) bool { return !now.Before(v.until) })
	}
	for old := range g.known {
		if len(g.known) < maxRemembered {
			break
		}
		delete(g.known, old)
	}
	g.known[p] = verdict{right: right, until: now.Add(rememberFor)}
}

// slowly makes the check when it is its turn, if there were not too many wrong ones.
func (g *guard) slowly(ctx context.Context, user, password, stored string, from netip.Addr) (right bool, err error) {
	quotas := []quota{{"address", place(from), failuresOfAddr}, {"user", user, failuresOfUser}}
	if err := g.attempt(ctx, quotas...); err != nil {
		return false, err
	}
	defer func() {
		if right || err != nil {
			g.attempts.giveBack(ctx, quotas...)
		}
	}()
	release, err := g.slot(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	return matches(stored, password)
}

// hash makes the hash of a new password when it is its turn.
func (g *guard) hash(ctx context.Context, password string) (string, error) {
	ctx, leave, err := g.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	release, err := g.slot(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return g.cost.hash(password), nil
}

func (g *guard) slot(ctx context.Context) (release func(), err error) {
	select {
	case g.slots <- struct{}{}:
		return func() { <-g.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (g *guard) attempt(ctx context.Context, quotas ...quota) error {
	wait, err := g.attempts.take(ctx, quotas...)
	if err == nil && wait > 0 {
		err = tooMany(wait)
	}
	return err
}

// signUp counts an account that is about to be made from an address.
func (g *guard) signUp(ctx context.Context, from netip.Addr) error {
	return g.attempt(ctx, quota{"sign-up", place(from), signUpsOfAddr})
}

func tooMany(wait time.Duration) error {
	return fault.New(fault.Forbidden, "too many attempts with a password; wait %s, or use a token", wait.Round(time.Second)).WithCode("too_many_attempts")
}

// place is what of an address counts for guessing: an IPv6 customer has a whole /64. Loopback does
// not count: it is a proxy on this machine, and so everybody.
func place(a netip.Addr) string {
	a = plain(a)
	switch {
	case !a.IsValid() || a.IsLoopback():
		return ""
	case a.Is6():
		return netip.PrefixFrom(a, 64).Masked().String()
	}
	return a.String()
}
