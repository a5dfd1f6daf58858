package lumenpackages

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// skew is how much the clocks of servers that share a store may differ: so much longer, and sooner, a key is good.
const skew = time.Minute

// keyRow is the key that signs.
type keyRow struct {
	Seed    []byte    `json:"seed"`
	Created time.Time `json:"created"`
}

// signer is the key that signs, as its row says.
type signer struct {
	raw    []byte // the row's value
	key    ed25519.PrivateKey
	public lumen.Key
}

// unchanged lets a batch happen only if the key is still the current one: what it signed was signed in its time.
func (s signer) unchanged() kv.Op { return kv.Check(s.raw, currentKey()) }

func (s *Service) newKey() (keyRow, error) {
	seed := make([]byte, ed25519.SeedSize)
	_, err := rand.Read(seed)
	return keyRow{Seed: seed, Created: s.now()}, err
}

// signer reads the current key; where there is none it makes the first. Its row
// is read each time, since another server may have rotated it.
func (s *Service) signer(ctx context.Context) (signer, error) {
	var current signer
	err := turns.Retry(signingKeys, func() error {
		row, raw, found, err := kv.ReadJSON[keyRow](ctx, s.db, currentKey())
		if err != nil {
			return err
		}
		if !found {
			if row, err = s.newKey(); err != nil {
				return err
			}
			first := kv.JSON(currentKey(), row)
			// Of several servers' keys the first to be written is everybody's.
			if err := s.db.Apply(ctx, kv.PutNew(first)); err != nil {
				return err
			}
			raw = first.Value
		}
		current, err = row.signer(raw)
		return err
	})
	return current, err
}

func (k keyRow) signer(raw []byte) (signer, error) {
	if len(k.Seed) != ed25519.SeedSize {
		return signer{}, fmt.Errorf("the row %s has a key of %d bytes", currentKey(), len(k.Seed))
	}
	key := ed25519.NewKeyFromSeed(k.Seed)
	public := lumen.PublicKey(key.Public().(ed25519.PublicKey))
	public.NotBefore = timeText(k.Created.Add(-skew))
	return signer{raw: raw, key: key, public: public}, nil
}

// signingKeys is what too many change at once, in a refusal.
const signingKeys = "the signing keys"

// RotateKey makes a new signing key the current one. What was signed until now stays good: the old key stays
// listed, and its private half is forgotten. Whether the caller may is for the caller to know.
func (s *Service) RotateKey(ctx context.Context) (lumen.Key, error) {
	var key lumen.Key
	err := turns.Retry(signingKeys, func() error {
		old, err := s.signer(ctx)
		if err == nil {
			key, err = s.rotate(ctx, old)
		}
		return err
	})
	return key, err
}

// rotate replaces a key that is the current one; else it is kv.ErrConflict.
func (s *Service) rotate(ctx context.Context, old signer) (lumen.Key, error) {
	row, err := s.newKey()
	if err != nil {
		return lumen.Key{}, err
	}
	retired := old.public
	retired.NotAfter = timeText(row.Created.Add(skew))
	next := kv.JSON(currentKey(), row)
	err = s.apply(ctx, kv.Swap(old.raw, next), kv.PutNew(kv.JSON(retiredKey(row.Created, retired.KeyID), retired)), revised())
	if err != nil {
		return lumen.Key{}, err
	}
	current, err := row.signer(next.Value)
	return current.public, err
}

// keyList is the public keys, the current one first, then those it replaced, newest first.
func (s *Service) keyList(ctx context.Context, current signer) ([]lumen.Key, error) {
	retired, err := s.retired(ctx)
	all := []lumen.Key{current.public}
	for _, r := range slices.Backward(retired) {
		all = append(all, r.Key)
	}
	return all, err
}
