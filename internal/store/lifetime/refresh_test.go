package lifetime_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
)

// bucket is a store of which only the ages are kept, with a lifecycle rule as S3's.
type bucket struct {
	blob.Store
	now      func() time.Time
	stored   map[blob.Key]time.Time
	keep     time.Duration // of the rule
	requests int           // for refreshing
}

func (b *bucket) Put(_ context.Context, key blob.Key, _ io.Reader) (blob.Info, bool, error) {
	at, found := b.stored[key]
	if !found {
		at = b.now()
		b.stored[key] = at
	}
	return blob.Info{Key: key, ModTime: at}, !found, nil
}

func (b *bucket) Stat(_ context.Context, key blob.Key) (blob.Info, error) {
	at, found := b.stored[key]
	if !found {
		return blob.Info{}, blob.ErrNotFound
	}
	return blob.Info{Key: key, ModTime: at}, nil
}

func (b *bucket) Delete(_ context.Context, key blob.Key) error {
	delete(b.stored, key)
	return nil
}

// expire does what the rule says.
func (b *bucket) expire() {
	for key, at := range b.stored {
		if b.now().Sub(at) >= b.keep {
			delete(b.stored, key)
		}
	}
}

// Refresh makes a blob young.
func (b *bucket) Refresh(_ context.Context, key blob.Key, before time.Time) error {
	b.requests++
	at, found := b.stored[key]
	if !found {
		return blob.ErrNotFound
	}
	if at.Before(before) {
		b.stored[key] = b.now()
	}
	return nil
}

const (
	retention = 90 * 24 * time.Hour
	day       = 24 * time.Hour
)

// history publishes commits for nine months, which use some bodies again and again and others once, and returns how
// often a promised blob was missing.
func history(t *testing.T, clock *time.Time, b *bucket, r blob.Refresher) (lost int) {
	t.Helper()
	now := func() time.Time { return *clock }
	db, err := boltkv.Open(filepath.Join(t.TempDir(), "db"), boltkv.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	k := lifetime.New(db, b, lifetime.Options{Now: now, Horizon: retention + 2*day, Refresher: r})
	random := rand.New(rand.NewPCG(1, 2))
	promised := map[blob.Key]time.Time{}
	for i := range 70 {
		keys := []blob.Key{keyOf(0), keyOf(1 + random.IntN(3)), keyOf(100 + i)}
		if random.IntN(3) == 0 {
			keys = keys[1:] // of the one that always comes back, now and then nothing
		}
		until := now().Add(retention)
		for _, key := range keys {
			if err := k.Hold(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			if _, _, err := b.Put(t.Context(), key, bytes.NewReader(nil)); err != nil {
				t.Fatal(err)
			}
			if err := k.Keep(t.Context(), key, until); err != nil {
				t.Fatal(err)
			}
			promised[key] = until
		}
		*clock = clock.Add(4 * day)
		b.expire()
		if _, err := k.Sweep(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for key, until := range promised {
			if _, err := b.Stat(t.Context(), key); errors.Is(err, blob.ErrNotFound) && until.After(now()) {
				lost++
			}
		}
	}
	return lost
}

func keyOf(n int) blob.Key {
	return blob.Key{Space: blob.Commits, Digest: digest.Of([]byte{byte(n), byte(n >> 8)})}
}

// A rule that removes old objects takes nothing that a commit still needs, however often commits share it; without
// Refresh it would.
func TestRuleTakesNothingPromised(t *testing.T) {
	for name, refreshes := range map[string]bool{"refreshed": true, "not refreshed": false} {
		t.Run(name, func(t *testing.T) {
			clock := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
			b := &bucket{now: func() time.Time { return clock }, stored: map[blob.Key]time.Time{}, keep: retention + blob.RefreshAfter + 2*day}
			var r blob.Refresher
			if refreshes {
				r = b
			}
			lost := history(t, &clock, b, r)
			if (lost > 0) == refreshes {
				t.Errorf("%d times something promised was missing", lost)
			}
			if b.requests > 50 {
				t.Errorf("%d requests to refresh four blobs for nine months", b.requests)
			}
		})
	}
}

// What a restored table does not know of may be old; who uses it makes it young.
func TestReuse(t *testing.T) {
	clock := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	b := &bucket{now: func() time.Time { return clock }, stored: map[blob.Key]time.Time{}}
	k := lifetime.New(nil, b, lifetime.Options{Now: b.now, Refresher: b})
	for age, want := range map[time.Duration]bool{day: false, blob.RefreshAfter + day: true} {
		info := blob.Info{Key: keyOf(int(age / day)), ModTime: clock.Add(-age)}
		b.stored[info.Key] = info.ModTime
		if err := k.Reuse(t.Context(), info); err != nil {
			t.Fatal(err)
		}
		if young := b.stored[info.Key].Equal(clock); young != want {
			t.Errorf("a blob %s old is young again: %t", age, young)
		}
	}
}
