package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// blobsInFlight is how many blobs are copied at a time.
const blobsInFlight = 8

// Spaces are those that a registry keeps blobs in.
var Spaces = []blob.Space{blob.Packages, blob.Commits}

// Blobs copies the blobs of one store to another. Each is read whole and has its digest, or it is not there.
type Blobs struct {
	From, To blob.Store
	Progress *Progress
}

// Copy goes through the lists of both stores and copies what the target lacks, or has with another size; what is no
// longer here is removed from it.
func (b Blobs) Copy(ctx context.Context) error {
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(blobsInFlight)
	var listed error
	for _, space := range Spaces {
		if listed = b.merge(each, space, func(key blob.Key, here, there bool) {
			g.Go(func() error {
				if here {
					return b.copy(each, key, there)
				}
				return b.drop(each, key)
			})
		}); listed != nil {
			break
		}
	}
	if err := g.Wait(); err != nil { // before listed, which may be its consequence
		return err
	}
	return listed
}

// CopySince copies the blobs that were stored after a time, by the clock of the store they are in.
func (b Blobs) CopySince(ctx context.Context, since time.Time) error {
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(blobsInFlight)
	var listed error
	for _, space := range Spaces {
		for info, err := range b.From.List(each, space, digest.SHA256{}) {
			if err != nil {
				listed = err
				break
			}
			if info.ModTime.Before(since) {
				continue
			}
			g.Go(func() error {
				there, err := b.To.Stat(each, info.Key)
				if err == nil && there.Size == info.Size || err != nil && !errors.Is(err, blob.ErrNotFound) {
					return err
				}
				return b.copy(each, info.Key, err == nil)
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return listed
}

// merge reads two ordered lists and calls f for what is not the same in both.
func (b Blobs) merge(ctx context.Context, space blob.Space, f func(key blob.Key, here, there bool)) error {
	next, stop := iter.Pull2(b.To.List(ctx, space, digest.SHA256{}))
	defer stop()
	there, err, more := next()
	for here, listed := range b.From.List(ctx, space, digest.SHA256{}) {
		if listed != nil {
			return fmt.Errorf("listing what to copy: %w", listed)
		}
		for ; more && err == nil && bytes.Compare(there.Digest[:], here.Digest[:]) < 0; there, err, more = next() {
			f(there.Key, false, true)
		}
		if err != nil {
			return fmt.Errorf("listing what is there already: %w", err)
		}
		b.Progress.blobs.Add(1)
		same := more && there.Key == here.Key
		if !same || there.Size != here.Size {
			f(here.Key, true, same)
		}
		if same {
			there, err, more = next()
		}
	}
	for ; more && err == nil; there, err, more = next() {
		f(there.Key, false, true)
	}
	if err != nil {
		return fmt.Errorf("listing what is there already: %w", err)
	}
	return nil
}

// copy copies a blob; damaged, in place of one that has not its size. One that was deleted meanwhile is none.
func (b Blobs) copy(ctx context.Context, key blob.Key, damaged bool) error {
	from, info, err := b.From.Open(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	if damaged {
		if err := b.To.Delete(ctx, key); err != nil {
			return err
		}
	}
	put, _, err := b.To.Put(ctx, key, from)
	switch {
	case errors.Is(err, blob.ErrDigest):
		return fmt.Errorf("the blob %s is damaged where it is now: %w", key, err)
	case err != nil:
		return fmt.Errorf("copying the blob %s: %w", key, err)
	case put.Size != info.Size:
		return fmt.Errorf("the blob %s has %d bytes where it was copied to, want %d", key, put.Size, info.Size)
	}
	b.Progress.blobsCopied.Add(1)
	b.Progress.bytes.Add(info.Size)
	return nil
}

// drop removes a blob from the target, unless it came back.
func (b Blobs) drop(ctx context.Context, key blob.Key) error {
	_, err := b.From.Stat(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return b.To.Delete(ctx, key)
	}
	return err
}
