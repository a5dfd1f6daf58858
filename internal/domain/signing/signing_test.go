package signing

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/storetest"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

func openDB(t *testing.T) kv.DB {
	t.Helper()
	db := storetest.OpenDB(t, nil)
	return db
}

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

const integrity = "sha512-AAAA"

func sign(t *testing.T, s *Service) signature.Signature {
	t.Helper()
	sig, err := s.Sign(t.Context(), "@acme/a", "1.0.0", integrity)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func keys(t *testing.T, s *Service) []signature.Key {
	t.Helper()
	all, err := s.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSignAndVerify(t *testing.T) {
	s := New(openDB(t), Options{Now: at(start)})
	sig := sign(t, s)
	if again := sign(t, s); again != sig {
		t.Errorf("signing again gives %v, want the same %v", again, sig)
	}
	all := keys(t, s)
	if len(all) != 1 || all[0].Expires != nil || all[0].KeyID != sig.KeyID {
		t.Fatalf("Keys = %+v, want the one that signed, without an end", all)
	}
	if err := all[0].Verify(sig, "@acme/a", "1.0.0", integrity); err != nil {
		t.Errorf("the signature is not good: %v", err)
	}
	if err := all[0].Verify(sig, "@acme/a", "1.0.1", integrity); err == nil {
		t.Error("the signature is good for another version too")
	}
}

func TestKeysAreKept(t *testing.T) {
	db := openDB(t)
	before := sign(t, New(db, Options{}))
	if after := sign(t, New(db, Options{})); after != before {
		t.Errorf("after a restart the signature is %v, want %v", after, before)
	}
}

// Several servers that start on one empty store agree on one key.
func TestFirstKeyIsEverybodys(t *testing.T) {
	db := openDB(t)
	sigs := make([]signature.Signature, 8)
	var wg sync.WaitGroup
	for i := range sigs {
		wg.Go(func() { sigs[i], _ = New(db, Options{}).Sign(t.Context(), "a", "1.0.0", integrity) })
	}
	wg.Wait()
	if n := len(slices.Compact(sigs)); n != 1 || sigs[0].Sig == "" {
		t.Errorf("%d keys signed, want one: %v", n, sigs)
	}
}

func TestRotate(t *testing.T) {
	db := openDB(t)
	now := start
	s, other := New(db, Options{Now: func() time.Time { return now }}), New(db, Options{})
	old := sign(t, s)
	sign(t, other) // has the old key in memory

	next, err := s.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if next.KeyID == old.KeyID || next.Expires != nil {
		t.Fatalf("Rotate = %+v, want a new key without an end", next)
	}
	if got := sign(t, other); got.KeyID != next.KeyID {
		t.Errorf("another server signs with %s, want the new key %s", got.KeyID, next.KeyID)
	}
	now = now.Add(time.Hour)
	third, err := other.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	all := keys(t, s)
	var ids []string
	for _, k := range all {
		ids = append(ids, k.KeyID)
	}
	if want := []string{third.KeyID, next.KeyID, old.KeyID}; !slices.Equal(ids, want) {
		t.Fatalf("Keys = %v, want %v", ids, want)
	}
	published := start.Truncate(time.Millisecond) // what was published in the moment of the rotation counts
	if e := all[2].Expires; e == nil || !published.Before(*e) || e.Sub(start) > time.Millisecond {
		t.Errorf("the old key expires %v, want the time of its rotation %v", e, start)
	}
	if err := all[2].Verify(old, "@acme/a", "1.0.0", integrity); err != nil {
		t.Errorf("what the old key signed is not good any more: %v", err)
	}
}

func TestRotationsAtOnceLoseNoKey(t *testing.T) {
	db := openDB(t)
	first := sign(t, New(db, Options{}))
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := map[string]bool{first.KeyID: true}
	for range 4 {
		wg.Go(func() {
			k, err := New(db, Options{Now: at(start)}).Rotate(t.Context())
			mu.Lock()
			defer mu.Unlock()
			made[k.KeyID] = made[k.KeyID] || err == nil
		})
	}
	wg.Wait()
	for _, k := range keys(t, New(db, Options{})) {
		delete(made, k.KeyID)
	}
	for id, ok := range made {
		if ok {
			t.Errorf("the key %s signed and is not listed", id)
		}
	}
}

// The store keeps no private key that does not sign any more.
func TestRotationForgetsThePrivateKey(t *testing.T) {
	db := openDB(t)
	s := New(db, Options{Now: at(start)})
	sign(t, s)
	row, err := db.Get(t.Context(), currentKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for r, err := range db.Scan(t.Context(), partition, kv.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(r.Value, row.Value) || bytes.Contains(r.Value, []byte(base64.StdEncoding.EncodeToString(row.Value))) {
			t.Errorf("row %s still has the private key", r.Key)
		}
	}
}

type brokenDB struct {
	kv.DB
	err error
}

func (b brokenDB) Apply(context.Context, ...kv.Op) error { return b.err }

func TestFaults(t *testing.T) {
	lost := errors.New("disk is gone")
	if _, err := New(brokenDB{openDB(t), lost}, Options{}).Keys(t.Context()); !errors.Is(err, lost) {
		t.Errorf("Keys on a broken store: %v, want its error", err)
	}
	conflict := &kv.ConflictError{Key: currentKey()}
	if _, err := New(brokenDB{openDB(t), conflict}, Options{}).Sign(t.Context(), "a", "1.0.0", integrity); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a store that always loses: %v, want Unavailable", err)
	}

	// A row that is no key is an error that tells nothing of its content.
	db := openDB(t)
	const content = "SECRET-LIKE-CONTENT"
	if err := db.Apply(t.Context(), kv.Put(kv.Row{Key: currentKey(), Value: []byte(content)})); err != nil {
		t.Fatal(err)
	}
	if _, err := New(db, Options{}).Sign(t.Context(), "a", "1.0.0", integrity); err == nil || bytes.Contains([]byte(err.Error()), []byte(content)) {
		t.Errorf("Sign with a broken row: %v", err)
	}
}

func TestPrivateKeyIsPKCS8(t *testing.T) {
	db := openDB(t)
	sign(t, New(db, Options{}))
	row, err := db.Get(t.Context(), currentKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x509.ParsePKCS8PrivateKey(row.Value); err != nil {
		t.Errorf("the stored key: %v", err)
	}
}

// A write whose outcome the store can't tell may have happened (law 7 of kv): a
// first key that is there stays the only one, and a rotation keeps every key listed.
func TestUnknownOutcomes(t *testing.T) {
	lost := errors.New("the disk is gone, or is it?")
	db := &storetest.DB{DB: openDB(t)}
	db.Doubt(0, lost)
	s := New(db, Options{})
	if _, err := s.Sign(t.Context(), "a", "1.0.0", integrity); !errors.Is(err, lost) {
		t.Fatalf("Sign: %v, want the store's error", err)
	}
	first := keys(t, New(db.DB, Options{}))
	if sig := sign(t, s); sig.KeyID != first[0].KeyID {
		t.Errorf("signed by %s, and the key is %s", sig.KeyID, first[0].KeyID)
	}
	old := sign(t, s)
	db.Doubt(0, lost)
	if _, err := s.Rotate(t.Context()); !errors.Is(err, lost) {
		t.Fatalf("Rotate: %v, want the store's error", err)
	}
	between := sign(t, s)
	if _, err := s.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, sig := range []signature.Signature{old, between, sign(t, s)} {
		listed := slices.ContainsFunc(keys(t, s), func(k signature.Key) bool {
			return k.KeyID == sig.KeyID && k.Verify(sig, "@acme/a", "1.0.0", integrity) == nil
		})
		if !listed {
			t.Errorf("the key %s has signed and is not listed", sig.KeyID)
		}
	}
}
