package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/feed"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/storetest"
)

func openFeed(t *testing.T) kv.DB {
	t.Helper()
	db := storetest.OpenDB(t, nil)
	return db
}

func (w *world) tell(kind Kind, keys ...string) {
	w.t.Helper()
	if err := w.opt.Feed.Apply(context.Background(), feed.Changed(string(kind), time.Now(), keys...)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) waitFind(text string, want ...string) {
	w.t.Helper()
	w.wait(fmt.Sprintf("%q finds %q", text, want), func() bool { return slices.Equal(w.find(text), want) })
}

// What the feed tells of is read anew: what is new, changed and gone. Other kinds than it knows do no harm.
func TestFollow(t *testing.T) {
	w := newWorld(t, Options{Feed: openFeed(t), Every: time.Millisecond, Now: time.Now}, pkg("npm/first"))
	w.shelves[NPM].set(pkg("npm/second", "description: socks"))
	w.tell(NPM, "second", "third")
	w.waitFind("kind:npm", "npm/first", "npm/second")
	w.shelves[NPM].set(pkg("npm/second", "description: gloves"))
	w.shelves[NPM].remove("first")
	w.tell("later", "x")
	w.tell(NPM, "second", "first")
	w.waitFind("kind:npm", "npm/second")
	w.waitFind("gloves", "npm/second")
	w.waitFind("socks")
}

// What is changed while a server is away is found when it is back, without looking at everything; after a longer time
// everything is looked at, and what is gone goes.
func TestAway(t *testing.T) {
	offset := time.Duration(0)
	w := newWorld(t, Options{Feed: openFeed(t), Every: time.Millisecond, Now: func() time.Time { return time.Now().Add(offset) }}, pkg("npm/first"), pkg("npm/gone"))
	w.close()
	w.shelves[NPM].set(pkg("npm/told"), pkg("npm/untold"))
	w.tell(NPM, "told")
	w.open()
	w.waitFind("kind:npm", "npm/first", "npm/gone", "npm/told")
	w.close()
	w.shelves[NPM].remove("gone")
	offset = feed.TTL
	w.open()
	w.waitFind("kind:npm", "npm/first", "npm/told", "npm/untold")
}

// Downloads are counted anew every so often, and so is what no feed has told of.
func TestRefresh(t *testing.T) {
	downloads := counts{"b": 1}
	w := newWorld(t, Options{Refresh: time.Millisecond, Popularity: downloads, Now: time.Now}, pkg("npm/a"), pkg("npm/b"))
	w.waitFind("kind:npm", "npm/b", "npm/a")
	w.shelves[NPM].remove("b")
	w.shelves[NPM].set(pkg("npm/c"))
	w.waitFind("kind:npm", "npm/a", "npm/c")
}

// An outage of the stores while the index is made is only a delay, and damage that is found in a search has it made anew.
func TestTrouble(t *testing.T) {
	w := newWorld(t, Options{}, pkg("npm/a"))
	w.damage(errors.New("the test says so"))
	w.wait("it is made anew", w.Complete)
	w.waitFind("kind:npm", "npm/a")
	for _, s := range w.shelves {
		s.mu.Lock()
		s.fails = errors.New("the table is away")
		s.mu.Unlock()
	}
	w.damage(errors.New("once more"))
	w.wait("the old index is gone", func() bool { return !w.Complete() })
	for _, s := range w.shelves {
		s.mu.Lock()
		s.fails = nil
		s.mu.Unlock()
	}
	w.wait("it is made anew", w.Complete)
	w.waitFind("kind:npm", "npm/a")
}
