package signing

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/scrub"
)

// Known lists the public keys that are there and can be read. Other than Keys it makes none: who verifies changes nothing.
func (s *Service) Known(ctx context.Context) ([]signature.Key, error) {
	var keys []signature.Key
	row, err := s.db.Get(ctx, currentKey())
	if err == nil {
		if c, err := s.decoded(row.Value); err == nil {
			keys = append(keys, c.public)
		}
	} else if !errors.Is(err, kv.ErrNotFound) {
		return nil, err
	}
	for r, err := range s.db.Scan(ctx, partition, kv.Query{Prefix: retiredPrefix}) {
		if err != nil {
			return nil, err
		}
		var k signature.Key
		if json.Unmarshal(r.Value, &k) == nil && k.Expires != nil { // one that never ends is no retired key
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// Checker checks the keys, for a verification of the whole store.
func (s *Service) Checker() scrub.Checker { return checker{s} }

type checker struct{ *Service }

// Check implements scrub.Checker.
func (c checker) Check(_ context.Context, r kv.Row, f *scrub.Finder) (known bool, err error) {
	if r.Partition != partition {
		return false, nil
	}
	about := f.About("key", "npm")
	f.Checked("keys")
	if r.Key == currentKey() {
		if _, err := c.decoded(r.Value); err != nil {
			about.Unread(r.Key)
		}
		return true, nil
	}
	var k signature.Key
	if json.Unmarshal(r.Value, &k) != nil {
		about.Unread(r.Key)
		return true, nil
	}
	if err := k.Check(); err != nil {
		about.Refused(scrub.Row, err)
		return true, nil
	}
	if k.Expires == nil || retiredKey(*k.Expires, k.KeyID) != r.Key {
		about.Wrong(scrub.Row, "the row %s has another key, or another end of it, than it is named by", r.Key)
	}
	return true, nil
}
