package metered

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// Blobs returns s with its calls told to note. What it opens is what s opens, a plain file
// too. It is a blob.Signer if s is one.
func Blobs(s blob.Store, note Note) blob.Store {
	metered := &blobs{s, note}
	if signer, ok := s.(blob.Signer); ok {
		return &signing{metered, signer}
	}
	return metered
}

type signing struct {
	*blobs
	blob.Signer
}

type blobs struct {
	blob.Store
	note Note
}

// Put counts the time of the bytes' way here too: a store that streams takes them as they come.
func (b *blobs) Put(ctx context.Context, key blob.Key, r io.Reader) (info blob.Info, created bool, err error) {
	source := &source{Reader: r}
	began := time.Now()
	info, created, err = b.Store.Put(ctx, key, source)
	if source.failed { // the client's failure, not the store's
		b.note("put", "refused", time.Since(began))
		return info, created, err
	}
	b.note.since(began, "put", err)
	return info, created, err
}

// source knows whether it has failed.
type source struct {
	io.Reader
	failed bool
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.failed = s.failed || err != nil && err != io.EOF
	return n, err
}

func (b *blobs) Open(ctx context.Context, key blob.Key) (blob.Blob, blob.Info, error) {
	began := time.Now()
	opened, info, err := b.Store.Open(ctx, key)
	b.note.since(began, "open", err)
	return opened, info, err
}

func (b *blobs) Stat(ctx context.Context, key blob.Key) (blob.Info, error) {
	began := time.Now()
	info, err := b.Store.Stat(ctx, key)
	b.note.since(began, "stat", err)
	return info, err
}

func (b *blobs) Delete(ctx context.Context, key blob.Key) error {
	began := time.Now()
	err := b.Store.Delete(ctx, key)
	b.note.since(began, "delete", err)
	return err
}

// List counts the time of the store, without that of who reads the list.
func (b *blobs) List(ctx context.Context, space blob.Space, after digest.SHA256) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		var took time.Duration
		var failure error
		began := time.Now()
		defer func() { b.note("list", outcome(failure), took) }()
		for info, err := range b.Store.List(ctx, space, after) {
			took += time.Since(began)
			failure = err
			if !yield(info, err) {
				return
			}
			began = time.Now()
		}
		took += time.Since(began)
	}
}
