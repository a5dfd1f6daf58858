package auth

import (
	"context"
	"errors"
	"iter"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/storetest"
)

const rootToken = "correct-horse-battery-staple"

// cheap makes hashes that many tests can afford.
func cheap() cost { return cost{memory: 64, time: 1, threads: 1} }

// world is a service on a real store, with a clock to turn.
type world struct {
	*Service
	*storetest.Clock
	t  testing.TB
	db *spyDB
}

func newWorld(t testing.TB, opt Options) *world {
	t.Helper()
	w := &world{t: t, Clock: storetest.NewClock()}
	db := storetest.OpenDB(t, w.Now)
	w.db, opt.Now = &spyDB{DB: db}, w.Now
	w.Service = New(w.db, opt)
	w.guard = newGuard(cheap(), w.db, w.Now)
	return w
}

// closed is a server with a REGISTRY_TOKEN.
func closed(t testing.TB) *world {
	t.Helper()
	return newWorld(t, Options{RootToken: rootToken})
}

func (w *world) root() Principal {
	w.t.Helper()
	return w.identify(Credentials{Token: rootToken})
}

func (w *world) identify(c Credentials) Principal {
	w.t.Helper()
	p, err := w.Identify(w.t.Context(), c)
	if err != nil {
		w.t.Fatalf("Identify: %v", err)
	}
	return p
}

func (w *world) bearer(token string) Principal {
	w.t.Helper()
	return w.identify(Credentials{Token: token})
}

func (w *world) anonymous() Principal {
	w.t.Helper()
	return w.identify(Credentials{Addr: netip.MustParseAddr("203.0.113.7")})
}

// token makes a token as the operator does.
func (w *world) token(n NewToken) string {
	w.t.Helper()
	secret, _, err := w.CreateToken(w.t.Context(), w.root(), n)
	if err != nil {
		w.t.Fatalf("CreateToken(%+v): %v", n, err)
	}
	return secret
}

const password = "open sesame, please"

// user makes an account with the password above.
func (w *world) user(name string) Principal {
	w.t.Helper()
	if _, created, err := w.SignIn(w.t.Context(), w.root(), name, password, name+"@example.com"); err != nil || !created {
		w.t.Fatalf("making %s: created %v, %v", name, created, err)
	}
	return w.identify(Credentials{User: name, Token: password})
}

// counted is how many attempts are counted in a quota.
func (w *world) counted(kind, who string) int {
	w.t.Helper()
	row, _, _, err := kv.ReadJSON[window](w.t.Context(), w.db, attemptsKey(quota{kind: kind, who: who}))
	if err != nil {
		w.t.Fatal(err)
	}
	return row.Count
}

// refused checks the kind of a refusal, and that it says what the caller should know.
func refused(t testing.TB, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %s", err, kind)
		return
	}
	for _, want := range words {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

// spyDB counts reads, and calls before ahead of every Apply, whose error it is.
type spyDB struct {
	kv.DB
	reads  atomic.Int64
	before func(ops []kv.Op) error
}

func (d *spyDB) Get(ctx context.Context, k kv.Key) (kv.Row, error) {
	d.reads.Add(1)
	return d.DB.Get(ctx, k)
}

func (d *spyDB) Scan(ctx context.Context, partition string, q kv.Query) iter.Seq2[kv.Row, error] {
	d.reads.Add(1)
	return d.DB.Scan(ctx, partition, q)
}

func (d *spyDB) Apply(ctx context.Context, ops ...kv.Op) error {
	if d.before != nil {
		if err := d.before(ops); err != nil {
			return err
		}
	}
	return d.DB.Apply(ctx, ops...)
}
