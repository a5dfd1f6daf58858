package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const (
	attemptsFor = 10 * time.Minute
	// giveBackFor bounds a write that nobody waits for.
	giveBackFor = 5 * time.Second
)

// attempts counts what may fail only so often in attemptsFor. The counts are rows, so that all servers of a store
// count together: a second one gives who guesses no second try. Each is written at most as often as its limit, has a
// partition of its own, and goes by itself.
type attempts struct {
	db    kv.DB
	now   func() time.Time
	turns *turns.Turns // so that the requests of this server don't lose against each other
}

// quota is what is counted of whom.
type quota struct {
	kind string
	who  string // empty: not counted
	max  int
}

// window is the row of a quota.
type window struct {
	Count int       `json:"count"`
	Ends  time.Time `json:"ends"`
}

func newAttempts(db kv.DB, now func() time.Time) *attempts {
	return &attempts{db: db, now: now, turns: turns.New()}
}

// take counts an attempt in all of the quotas before it is made, so that many at once are not more than the limit. If
// there have been too many in one of them it counts none, and returns how long to wait.
func (a *attempts) take(ctx context.Context, quotas ...quota) (wait time.Duration, err error) {
	err = a.change(ctx, quotas, func(w window, q quota) (window, bool) {
		now := a.now()
		if !now.Before(w.Ends) {
			w = window{Ends: now.Add(attemptsFor)}
		}
		if w.Count >= q.max {
			wait = max(wait, w.Ends.Sub(now))
			return w, false
		}
		w.Count++
		return w, true
	})
	return wait, err
}

// giveBack takes an attempt back that was no failure. If that fails the attempt counts until its window ends.
func (a *attempts) giveBack(ctx context.Context, quotas ...quota) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackFor)
	defer cancel()
	for _, q := range quotas {
		_ = a.change(ctx, []quota{q}, func(w window, _ quota) (window, bool) {
			w.Count--
			return w, w.Count >= 0
		})
	}
}

// change writes what next makes of all the quotas' windows, in one batch; false from one writes nothing.
func (a *attempts) change(ctx context.Context, quotas []quota, next func(window, quota) (window, bool)) error {
	quotas = slices.DeleteFunc(slices.Clone(quotas), func(q quota) bool { return q.who == "" })
	var names []string
	for _, q := range quotas {
		names = append(names, q.id())
	}
	done, err := a.turns.Take(ctx, names...)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer done()
	return turns.Retry(accounts, func() error {
		var ops []kv.Op
		for _, q := range quotas {
			w, raw, found, err := kv.ReadJSON[window](ctx, a.db, attemptsKey(q))
			if err != nil {
				return err
			}
			w, ok := next(w, q)
			if !ok {
				return nil
			}
			ops = append(ops, w.op(raw, found, attemptsKey(q)))
		}
		return a.db.Apply(ctx, ops...)
	})
}

// op writes a window over the row that was read; one that counts nothing is no row.
func (w window) op(raw []byte, found bool, k kv.Key) kv.Op {
	if found && w.Count == 0 {
		return kv.Drop(raw, k)
	}
	row := kv.JSON(k, w)
	row.Expires = w.Ends
	return kv.Upsert(raw, found, row)
}

// id names a quota's row. It is a hash: what people type for a user name may be a password.
func (q quota) id() string {
	sum := sha256.Sum256([]byte(q.kind + "\x00" + q.who))
	return hex.EncodeToString(sum[:16])
}
