package fsblob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// List reads one of the 256 folders of the space at a time.
func (s *Store) List(ctx context.Context, space blob.Space, after digest.SHA256) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if err := space.Validate(); err != nil {
			yield(blob.Info{}, err)
			return
		}
		for i := int(after[0]); i < 256; i++ {
			keys, err := s.listDir(ctx, space, fmt.Sprintf("%02x", i), after)
			if err != nil {
				yield(blob.Info{}, fmt.Errorf("listing blobs of %s: %w", space, err))
				return
			}
			if !s.yieldAll(ctx, keys, yield) {
				return
			}
		}
	}
}

// listDir returns the keys of a folder that come after a digest, in order.
func (s *Store) listDir(ctx context.Context, space blob.Space, name string, after digest.SHA256) ([]blob.Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := s.root.Open(path.Join(string(space), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }() // it is only read
	files, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var keys []blob.Key
	for _, file := range files {
		if d, ok := digestOf(name, file); ok && bytes.Compare(d[:], after[:]) > 0 {
			keys = append(keys, blob.Key{Space: space, Digest: d})
		}
	}
	return keys, nil
}

// yieldAll yields the blobs that are still there; false ends the listing.
func (s *Store) yieldAll(ctx context.Context, keys []blob.Key, yield func(blob.Info, error) bool) bool {
	for _, key := range keys {
		info, err := s.Stat(ctx, key)
		if errors.Is(err, blob.ErrNotFound) {
			continue
		}
		if !yield(info, err) || err != nil {
			return false
		}
	}
	return true
}
