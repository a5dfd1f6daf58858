package catalog

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
)

func TestUpstreamPackument(t *testing.T) {
	for _, large := range []bool{false, true} {
		for _, fullOnly := range []bool{false, true} {
			w := newWorld(t, setup{large: large})
			w.serve("@up/stream", many(3)...)
			w.upstream.fullOnly = fullOnly
			for _, f := range forms {
				d, doc := w.decode(mainRoot, "@up/stream", f)
				if got, want := d.tarball("1.0.0"), ourURL+"/@up/stream/-/stream-1.0.0.tgz"; got != want {
					t.Errorf("tarball is %s, want %s", got, want)
				}
				if len(d.Versions) != 3 || doc.Form != f {
					t.Errorf("%d versions in form %d, want 3 in %d", len(d.Versions), doc.Form, f)
				}
				if text, _ := w.text(mainRoot, "@up/stream", f); !strings.Contains(text, `"shasum"`) || strings.Contains(text, `"_id"`) == (f == packument.Abbreviated) {
					t.Errorf("form %d of a packument is %.300s", f, text)
				}
			}
		}
	}
}

func TestUpstreamLeftAlone(t *testing.T) {
	for _, large := range []bool{false, true} {
		w := newWorld(t, setup{leave: true, large: large})
		w.serve("lodash", "1.0.0")
		if text, _ := w.text(mainRoot, "lodash", packument.Full); text != w.upstream.documents["lodash"] {
			t.Errorf("a packument that is to be left alone is %.300s", text)
		}
		if found, err := w.Version(t.Context(), mainRoot, "lodash", "1.0.0"); err != nil || !strings.HasPrefix(found.Dist.Tarball, upstreamURL) {
			t.Errorf("the tarball is at %s, %v", found.Dist.Tarball, err)
		}
	}
}

func TestUpstreamChanges(t *testing.T) {
	w := newWorld(t, setup{})
	for n := range 8 {
		w.large = n%4 >= 2
		w.serve("lodash", many(n)...)
		if d, _ := w.decode(mainRoot, "lodash", packument.Full); len(d.Versions) != n {
			t.Errorf("%d versions are shown, want %d", len(d.Versions), n)
		}
	}
}

func TestUpstreamStale(t *testing.T) {
	for _, large := range []bool{false, true} {
		w := newWorld(t, setup{large: large})
		w.serve("lodash", "1.0.0")
		fresh, first := w.text(mainRoot, "lodash", packument.Full)
		w.upstream.stale = true
		stale, doc := w.text(mainRoot, "lodash", packument.Full)
		if stale != fresh || !doc.Stale || first.Stale || doc.ETag != first.ETag {
			t.Errorf("stale: %t, then %t", first.Stale, doc.Stale)
		}
		w.upstream.stale = false
		if _, doc := w.text(mainRoot, "lodash", packument.Full); doc.Stale {
			t.Error("a document stays stale when upstream is back")
		}
	}
}

func TestUpstreamDown(t *testing.T) {
	w := newWorld(t, setup{})
	w.upstream.down = true
	_, err := w.Packument(t.Context(), mainRoot, "lodash", packument.Full, false)
	is(t, err, fault.Unavailable)
	w.upstream.down = false
	_, err = w.Packument(t.Context(), mainRoot, "lodash", packument.Full, false)
	is(t, err, fault.NotFound)
}

// TestUpstreamLies: a document of another name is not passed on.
func TestUpstreamLies(t *testing.T) {
	w := newWorld(t, setup{})
	w.serve("other", "1.0.0")
	w.upstream.documents["lodash"] = w.upstream.documents["other"]
	w.upstream.documents["noise"] = "<html>"
	w.previews.revisions["acme/app"] = "1"
	for _, root := range []Root{mainRoot, previewRoot} {
		for _, name := range []string{"lodash", "noise"} {
			if doc, err := w.Packument(t.Context(), root, name, packument.Full, false); err == nil {
				t.Errorf("%s is %s", name, w.body(doc, false))
			}
		}
	}
}

// TestLargeTogether: of a large document, each encoding is made once for all who ask at
// the same time, also if the client whose request makes it hangs up.
func TestLargeTogether(t *testing.T) {
	w := newWorld(t, setup{large: true})
	w.serve("big", "1.0.0")
	_, doc := w.text(mainRoot, "big", packument.Full)
	w.upstream.asked = nil
	synctest.Test(t, func(t *testing.T) {
		w.upstream.hold = make(chan struct{})
		ctx, hangUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := doc.Body(ctx, true); !errors.Is(err, context.Canceled) {
				t.Errorf("who hung up got %v", err)
			}
		})
		synctest.Wait()
		for range 16 {
			wg.Go(func() {
				b, err := doc.Body(t.Context(), true)
				if err != nil {
					t.Error(err)
					return
				}
				b.Close()
			})
		}
		synctest.Wait()
		hangUp()
		synctest.Wait()
		close(w.upstream.hold)
		wg.Wait()
	})
	if n := len(w.upstream.asked); n != 2 {
		t.Errorf("%d renderings, want one that was given up and one more", n)
	}
}

// TestSmallCache: documents are served although no file can be kept.
func TestSmallCache(t *testing.T) {
	w := newWorld(t, setup{cache: 1 << 10, large: true})
	w.serve("lodash", "1.0.0")
	for range 2 {
		text, doc := w.text(mainRoot, "lodash", packument.Full)
		if w.body(doc, true) != text {
			t.Error("the gzip encoding is another text")
		}
	}
	if w.memory.used != 0 {
		t.Errorf("a large document is kept in memory: %d bytes", w.memory.used)
	}
}

// TestEvicted: a file leaves the cache between the answer and its bytes, or the document changes.
func TestEvicted(t *testing.T) {
	w := newWorld(t, setup{large: true})
	w.serve("lodash", "1.0.0")
	before, doc := w.text(mainRoot, "lodash", packument.Full)
	if err := w.cache.Delete(encoding{doc.ETag, false}.key()); err != nil {
		t.Fatal(err)
	}
	if got := w.body(doc, false); got != before {
		t.Error("rendered again it is another text")
	}
	w.serve("lodash", many(2)...)
	b, err := doc.Body(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	after, doc := w.text(mainRoot, "lodash", packument.Full)
	if b.ETag != gzipTag(doc.ETag) || after == before {
		t.Errorf("the body of a document that has changed has the ETag %s, the new document %s", b.ETag, doc.ETag)
	}
	w.serve("lodash", many(3)...)
	_, doc = w.text(mainRoot, "lodash", packument.Abbreviated)
	w.publish("lodash", "1.0.0")
	_, err = doc.Body(t.Context(), true)
	is(t, err, fault.NotFound)
}
