package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/cache"
)

// Document is a packument as upstream sent it, decompressed.
type Document struct {
	*cache.Entry
	Form  packument.Form // upstream may have sent the full one although the other was asked for
	ID    string         // names the bytes: the same ID, the same document
	Stale bool           // upstream could not be asked

	meta meta
}

// meta is kept with a copy of a packument.
type meta struct {
	ETag         string         `json:"etag,omitempty"`
	LastModified string         `json:"lastModified,omitempty"`
	FetchedAt    time.Time      `json:"fetchedAt"` // or confirmed
	Form         packument.Form `json:"form"`
	ID           string         `json:"id"`             // SHA-256 of the bytes, in hex
	Only         bool           `json:"only,omitempty"` // upstream sent it although asked for the abbreviated form
}

func (m meta) encode() []byte {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings, a bool and a time of this age
	}
	return text
}

// The keys of the cache. Upstream is in them: another one has other documents
// under the same names.

func (s *Service) documentKey(name string, f packument.Form) string {
	return fmt.Sprintf("packument\n%s\n%s\n%d", s.URL(), name, f)
}

func (s *Service) refsKey(id string) string { return "refs\n" + id }

func (s *Service) tarballKey(name, file, id string) string {
	return fmt.Sprintf("tarball\n%s\n%s\n%s\n%s", s.URL(), name, file, id)
}

// held opens the copy that answers for a form; nil if there is none. A full one
// answers for the abbreviated form if upstream sends no other.
func (s *Service) held(name string, f packument.Form) (*Document, error) {
	doc, err := s.heldUnder(s.documentKey(name, f))
	if doc != nil || err != nil || f == packument.Full {
		return doc, err
	}
	doc, err = s.heldUnder(s.documentKey(name, packument.Full))
	if doc != nil && !doc.meta.Only {
		return nil, doc.Close()
	}
	return doc, err
}

// heldAny opens the copy of any form.
func (s *Service) heldAny(name string) (*Document, error) {
	doc, err := s.heldUnder(s.documentKey(name, packument.Abbreviated))
	if doc != nil || err != nil {
		return doc, err
	}
	return s.heldUnder(s.documentKey(name, packument.Full))
}

func (s *Service) heldUnder(key string) (*Document, error) {
	e, err := s.opt.Cache.Get(key)
	if errors.Is(err, cache.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc := &Document{Entry: e}
	if json.Unmarshal(e.Meta, &doc.meta) != nil {
		return nil, e.Close() // of an older server
	}
	doc.Form, doc.ID = doc.meta.Form, doc.meta.ID
	return doc, nil
}

// metaOf is held without the bytes.
func (s *Service) metaOf(name string, f packument.Form) (*meta, error) {
	doc, err := s.held(name, f)
	if doc == nil || err != nil {
		return nil, err
	}
	return &doc.meta, doc.Close()
}

// younger reports whether upstream said so less than age ago.
func (s *Service) younger(m *meta, age time.Duration) bool {
	is := s.opt.Now().Sub(m.FetchedAt)
	return is >= 0 && is < age
}
