package upstream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/cache"
)

const (
	acceptAbbreviated = packument.AbbreviatedType + "; q=1.0, application/json; q=0.8, */*"
	maxValidator      = 1 << 10 // bytes of an ETag
)

// fetch asks upstream and keeps what it says. old is the copy there is, or nil.
func (s *Service) fetch(ctx context.Context, name string, f packument.Form, old *meta) error {
	header := http.Header{"Accept": {packument.FullType}}
	if f == packument.Abbreviated {
		header.Set("Accept", acceptAbbreviated)
	}
	tries := maxTries
	if old != nil {
		tries = 1
		setIf(header, "If-None-Match", old.ETag)
		setIf(header, "If-Modified-Since", old.LastModified)
	}
	resp, err := s.send(ctx, call{url: s.packageURL(name), header: header, tries: tries, slots: s.requests})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read to the end, or is not wanted
	switch resp.StatusCode {
	case http.StatusOK:
		return s.receive(ctx, resp, name, f, old)
	case http.StatusNotModified:
		if old == nil {
			return s.wrong(nil, "answered an unconditional request for %s with status 304", name)
		}
		err := s.confirm(name, *old, resp.Header)
		if errors.Is(err, cache.ErrNotFound) {
			_ = resp.Body.Close()
			return s.fetch(ctx, name, f, nil) // evicted meanwhile
		}
		return err
	case http.StatusNotFound, http.StatusGone:
		return s.remove(name)
	}
	return s.answered(resp, name)
}

func setIf(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

// packageURL has the name as one segment of the path, as npm writes it.
func (s *Service) packageURL(name string) *url.URL {
	return s.endpoint("/"+name, "/"+strings.Replace(name, "/", "%2f", 1))
}

// endpoint is a URL below upstream's, its path given plain and escaped.
func (s *Service) endpoint(path, escaped string) *url.URL {
	u := *s.base
	u.Path, u.RawPath = s.base.Path+path, s.base.EscapedPath()+escaped
	return &u
}

// confirm notes that a copy is still what upstream has.
func (s *Service) confirm(name string, m meta, h http.Header) error {
	m.FetchedAt = s.opt.Now().UTC()
	m.validators(h)
	return s.opt.Cache.Touch(s.documentKey(name, m.Form), m.encode())
}

// validators takes over those that an answer has.
func (m *meta) validators(h http.Header) {
	if etag := h.Get("ETag"); etag != "" && len(etag) <= maxValidator {
		m.ETag = etag
	}
	if modified := h.Get("Last-Modified"); modified != "" && len(modified) <= maxValidator {
		m.LastModified = modified
	}
}

// remove drops what there is of a package that upstream does not have (any more).
func (s *Service) remove(name string) error {
	s.absent.Put(name, struct{}{}, s.opt.NotFoundAge)
	for _, f := range []packument.Form{packument.Full, packument.Abbreviated} {
		if err := s.opt.Cache.Delete(s.documentKey(name, f)); err != nil {
			return err
		}
	}
	return s.notFound(name)
}

// receive keeps the packument of an answer, if it is one.
func (s *Service) receive(ctx context.Context, resp *http.Response, name string, f packument.Form, old *meta) error {
	form := formOf(resp.Header)
	w, err := s.opt.Cache.Create(s.documentKey(name, form))
	if err != nil {
		return err
	}
	defer w.Abort(nil) // does nothing after Commit
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(w, sum), s.bounded(resp.Body, s.opt.MaxPackument, "the packument of "+name))
	if err != nil {
		return s.broken(err)
	}
	m := meta{FetchedAt: s.opt.Now().UTC(), Form: form, ID: hex.EncodeToString(sum.Sum(nil))}
	m.validators(resp.Header)
	m.Only = form == packument.Full && (f == packument.Abbreviated || old != nil && old.Only)
	if err := s.keep(ctx, w, size, name, m, old); err != nil {
		return err
	}
	s.absent.Forget(name)
	if m.Only {
		return s.opt.Cache.Delete(s.documentKey(name, packument.Abbreviated))
	}
	return nil
}

// keep makes the copy visible. If it is the same document as before only its meta changes.
func (s *Service) keep(ctx context.Context, w *cache.Writer, size int64, name string, m meta, old *meta) error {
	if old != nil && old.ID == m.ID && old.Form == m.Form {
		err := s.opt.Cache.Touch(s.documentKey(name, m.Form), m.encode())
		if !errors.Is(err, cache.ErrNotFound) {
			return err
		}
	}
	r, err := w.Follow()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it is only read
	if _, err := s.index(ctx, r, size, name, m.ID); err != nil {
		return err
	}
	return w.Commit(m.encode())
}

// formOf is the form of an answer by its media type: only who sends the
// abbreviated form says so.
func formOf(h http.Header) packument.Form {
	if kind, _, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil && kind == packument.AbbreviatedType {
		return packument.Abbreviated
	}
	return packument.Full
}
