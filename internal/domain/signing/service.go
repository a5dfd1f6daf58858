package signing

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// Service holds the keys.
type Service struct {
	db     kv.DB
	opt    Options
	cached atomic.Pointer[current]
}

// current is the key that signs, as its row says.
type current struct {
	raw    []byte // the row's value
	key    *ecdsa.PrivateKey
	public signature.Key
}

// signingKeys is what too many change at once, in a refusal.
const signingKeys = "the signing keys"

// Options are what New may be told; the zero value is fine.
type Options struct {
	Now func() time.Time // nil: time.Now
}

// New returns a Service; the first key is made when it is first needed. Servers
// that share a store share the keys.
func New(db kv.DB, opt Options) *Service {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Service{db: db, opt: opt}
}

// Sign signs a version with the current key. The same key and version give the
// same signature.
func (s *Service) Sign(ctx context.Context, name, version, integrity string) (signature.Signature, error) {
	c, err := s.current(ctx)
	if err != nil {
		return signature.Signature{}, err
	}
	return signature.Sign(c.key, name, version, integrity)
}

// Keys lists the public keys, the current one first, then those it replaced,
// newest first.
func (s *Service) Keys(ctx context.Context) ([]signature.Key, error) {
	var keys []signature.Key
	err := turns.Retry(signingKeys, func() error {
		c, err := s.current(ctx)
		if err != nil {
			return err
		}
		retired, err := s.retired(ctx)
		if err != nil {
			return err
		}
		// A key that was retired between the two reads would be listed twice.
		if slices.ContainsFunc(retired, func(k signature.Key) bool { return k.KeyID == c.public.KeyID }) {
			return kv.ErrConflict
		}
		keys = append([]signature.Key{c.public}, retired...)
		return nil
	})
	return keys, err
}

// Rotate makes a new key the current one. What was published until now stays
// good: the old key stays listed and expires at the next millisecond.
func (s *Service) Rotate(ctx context.Context) (signature.Key, error) {
	var next *current
	err := turns.Retry(signingKeys, func() error {
		old, err := s.current(ctx)
		if err != nil {
			return err
		}
		if next, err = generate(); err != nil {
			return err
		}
		// Clients count a version if its time, in milliseconds, is before the expiry.
		expires := s.opt.Now().UTC().Truncate(time.Millisecond).Add(time.Millisecond)
		retired := old.public
		retired.Expires = &expires
		return s.db.Apply(ctx,
			kv.Swap(old.raw, kv.Row{Key: currentKey(), Value: next.raw}),
			kv.PutNew(kv.JSON(retiredKey(expires, retired.KeyID), retired)))
	})
	if err != nil {
		return signature.Key{}, err
	}
	return next.public, nil
}

// current reads the current key; where there is none it makes the first.
// Its row is read each time, since another server may have rotated it.
func (s *Service) current(ctx context.Context) (*current, error) {
	var c *current
	err := turns.Retry(signingKeys, func() error {
		row, err := s.db.Get(ctx, currentKey())
		if errors.Is(err, kv.ErrNotFound) {
			first, err := generate()
			if err != nil {
				return err
			}
			c = first
			// Of several servers' keys the first to be written is everybody's.
			return s.db.Apply(ctx, kv.PutNew(kv.Row{Key: currentKey(), Value: first.raw}))
		}
		if err == nil {
			c, err = s.decoded(row.Value)
		}
		return err
	})
	return c, err
}

func (s *Service) decoded(raw []byte) (*current, error) {
	if c := s.cached.Load(); c != nil && bytes.Equal(c.raw, raw) {
		return c, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("decoding row %s: %w", currentKey(), err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("row %s is no ECDSA key", currentKey())
	}
	public, err := signature.PublicKey(&key.PublicKey, time.Time{})
	if err != nil {
		return nil, err
	}
	c := &current{raw: bytes.Clone(raw), key: key, public: public}
	s.cached.Store(c)
	return c, nil
}

func generate() (*current, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a signing key: %w", err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a signing key: %w", err)
	}
	public, err := signature.PublicKey(&key.PublicKey, time.Time{})
	return &current{raw: raw, key: key, public: public}, err
}

// retired lists the keys that were replaced, newest first.
func (s *Service) retired(ctx context.Context) ([]signature.Key, error) {
	var keys []signature.Key
	for r, err := range s.db.Scan(ctx, partition, kv.Query{Prefix: retiredPrefix}) {
		if err != nil {
			return nil, err
		}
		var k signature.Key
		if err := json.Unmarshal(r.Value, &k); err != nil {
			return nil, fmt.Errorf("decoding row %s: %w", r.Key, err)
		}
		keys = append(keys, k)
	}
	slices.Reverse(keys)
	return keys, nil
}
