package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/store/cache"
)

// keyPrefix is of the listings in the cache. Its number changes with their form.
const keyPrefix = "files/1/"

// List lists the files of an archive with their sizes and digests.
func (s *Service) List(ctx context.Context, src Source) (*Listing, error) {
	if l := s.kept(src); l != nil {
		return l, nil
	}
	done, err := s.listing.Take(ctx, src.ID)
	if err != nil {
		return nil, err
	}
	defer done()
	if l := s.kept(src); l != nil { // somebody listed it in the meantime
		return l, nil
	}
	l, err := s.list(ctx, src)
	if err != nil {
		return nil, err
	}
	if s.cache != nil {
		text, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		_ = s.cache.Put(keyPrefix+src.ID, nil, bytes.NewReader(text)) // it can be made again
	}
	return l, nil
}

// kept reads a listing that was made before; nil if there is none that can be read.
func (s *Service) kept(src Source) *Listing {
	if s.cache == nil {
		return nil
	}
	entry, err := s.cache.Get(keyPrefix + src.ID)
	if errors.Is(err, cache.ErrNotFound) {
		return nil
	}
	if err != nil {
		return nil
	}
	defer entry.Close()
	l := &Listing{}
	if json.NewDecoder(entry).Decode(l) != nil {
		return nil
	}
	return l
}

// list reads the whole archive. Of two files with one name the later one counts, as it does for who unpacks them.
func (s *Service) list(ctx context.Context, src Source) (*Listing, error) {
	l, places := &Listing{}, map[string]int{}
	err := s.walk(ctx, src, s.reading, func(f File, content io.Reader) error {
		place, again := places[f.Path]
		if !again && len(l.Files) == s.opt.Entries {
			l.More = true
			return errStop
		}
		h := sha256.New()
		n, err := io.Copy(h, content)
		if err != nil {
			return err
		}
		if n != f.Size {
			return fmt.Errorf("entry %q has %d of %d bytes: %w", f.Path, n, f.Size, io.ErrUnexpectedEOF)
		}
		if f.Link == "" {
			h.Sum(f.SHA256[:0])
		}
		l.Size += f.Size
		if again {
			l.Size -= l.Files[place].Size
			l.Files[place] = f
			return nil
		}
		places[f.Path] = len(l.Files)
		l.Files = append(l.Files, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(l.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return l, nil
}
