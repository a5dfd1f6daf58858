package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/cache"
)

// rendererVersion is part of the name of what is rendered of upstream; raise it
// when the same source comes to be rendered otherwise.
const rendererVersion = 1

// foreign answers with a packument of upstream. A small one is rendered and kept
// in memory; of a large one only its name is known until its body is asked for.
func (s *Service) foreign(ctx context.Context, k key, f *Foreign) (*Document, error) {
	r := rendering{key: k, stamp: stamp{foreign: f.ID}}
	if f.Size > smallText {
		id := s.renderedID(r)
		return &Document{Form: k.form, ETag: id, Stale: f.Stale, content: &file{s: s, key: k, id: id}}, nil
	}
	doc := s.memory.get(&r)
	if doc == nil {
		var err error
		if doc, err = s.renderForeign(ctx, r, f); err != nil {
			return nil, err
		}
	}
	return doc.asStale(f.Stale), nil
}

func (s *Service) renderForeign(ctx context.Context, r rendering, f *Foreign) (*Document, error) {
	return s.rendering.do(ctx, r, func() (*Document, error) {
		if doc := s.memory.get(&r); doc != nil {
			return doc, nil
		}
		b, release, err := s.retarget(ctx, r, f)
		if err != nil {
			return nil, err
		}
		defer release()
		return s.remember(r, b, s.renderedID(r), s.fast, time.Time{}), nil
	})
}

// renderedID names a rendering of a document of upstream: its ETag, and its key among the files.
func (s *Service) renderedID(r rendering) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%d\n%t\n%s\n%s\n%s", rendererVersion, r.form, s.opt.Rewrite, r.root, r.name, r.foreign))
	return hex.EncodeToString(sum[:16])
}

// retarget makes the bytes of a rendering. They are good until release is called.
func (s *Service) retarget(ctx context.Context, r rendering, f *Foreign) (b []byte, release func(), err error) {
	b, release, err = s.read(ctx, f, 1)
	if err != nil {
		return nil, nil, err
	}
	if r.form == packument.Abbreviated && f.Form == packument.Full {
		b, err = packument.Abbreviate(b, r.name)
	}
	if err == nil && s.opt.Rewrite {
		b, err = packument.Retarget(b, r.name, r.root)
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return b, release, nil
}

// read reads a document, as soon as there is room for times its size. What it
// returns, and every part of it, is good until release is called.
func (s *Service) read(ctx context.Context, f *Foreign, times int64) (b []byte, release func(), err error) {
	leave, err := s.enter(ctx, times*f.Size)
	if err != nil {
		return nil, nil, err
	}
	buffer := s.buffers.Get().(*bytes.Buffer)
	release = func() {
		if buffer.Cap() <= renderBytes {
			s.buffers.Put(buffer)
		}
		leave()
	}
	buffer.Grow(int(f.Size))
	b = buffer.AvailableBuffer()[:f.Size]
	if _, err := io.ReadFull(f.Text, b); err != nil {
		release()
		return nil, nil, fmt.Errorf("reading upstream's packument: %w", err)
	}
	return b, release, nil
}

// file is a large document of upstream. Each encoding is rendered into a file of
// the cache when it is first asked for, so that no client, however slow, holds it in memory.
type file struct {
	s   *Service
	key key
	id  string
}

// encoding names a file.
type encoding struct {
	id   string
	gzip bool
}

func (e encoding) etag() string {
	if e.gzip {
		return gzipTag(e.id)
	}
	return e.id
}

func (e encoding) key() string { return "rendered/" + e.etag() }

func (f *file) open(ctx context.Context, gzip bool) (*Body, error) {
	e := encoding{f.id, gzip}
	b, err := f.s.stored(e)
	if !errors.Is(err, cache.ErrNotFound) {
		return b, err
	}
	content, err := f.s.making.do(ctx, e, func() (content, error) { return f.s.store(ctx, f.key, e) })
	if err != nil {
		return nil, err
	}
	return content.open(ctx, gzip)
}

// stored opens a file, or returns cache.ErrNotFound.
func (s *Service) stored(e encoding) (*Body, error) {
	entry, err := s.opt.Cache.Get(e.key())
	if err != nil {
		return nil, err
	}
	return &Body{File: entry.File, Size: entry.Size, ETag: e.etag(), closer: entry}, nil
}

// store renders a document into the file of an encoding. It asks for the
// document again: should there be another one by now, that is the answer.
func (s *Service) store(ctx context.Context, k key, e encoding) (content, error) {
	if b, err := s.stored(e); err == nil {
		return inFile{s, e.id}, b.Close()
	}
	up, err := s.elsewhere(ctx, k.name, noPackage(k.name))
	if err != nil {
		return nil, err
	}
	f, err := up.Packument(ctx, k.name, k.form, false)
	if err != nil {
		return nil, err
	}
	defer f.Text.Close() // it is only read
	r := rendering{key: k, stamp: stamp{foreign: f.ID}}
	b, release, err := s.retarget(ctx, r, f)
	if err != nil {
		return nil, err
	}
	defer release()
	e.id = s.renderedID(r)
	if err := s.write(e, b); err != nil {
		s.opt.Log.WarnContext(ctx, "keeping a rendered packument", "name", k.name, "err", err)
	}
	if stored, err := s.stored(e); err == nil {
		return inFile{s, e.id}, stored.Close()
	}
	return s.inMemory(r, exact(b), e.id, s.fast).content, nil // a full disk, or a cache smaller than this
}

func (s *Service) write(e encoding, b []byte) error {
	w, err := s.opt.Cache.Create(e.key())
	if err != nil {
		return err
	}
	if e.gzip {
		err = s.fast.pack(w, bytes.NewReader(b))
	} else {
		_, err = w.Write(b)
	}
	if err != nil {
		w.Abort(err)
		return err
	}
	return w.Commit(nil)
}

// inFile is a document whose file was just there.
type inFile struct {
	s  *Service
	id string
}

func (f inFile) open(_ context.Context, gzip bool) (*Body, error) {
	return f.s.stored(encoding{f.id, gzip})
}
