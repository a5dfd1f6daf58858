package commits

import (
	"archive/tar"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
)

const (
	maxManifests  = 16 << 20 // bytes of the manifests of one name, and what else is said of each version
	perVersion    = 1 << 10
	maxHeadsCache = 16 << 20 // bytes of compressed heads kept in memory
)

// withManifests reads the package.json of each, as far as there is room.
func (s *Service) withManifests(ctx context.Context, name string, all []found) ([]Preview, error) {
	previews := make([]Preview, 0, len(all))
	var u unpacker
	room := s.manifests
	for some := range slices.Chunk(all, inFlight) {
		heads, err := s.readHeads(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, f := range some {
			head := heads[f.manifest.Digest]
			if head == nil {
				continue // it has just expired
			}
			if f.holes {
				head = tarball.FillHead(head, f.sha)
			}
			text, err := u.manifest(head)
			if err != nil {
				return nil, fmt.Errorf("reading package.json of %s in commit %s: %w", name, f.sha, err)
			}
			if room -= len(text) + perVersion; room < 0 {
				return previews, nil
			}
			previews = append(previews, Preview{
				Package: f.unpack(name, f.sha, f.expires),
				Archive: packument.Archive{Manifest: text, Gyp: f.gyp, Shrinkwrap: f.shrinkwrap},
			})
		}
	}
	return previews, nil
}

// readHeads reads compressed heads, each once. Those that are gone are left out.
func (s *Service) readHeads(ctx context.Context, of []found) (map[digest.SHA256][]byte, error) {
	heads := map[digest.SHA256][]byte{}
	var missing []tarball.Part
	for _, f := range of {
		if _, seen := heads[f.manifest.Digest]; seen {
			continue
		}
		head := s.heads.get(f.manifest.Digest)
		if heads[f.manifest.Digest] = head; head == nil {
			missing = append(missing, f.manifest)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	var mu sync.Mutex
	for _, part := range missing {
		g.Go(func() error {
			head, err := s.readHead(ctx, part)
			if errors.Is(err, blob.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			s.heads.put(part.Digest, head)
			mu.Lock()
			defer mu.Unlock()
			heads[part.Digest] = head
			return nil
		})
	}
	return heads, g.Wait()
}

// heads remembers compressed heads. Commits mostly share them: the digits of the
// commit are holes.
type heads struct {
	mu       sync.Mutex
	byDigest map[digest.SHA256][]byte
	size     int
}

func (h *heads) get(d digest.SHA256) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byDigest[d]
}

func (h *heads) put(d digest.SHA256, head []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byDigest == nil {
		h.byDigest = map[digest.SHA256][]byte{}
	}
	h.drop(d)
	for other := range h.byDigest { // any will do
		if h.size+len(head) <= maxHeadsCache {
			break
		}
		h.drop(other)
	}
	h.byDigest[d] = head
	h.size += len(head)
}

func (h *heads) drop(d digest.SHA256) {
	h.size -= len(h.byDigest[d])
	delete(h.byDigest, d)
}

// unpacker reads package.json out of heads, one after the other.
type unpacker struct{ inflater io.ReadCloser }

func (u *unpacker) manifest(head []byte) ([]byte, error) {
	src := bytes.NewReader(head)
	if u.inflater == nil {
		u.inflater = flate.NewReader(src)
	} else if err := u.inflater.(flate.Resetter).Reset(src, nil); err != nil {
		return nil, err
	}
	entry := tar.NewReader(u.inflater)
	h, err := entry.Next()
	if err != nil {
		return nil, err
	}
	if h.Size > maxManifests {
		return nil, fmt.Errorf("it has %d bytes", h.Size)
	}
	text := make([]byte, h.Size)
	_, err = io.ReadFull(entry, text)
	return text, err
}
