package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

func TestPasswordHash(t *testing.T) {
	h := defaultCost().hash("pässword")
	if !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash = %s", h)
	}
	for password, want := range map[string]bool{"pässword": true, "password": false, "": false, "pässword ": false} {
		if got, err := matches(h, password); got != want || err != nil {
			t.Errorf("matches(%q) = %v, %v, want %v", password, got, err, want)
		}
	}
	if again := defaultCost().hash("pässword"); again == h {
		t.Error("two hashes of one password are equal")
	}
	// argon2's reference program says this of "password" and the salt "somesalt".
	const known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if got, err := matches(known, "password"); !got || err != nil {
		t.Errorf("matches(known) = %v, %v", got, err)
	}
}

func FuzzParseHash(f *testing.F) {
	for _, s := range []string{"", cheap().hash("x"), "$argon2id$v=19$m=4294967295,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=0,p=0$$", "$2y$10$abc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, _, sum, err := parseHash(s)
		if err == nil && (c.memory > maxMemory || c.time < 1 || c.threads < 1 || len(sum) < saltBytes) {
			t.Errorf("%q asks for %+v and passes", s, c)
		}
	})
}

// wrong makes a check that must not succeed.
func wrong(t *testing.T, g *guard, user, password, stored string, from netip.Addr) error {
	t.Helper()
	right, err := g.check(t.Context(), user, password, stored, from)
	if right {
		t.Errorf("%q is right for %s", password, user)
	}
	return err
}

func TestGuessingIsStopped(t *testing.T) {
	w := closed(t)
	g, stored := w.guard, cheap().hash(password)
	addr := netip.MustParseAddr("203.0.113.5")
	for _, user := range []string{"alice", "nobody"} {
		h := map[string]string{"alice": stored}[user]
		for i := range failuresOfUser {
			if err := wrong(t, g, user, fmt.Sprint("guess", i), h, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})); err != nil {
				t.Fatalf("guess %d: %v", i, err)
			}
		}
		refused(t, wrong(t, g, user, "one more", h, addr), fault.Forbidden, "wait 10m0s", "token")
		// The same wrong password again is no guess: its answer is known.
		if err := wrong(t, g, user, "guess3", h, addr); err != nil {
			t.Errorf("an old guess of %s: %v", user, err)
		}
	}
	// Not even the right one gets in now, as a guess could be it; later it does.
	_, err := g.check(t.Context(), "alice", password, stored, addr)
	refused(t, err, fault.Forbidden)
	w.Pass(attemptsFor)
	if right, err := g.check(t.Context(), "alice", password, stored, addr); !right || err != nil {
		t.Errorf("after the wait: %v, %v", right, err)
	}
	// Who is known is not shut out by others' guesses.
	for i := range failuresOfUser {
		_ = wrong(t, g, "alice", fmt.Sprint("later", i), stored, addr)
	}
	if right, err := g.check(t.Context(), "alice", password, stored, addr); !right || err != nil {
		t.Errorf("while others guess: %v, %v", right, err)
	}
}

