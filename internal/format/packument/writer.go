package packument

import (
	"fmt"
	"strconv"
)

// writer appends an object member by member.
type writer struct {
	b    []byte
	more bool // the object has members
	err  error
}

// done returns what was written.
func (w *writer) done(what string) ([]byte, error) {
	if w.err != nil {
		return nil, fmt.Errorf("encoding %s: %w", what, w.err)
	}
	return w.b, nil
}

func (w *writer) key(k string) {
	if w.more {
		w.b = append(w.b, ',')
	}
	w.more = true
	w.b = appendText(w.b, k)
	w.b = append(w.b, ':')
}

// raw writes a value that is JSON.
func (w *writer) raw(k string, value []byte) {
	w.key(k)
	w.b = append(w.b, value...)
}

// member writes a value that comes from a caller. One that is not JSON must not
// get into a document: it could break it, or say something about other versions.
func (w *writer) member(m Member) {
	s := &scanner{src: m.Value}
	s.space()
	s.skip()
	if err := s.end(); err != nil && w.err == nil {
		w.err = fmt.Errorf("member %q: %w", m.Key, err)
	}
	w.raw(m.Key, m.Value)
}

func (w *writer) text(k, value string) {
	w.key(k)
	w.b = appendText(w.b, value)
}

// textIf writes a member unless it is empty; so do the others that end in If.
func (w *writer) textIf(k, value string) {
	if value != "" {
		w.text(k, value)
	}
}

func (w *writer) numberIf(k string, value int64) {
	if value != 0 {
		w.key(k)
		w.b = strconv.AppendInt(w.b, value, 10)
	}
}

func (w *writer) trueIf(k string, value bool) {
	if value {
		w.raw(k, []byte("true"))
	}
}

func (w *writer) open() {
	w.b = append(w.b, '{')
	w.more = false
}

func (w *writer) close() {
	w.b = append(w.b, '}')
	w.more = true
}
