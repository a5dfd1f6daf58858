package search

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// shelf is a Source in memory.
type shelf struct {
	mu    sync.Mutex
	kind  Kind
	byKey map[string]Document
	fails error
}

func (s *shelf) Read(_ context.Context, key string) (Document, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.byKey[key]
	return d, ok, s.fails
}

func (s *shelf) List(context.Context) iter.Seq2[Document, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, err := slices.Sorted(maps.Keys(s.byKey)), s.fails
	return func(yield func(Document, error) bool) {
		if err != nil {
			yield(Document{}, err)
			return
		}
		for _, key := range keys {
			s.mu.Lock()
			d, ok := s.byKey[key]
			s.mu.Unlock()
			if ok && !yield(d, nil) {
				return
			}
		}
	}
}

func (s *shelf) set(all ...Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range all {
		s.byKey[d.Key] = d
	}
}

func (s *shelf) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byKey, key)
}

// counts is a Popularity.
type counts map[string]int64

func (c counts) Monthly(_ context.Context, _ Kind, name string) (int64, error) {
	n, ok := c[name]
	if !ok && strings.HasPrefix(name, "uncounted") {
		return 0, errors.New("the test can't count it")
	}
	return n, nil
}

var testTime = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// world is shelves and an index over them.
type world struct {
	*Service
	t       testing.TB
	shelves map[Kind]*shelf
	dir     string
	opt     Options
}

func newWorld(t testing.TB, opt Options, all ...Document) *world {
	t.Helper()
	w := &world{t: t, shelves: map[Kind]*shelf{}, dir: t.TempDir(), opt: opt}
	for _, k := range Kinds() {
		w.shelves[k] = &shelf{kind: k, byKey: map[string]Document{}}
	}
	for _, d := range all {
		w.shelves[d.Kind].set(d)
	}
	if w.opt.Now == nil {
		w.opt.Now = func() time.Time { return testTime }
	}
	w.opt.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	w.open()
	t.Cleanup(w.close)
	return w
}

// open opens the index and waits until it is made.
func (w *world) open() {
	w.t.Helper()
	sources := map[Kind]Source{}
	for k, s := range w.shelves {
		sources[k] = s
	}
	var err error
	if w.Service, err = Open(w.dir, sources, w.opt); err != nil {
		w.t.Fatal(err)
	}
	w.wait("the index is made", w.Complete)
}

func (w *world) close() {
	if w.Service == nil {
		return
	}
	if err := w.Close(); err != nil {
		w.t.Error(err)
	}
	w.Service = nil
}

// wait waits for what other goroutines do.
func (w *world) wait(what string, done func() bool) {
	w.t.Helper()
	timeout := time.After(5 * time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-timeout:
			w.t.Fatalf("it does not come to that %s", what)
		case <-tick.C:
		}
	}
}

// find returns the ids of what a text finds, 20 at most.
func (w *world) find(text string, kinds ...Kind) []string {
	w.t.Helper()
	found, err := w.Search(w.t.Context(), Query{Text: text, Kinds: kinds, Size: 20})
	if err != nil {
		w.t.Fatalf("Search(%q): %v", text, err)
	}
	ids := []string{}
	for _, d := range found.Documents {
		ids = append(ids, d.id())
	}
	if found.Total < len(ids) || len(ids) < 20 && found.Total != len(ids) {
		w.t.Errorf("Search(%q) shows %d of %d", text, len(ids), found.Total)
	}
	return ids
}

// pkg makes a document: kind/name, then what else it has, as "field: value".
func pkg(id string, more ...string) Document {
	kind, name, _ := strings.Cut(id, "/")
	d := Document{Kind: Kind(kind), Key: name, Name: name, Version: "1.0.0", Modified: testTime.AddDate(-1, 0, 0)}
	if d.Kind == Zig || d.Kind == Commit {
		d.Key = strings.ToLower(name)
	}
	for _, m := range more {
		field, value, _ := strings.Cut(m, ": ")
		switch field {
		case "description":
			d.Description = value
		case "keywords":
			d.Keywords = strings.Split(value, ",")
		case "author":
			d.Author = value
		case "publisher":
			d.Publisher = value
		case "owner":
			d.Owners = append(d.Owners, value)
		case "packages":
			d.Packages = strings.Split(value, ",")
		case "depends":
			d.Depends = strings.Split(value, ",")
		case "days":
			days := 0
			if _, err := fmt.Sscan(value, &days); err != nil {
				panic(err)
			}
			d.Modified = testTime.AddDate(0, 0, -days)
		default:
			panic(m)
		}
	}
	return d
}