func TestSprayingIsStopped(t *testing.T) {
	for _, tt := range []struct{ what, first, last string }{
		{"IPv4", "203.0.113.5", "203.0.113.5"},
		{"IPv4 in IPv6", "203.0.113.5", "::ffff:203.0.113.5"},
		{"an IPv6 customer", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			w := closed(t)
			g := w.guard
			for i := range failuresOfAddr {
				if err := wrong(t, g, fmt.Sprint("user", i), "123456", "", netip.MustParseAddr(tt.first)); err != nil {
					t.Fatal(err)
				}
			}
			refused(t, wrong(t, g, "alice", "123456", "", netip.MustParseAddr(tt.last)), fault.Forbidden, "wait")
			if err := wrong(t, g, "alice", "123456", "", netip.MustParseAddr("2001:db8:0:2::1")); err != nil {
				t.Errorf("another address: %v", err)
			}
			if n := w.counted("user", "alice"); n != 1 {
				t.Errorf("%d attempts count, want 1: a refusal is no attempt", n)
			}
		})
	}
	g := closed(t).guard
	for i := range 2 * failuresOfAddr { // a proxy on this machine stands for everybody
		if err := wrong(t, g, fmt.Sprint("user", i), "123456", "", netip.MustParseAddr("127.0.0.1")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyGuessesAtOnce: the limit holds for those that are under way too.
func TestManyGuessesAtOnce(t *testing.T) {
	g := closed(t).guard
	stored := cheap().hash(password)
	var judged atomic.Int64
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if err := wrong(t, g, "alice", fmt.Sprint("guess", i), stored, netip.Addr{}); err == nil {
				judged.Add(1)
			} else if !errors.Is(err, fault.Forbidden) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := judged.Load(); n != failuresOfUser {
		t.Errorf("%d of 100 guesses were answered, want %d", n, failuresOfUser)
	}
}

// TestOneCheckForAll: an install with a password makes dozens of requests at once.
func TestOneCheckForAll(t *testing.T) {
	w := closed(t)
	g := w.guard
	stored := cheap().hash(password)
	g.slots <- struct{}{} // the machine is busy
	g.slots <- struct{}{}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if right, err := g.check(t.Context(), "alice", password, stored, netip.MustParseAddr("203.0.113.5")); !right || err != nil {
				t.Errorf("check = %v, %v", right, err)
			}
		})
	}
	<-g.slots
	wg.Wait()
	<-g.slots
	if users, addrs := w.counted("user", "alice"), w.counted("address", "203.0.113.5"); users+addrs+len(g.running)+g.waiting != 0 {
		t.Errorf("something is left: %d %d %v %d", users, addrs, g.running, g.waiting)
	}
}

// TestWaitingIsBounded: in time and in number, and for users that do not exist as for others.
func TestWaitingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := closed(t)
		g := newGuard(cheap(), w.db, time.Now)
		stored := cheap().hash(password)
		for range checksAtOnce {
			g.slots <- struct{}{}
		}
		for user, h := range map[string]string{"alice": stored, "nobody": ""} {
			begin := time.Now()
			_, err := g.check(t.Context(), user, password, h, netip.Addr{})
			refused(t, err, fault.Unavailable, "too many passwords")
			if took := time.Since(begin); took != waitFor {
				t.Errorf("%s waited %s, want %s", user, took, waitFor)
			}
		}
		if w.counted("user", "alice")+w.counted("user", "nobody") != 0 {
			t.Error("a password that was not looked at counts as wrong")
		}

		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range maxWaiting {
			wg.Go(func() {
				if _, err := g.check(ctx, fmt.Sprint("user", i/2), "x", "", netip.Addr{}); !errors.Is(err, context.Canceled) {
					t.Errorf("a client that went away got %v", err)
				}
			})
		}
		synctest.Wait()
		_, err := g.check(ctx, "alice", password, stored, netip.Addr{})
		refused(t, err, fault.Unavailable)
		_, err = g.hash(ctx, password)
		refused(t, err, fault.Unavailable)
		cancel()
		wg.Wait()
		<-g.slots
		if right, err := g.check(t.Context(), "alice", password, stored, netip.Addr{}); !right || err != nil {
			t.Errorf("after the crowd: %v, %v", right, err)
		}
	})
}

