package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/cache"
)

// The refs of a packument are kept in a file beside it, one line for each
// tarball: file, URL, integrity and shasum, with tabs in between. So a tarball is
// found without reading a document of megabytes.

const (
	maxRef   = 8 << 10   // bytes of a line; a longer one is left out
	maxFound = 4_000     // refs of tarballs that are asked for again and again, kept in memory
	foundAge = time.Hour // how long
)

// index reads the size bytes of a packument, which must be one, and keeps its refs.
func (s *Service) index(ctx context.Context, r io.Reader, size int64, name, id string) (text string, err error) {
	select {
	case s.parsing <- struct{}{}:
		defer func() { <-s.parsing }()
	case <-ctx.Done():
		return "", s.unavailable(context.Cause(ctx))
	}
	doc := make([]byte, size)
	if _, err := io.ReadFull(r, doc); err != nil {
		return "", err
	}
	refs, err := packument.Refs(doc, name)
	if err != nil {
		return "", s.wrong(err, "its answer for %s is not the packument of that package", name)
	}
	var lines strings.Builder
	for _, ref := range refs {
		line := strings.Join([]string{packument.TarballFile(name, ref.Version), ref.Tarball, ref.Integrity, ref.Shasum}, "\t")
		if len(line) < maxRef && strings.Count(line, "\t") == 3 && !strings.ContainsAny(line, "\r\n") {
			lines.WriteString(line + "\n")
		}
	}
	return lines.String(), s.opt.Cache.Put(s.refsKey(id), nil, strings.NewReader(lines.String()))
}

// refOf finds the ref of a file in a document, which it closes. ok is false if there is none.
func (s *Service) refOf(ctx context.Context, doc *Document, name, file string) (ref packument.Ref, ok bool, err error) {
	defer func() { err = errors.Join(err, doc.Close()) }()
	key := doc.ID + "\n" + file
	if ref, ok = s.found.Get(key); ok {
		return ref, true, nil
	}
	ref, ok, err = s.findRef(ctx, doc, name, file)
	if ok && err == nil {
		s.found.Put(key, ref, foundAge)
	}
	return ref, ok, err
}

func (s *Service) findRef(ctx context.Context, doc *Document, name, file string) (ref packument.Ref, ok bool, err error) {
	e, err := s.opt.Cache.Get(s.refsKey(doc.ID))
	if errors.Is(err, cache.ErrNotFound) { // evicted
		text, err := s.index(ctx, doc, doc.Size, name, doc.ID)
		if err != nil {
			return ref, false, err
		}
		return scanRefs(strings.NewReader(text), file)
	}
	if err != nil {
		return ref, false, err
	}
	ref, ok, err = scanRefs(e, file)
	return ref, ok, errors.Join(err, e.Close())
}

func scanRefs(r io.Reader, file string) (ref packument.Ref, ok bool, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 2*maxRef), 2*maxRef)
	for lines.Scan() {
		if rest, ok := bytes.CutPrefix(lines.Bytes(), []byte(file+"\t")); ok {
			if parts := strings.Split(string(rest), "\t"); len(parts) == 3 {
				return packument.Ref{Tarball: parts[0], Integrity: parts[1], Shasum: parts[2]}, true, nil
			}
		}
	}
	return ref, false, lines.Err()
}
