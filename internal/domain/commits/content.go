package commits

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
)

// Content is a package's tarball, ready to be read or served.
type Content struct {
	io.ReadSeeker
	Size int64 // bytes
	body blob.Blob
}

// Close releases the blob.
func (c *Content) Close() error { return c.body.Close() }

// Open opens a package's tarball. The caller closes it.
func (s *Service) Open(ctx context.Context, p Package) (*Content, error) {
	c := &Content{Size: p.Artifact.Size}
	r := p.Artifact.Recipe
	if r == nil {
		b, _, err := s.blobs.Open(ctx, blobKey(*p.Artifact.Whole))
		if err != nil {
			return nil, err
		}
		c.body, c.ReadSeeker = b, b
		return c, nil
	}
	head, body, err := s.openSplit(ctx, r.Head, r.Body, r.Holes, p.SHA)
	if err != nil {
		return nil, err
	}
	c.body, c.ReadSeeker = body, tarball.NewReader(*r, bytes.NewReader(head), body)
	return c, nil
}

// Answer is what a client is told of the bytes behind a link.
type Answer = blob.Answer

// Link returns a URL where the store itself gives a package's tarball, for some minutes; empty if it has to come from
// Open: one that is put together here, or is not npm's, whose clients do with less (Zig takes no long addresses).
func (s *Service) Link(ctx context.Context, p Package, as Answer) (string, error) {
	if p.Artifact.Recipe != nil || kindOf(p.Name) != kind.NPM {
		return "", nil
	}
	return s.opt.Links.Get(ctx, blobKey(*p.Artifact.Whole), p.Artifact.Whole.Size, as)
}

// openSplit reads the head of a commit's package into memory, its holes filled, and opens the body.
func (s *Service) openSplit(ctx context.Context, headPart, bodyPart tarball.Part, holes bool, sha string) (head []byte, body blob.Blob, err error) {
	if head, err = s.readHead(ctx, headPart); err != nil {
		return nil, nil, err
	}
	if holes {
		head = tarball.FillHead(head, sha)
	}
	body, _, err = s.blobs.Open(ctx, blobKey(bodyPart))
	return head, body, err
}

// readHead reads a head as it is stored.
func (s *Service) readHead(ctx context.Context, part tarball.Part) ([]byte, error) {
	if part.Size > tarball.MaxHead {
		return nil, fault.New(fault.TooLarge, "the head has %d bytes, more than the %d of the largest package.json", part.Size, int64(tarball.MaxHead))
	}
	b, _, err := s.blobs.Open(ctx, blobKey(part))
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(b, part.Size+1))
	if err = errors.Join(err, b.Close()); err != nil {
		return nil, fmt.Errorf("reading the head %s: %w", part.Digest, err)
	}
	if digest.Of(head) != part.Digest {
		return nil, notItself(part)
	}
	return head, nil
}
