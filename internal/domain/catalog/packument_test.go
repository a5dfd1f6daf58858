package catalog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/org/registry-action/internal/format/packument"
)

var forms = []packument.Form{packument.Full, packument.Abbreviated}

func TestRelease(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("@org/mine", "1.0.0", "1.1.0")
	for _, f := range forms {
		d, doc := w.decode(mainRoot, "@org/mine", f)
		if doc.Form != f || doc.Stale {
			t.Errorf("document is %+v", doc)
		}
		if got, want := d.tarball("1.1.0"), ourURL+"/@org/mine/-/mine-1.1.0.tgz"; got != want {
			t.Errorf("tarball is %s, want %s", got, want)
		}
	}
	if p := w.releases.packages["@org/mine"]; p.Versions[0].Dist.Tarball != "" {
		t.Error("rendering has changed what Releases returned")
	}
}

func TestAttestationsAddress(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("@org/mine", "1.0.0")
	w.releases.packages["@org/mine"].Versions[0].Dist.Attestations = []byte(`{"provenance":{"predicateType":"p"}}`)
	d, _ := w.decode(mainRoot, "@org/mine", packument.Full)
	if got, want := string(d.Versions["1.0.0"].Dist.Attestations), `{"provenance":{"predicateType":"p"},"url":"`+ourURL+`/-/npm/v1/attestations/@org/mine@1.0.0"}`; got != want {
		t.Errorf("attestations are %s, want %s", got, want)
	}
}

// TestRenderedOncePerChange: the same bytes are served until a write, and new ones after it.
func TestRenderedOncePerChange(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", "1.0.0")
	_, before := w.text(mainRoot, "mine", packument.Full)
	_, again := w.text(mainRoot, "mine", packument.Full)
	if before != again || w.releases.renders != 1 {
		t.Errorf("a second request made another document, after %d renderings", w.releases.renders)
	}
	w.publish("mine", "1.0.0", "1.1.0")
	d, after := w.decode(mainRoot, "mine", packument.Full)
	if d.tarball("1.1.0") == "" || after.ETag == before.ETag {
		t.Errorf("after a publish the packument is %+v with the ETag %s", d, after.ETag)
	}
	if w.memory.used != int64(len(w.body(after, false)))+overhead {
		t.Errorf("%d bytes are counted for one document", w.memory.used)
	}
}

func TestETags(t *testing.T) {
	seen := map[string]string{}
	for server := range 2 {
		w := newWorld(t, setup{})
		w.publish("mine", "1.0.0")
		w.serve("lodash", "4.0.0")
		w.large = true
		w.serve("big", "1.0.0")
		w.previews.revisions["acme/app"] = "1"
		for _, name := range []string{"mine", "lodash", "big"} {
			for _, root := range []Root{mainRoot, previewRoot} {
				for _, f := range forms {
					doc, err := w.Packument(t.Context(), root, name, f, false)
					if err != nil {
						t.Fatal(err)
					}
					for _, packed := range []bool{false, true} {
						b, err := doc.Body(t.Context(), packed)
						if err != nil {
							t.Fatal(err)
						}
						defer b.Close()
						what := fmt.Sprint(name, root, f, packed)
						if !packed && b.ETag != doc.ETag {
							t.Errorf("%s: the plain body has the ETag %s, the document %s", what, b.ETag, doc.ETag)
						}
						if other, ok := seen[b.ETag]; ok != (server == 1) || ok && other != what {
							t.Errorf("server %d: %s has the ETag of %q", server, what, other)
						}
						seen[b.ETag] = what
					}
				}
			}
		}
	}
}

func TestGzip(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", many(50)...)
	w.serve("lodash", many(50)...)
	w.large = true
	w.serve("big", "1.0.0")
	for _, name := range []string{"mine", "lodash", "big"} {
		plain, doc := w.text(mainRoot, name, packument.Full)
		for range 2 {
			if got := w.body(doc, true); got != plain {
				t.Errorf("%s: the gzip encoding has %d bytes, the plain one %d", name, len(got), len(plain))
			}
		}
	}
	var kept int64
	for e := w.memory.order.Front(); e != nil; e = e.Next() {
		doc := e.Value.(*item).doc
		for _, packed := range []bool{false, true} {
			b, err := doc.Body(t.Context(), packed)
			if err != nil {
				t.Fatal(err)
			}
			kept += int64(cap(b.Bytes))
		}
		kept += overhead
	}
	if w.memory.used != kept {
		t.Errorf("%d bytes are counted, %d are held", w.memory.used, kept)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const bound = 64 << 10
	w := newWorld(t, setup{memory: bound})
	for i := range 40 {
		name := fmt.Sprintf("mine%d", i)
		w.publish(name, many(20)...)
		_, doc := w.text(mainRoot, name, packument.Full)
		w.body(doc, true)
		if w.memory.used > bound {
			t.Fatalf("%d bytes are kept, more than %d", w.memory.used, bound)
		}
	}
	if n := len(w.memory.items); n == 0 || n != w.memory.order.Len() {
		t.Errorf("%d documents are kept, %d in order", n, w.memory.order.Len())
	}
	w.publish("large", many(1000)...)
	if text, doc := w.text(mainRoot, "large", packument.Full); w.body(doc, true) != text || w.memory.used != 0 {
		t.Errorf("a document larger than the bound: %d bytes are kept", w.memory.used)
	}
}

// TestTogether: a hundred requests at once lead to one rendering.
func TestTogether(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", "1.0.0")
	synctest.Test(t, func(t *testing.T) {
		w.releases.hold = make(chan struct{})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := w.Packument(t.Context(), mainRoot, "mine", packument.Full, false); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(w.releases.hold)
		wg.Wait()
	})
	if w.releases.renders != 1 {
		t.Errorf("%d renderings", w.releases.renders)
	}
}

// TestLeaderLeaves: the client whose request renders for all hangs up; the others are answered.
func TestLeaderLeaves(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", "1.0.0")
	synctest.Test(t, func(t *testing.T) {
		w.releases.hold = make(chan struct{})
		ctx, hangUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := w.Packument(ctx, mainRoot, "mine", packument.Full, false); !errors.Is(err, context.Canceled) {
				t.Errorf("who hung up got %v", err)
			}
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() {
				if _, err := w.Packument(t.Context(), mainRoot, "mine", packument.Full, false); err != nil {
					t.Errorf("who waited got %v", err)
				}
			})
		}
		synctest.Wait()
		hangUp()
		synctest.Wait()
		close(w.releases.hold)
		wg.Wait()
	})
	if w.releases.renders != 2 {
		t.Errorf("%d renderings, want one that was given up and one more", w.releases.renders)
	}
}

// TestRoomForRendering: who finds no room waits, as long as the request lives.
func TestRoomForRendering(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", "1.0.0")
	w.serve("lodash", "4.0.0")
	leave, err := w.enter(t.Context(), 10*renderBytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mine", "lodash"} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.Packument(ctx, mainRoot, name, packument.Full, false); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got the error %v", name, err)
		}
	}
	leave()
	w.text(mainRoot, "mine", packument.Full)
	w.text(mainRoot, "lodash", packument.Full)
}

// many are versions of which hundreds make a large document.
func many(n int) []string {
	versions := make([]string, n)
	for i := range versions {
		versions[i] = fmt.Sprintf("1.0.%d", i)
	}
	return versions
}
