package cachedblob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/cache"
)

// fetch opens the blob and brings it into the cache. What the cache can't take is read from afar.
func (s *Store) fetch(ctx context.Context, key blob.Key, f *flight) (blob.Blob, blob.Info, error) {
	if b, info, ok := s.copy(key); ok { // another flight has landed since the cache was asked
		s.land(key, f)
		return b, info, nil
	}
	far, info, err := s.Store.Open(ctx, key)
	if err != nil {
		s.land(key, f)
		return nil, blob.Info{}, err
	}
	w, err := s.load(ctx, far, info)
	if err != nil {
		s.land(key, f)
		return nil, blob.Info{}, errors.Join(err, far.Close())
	}
	if w == nil {
		f.missed = true
		s.land(key, f)
	} else if b, ok := s.keep(w, info, f); ok {
		_ = far.Close() // it was only read
		return b, info, nil
	}
	if _, err := far.Seek(0, io.SeekStart); err != nil {
		return nil, blob.Info{}, errors.Join(err, far.Close())
	}
	return far, info, nil
}

// land ends a flight that brought nothing.
func (s *Store) land(key blob.Key, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flights, key)
	close(f.done)
}

// keep ends a flight with a copy, which it opens. That of a blob that was deleted meanwhile does not stay.
func (s *Store) keep(w *cache.Writer, info blob.Info, f *flight) (blob.Blob, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(f.done)
	delete(s.flights, info.Key)
	stored, err := info.ModTime.MarshalJSON()
	if err != nil || w.Commit(stored) != nil {
		f.missed = true
		w.Abort(err) // of no effect after Commit
		return nil, false
	}
	b, _, ok := s.copy(info.Key)
	if f.missed = !ok; f.deleted {
		_ = s.cache.Delete(name(info.Key)) // it never fails
	}
	return b, ok
}

// load copies a blob; the writer is nil if the cache can't take it.
func (s *Store) load(ctx context.Context, far io.Reader, info blob.Info) (*cache.Writer, error) {
	if info.Size > maxBlob {
		return nil, nil
	}
	w, err := s.cache.Create(name(info.Key))
	if err != nil {
		return nil, nil // a full disk does not keep anybody from reading
	}
	r := &source{ctx: ctx, r: far}
	hash := sha256.New()
	_, err = io.Copy(w, io.TeeReader(r, hash))
	if err == nil && digest.SHA256(hash.Sum(nil)) != info.Digest {
		r.err = fmt.Errorf("fetching blob %s: %w", info.Key, blob.ErrDigest)
		err = r.err
	}
	if err != nil {
		w.Abort(err)
		return nil, r.err // none if it was the cache that failed
	}
	return w, nil
}

// source reads until ctx ends and keeps its error, to tell it from the cache's.
type source struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (n int, err error) {
	if s.err = s.ctx.Err(); s.err != nil {
		return 0, s.err
	}
	if n, err = s.r.Read(p); err != io.EOF {
		s.err = err
	}
	return n, err
}