// TestFirstOneGivesUp: who waited for the check of another makes it then.
func TestFirstOneGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(cheap(), closed(t).db, time.Now)
		stored := cheap().hash(password)
		for range checksAtOnce {
			g.slots <- struct{}{}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = g.check(ctx, "alice", password, stored, netip.Addr{}) })
		synctest.Wait()
		wg.Go(func() {
			if right, err := g.check(t.Context(), "alice", password, stored, netip.Addr{}); !right || err != nil {
				t.Errorf("check = %v, %v", right, err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		<-g.slots
		wg.Wait()
	})
}

func TestMemoryIsBounded(t *testing.T) {
	w := closed(t)
	g := w.guard
	for i := range maxRemembered + 100 {
		g.mu.Lock()
		g.remember(g.proof("alice", fmt.Sprint(i), "h"), false)
		g.mu.Unlock()
	}
	if n := len(g.known); n != maxRemembered {
		t.Errorf("%d answers are remembered, want %d", n, maxRemembered)
	}
	w.Pass(rememberFor)
	g.mu.Lock()
	g.remember(g.proof("alice", "x", "h"), false)
	g.mu.Unlock()
	if n := len(g.known); n != 1 {
		t.Errorf("%d answers are remembered after their time, want 1", n)
	}
}

// TestServersCountTogether: who guesses gets no more tries from a second server, or one that was started again, and
// no window outlives its time.
func TestServersCountTogether(t *testing.T) {
	w := closed(t)
	servers := []*guard{w.guard, newGuard(cheap(), w.db, w.Now)}
	stored, from := cheap().hash(password), netip.MustParseAddr("203.0.113.5")
	var judged atomic.Int64
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if err := wrong(t, servers[i%2], "alice", fmt.Sprint("guess", i), stored, netip.Addr{}); err == nil {
				judged.Add(1)
			} else if !errors.Is(err, fault.Forbidden) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := judged.Load(); n != failuresOfUser {
		t.Errorf("%d of 40 guesses were answered, want %d", n, failuresOfUser)
	}
	for i := range failuresOfAddr {
		if err := wrong(t, servers[i%2], fmt.Sprint("user", i), "123456", "", from); err != nil {
			t.Fatal(err)
		}
	}
	fresh := newGuard(cheap(), w.db, w.Now)
	refused(t, wrong(t, fresh, "alice", "one more", stored, netip.Addr{}), fault.Forbidden, "wait")
	refused(t, wrong(t, fresh, "bob", "123456", "", from), fault.Forbidden, "wait")
	w.Pass(attemptsFor)
	if n := w.counted("user", "alice") + w.counted("address", from.String()); n != 0 {
		t.Errorf("%d attempts count after their time", n)
	}
	if right, err := fresh.check(t.Context(), "alice", password, stored, from); !right || err != nil {
		t.Errorf("after the wait: %v, %v", right, err)
	}
}

// TestAttemptsNeedTheStore: a password that can't be counted is not looked at.
func TestAttemptsNeedTheStore(t *testing.T) {
	w := closed(t)
	boom := errors.New("disk on fire")
	w.db.before = func([]kv.Op) error { return boom }
	if right, err := w.guard.check(t.Context(), "alice", password, cheap().hash(password), netip.Addr{}); right || !errors.Is(err, boom) {
		t.Errorf("check = %v, %v, want the store's error", right, err)
	}
}

// TestUserNamesAreNotStored: people type passwords where the name belongs.
func TestUserNamesAreNotStored(t *testing.T) {
	w := closed(t)
	w.db.before = func(ops []kv.Op) error {
		for _, op := range ops {
			if strings.Contains(op.Row.String()+string(op.Row.Value), "hunter2") {
				t.Errorf("a row has the name: %s", op.Row.Key)
			}
		}
		return nil
	}
	if err := wrong(t, w.guard, "hunter2", "x", "", netip.Addr{}); err != nil {
		t.Error(err)
	}
	if n := w.counted("user", "hunter2"); n != 1 {
		t.Errorf("%d attempts count, want 1", n)
	}
}

func TestBrokenPasswordRow(t *testing.T) {
	g := closed(t).guard
	for range failuresOfUser + 1 {
		_, err := g.check(t.Context(), "alice", password, "$argon2id$v=19$m=64,t=1,p=1$x", netip.Addr{})
		if _, public := fault.Public(err); err == nil || public {
			t.Errorf("check = %v, want an error for the log", err)
		}
	}
}
