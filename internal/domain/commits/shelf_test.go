package commits

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/kv"
)

// With too little memory for all, every answer is the same.
func TestSmallShelf(t *testing.T) {
	w := newWorld(t, Options{})
	w.seed(8, 4)
	w.publish(sha1a, "other/ws", preview(t, sha1a, "p000", "x"))
	want := map[string]string{}
	for i := range 4 {
		name := fmt.Sprintf("p%03d", i)
		want[name] = shown(w.previews("acme/ws", name))
	}
	whole := w.shelf.size
	for _, most := range []int64{0, whole / 3, whole - 1, whole} {
		w.shelf = newShelf()
		w.shelf.max = most
		for range 2 {
			for name, want := range want {
				w.shows("acme/ws", name, want)
				w.shows("other/ws", "p000", "aaaa latest=aaaa")
			}
		}
		if held := w.shelf.records(); held > most {
			t.Errorf("the shelf keeps %d bytes of records, more than %d", held, most)
		}
	}
}

// A store may show a new revision before the rest of what it means. What was read
// then is shown for Settle and no longer, and what is read after it stays.
func TestViewsOfNewRevisions(t *testing.T) {
	w := newWorld(t, Options{Settle: time.Second})
	w.publish(sha1a, "acme/ws", preview(t, sha1a, "p000", "x"))
	w.publish(sha1c, "acme/ws", preview(t, sha1c, "p000", "y"))
	w.db.hide = func(r kv.Row) bool { return r.Key == indexKey("acme/ws", sha1c) }
	w.shows("acme/ws", "p000", "aaaa latest=aaaa")
	w.db.hide = nil
	w.Pass(999 * time.Millisecond)
	w.shows("acme/ws", "p000", "aaaa latest=aaaa")
	w.Pass(time.Millisecond)
	w.shows("acme/ws", "p000", "aaaa cccc latest=aaaa")
	w.db.hide = func(kv.Row) bool { return true }
	w.Pass(time.Hour)
	w.shows("acme/ws", "p000", "aaaa cccc latest=aaaa")
}

// The same of a commit whose listing is new while its head is not.
func TestPreviewsOfNewListings(t *testing.T) {
	w := newWorld(t, Options{Settle: time.Second})
	w.publish(sha1a, "acme/ws", preview(t, sha1a, "p000", "x"))
	before, err := w.db.Get(t.Context(), headKey(sha1a))
	if err != nil {
		t.Fatal(err)
	}
	w.publish(sha1a, "acme/ws", preview(t, sha1a, "p001", "y"))
	w.db.past = map[kv.Key]kv.Row{before.Key: before}
	w.shows("acme/ws", "p001", "")
	w.db.past = nil
	w.Pass(time.Second)
	w.shows("acme/ws", "p001", "aaaa latest=aaaa")
}

// records is what the shelf keeps that is not needed to know what there is.
func (s *shelf) records() (n int64) {
	for _, v := range s.views {
		for _, c := range v.commits {
			n += c.previews.size()
		}
	}
	return n
}

// Many readers of a server that has just started read each commit once.
func TestFirstReadersShare(t *testing.T) {
	w := newWorld(t, Options{})
	w.seed(10, 3)
	var mu sync.Mutex
	scans := 0
	w.db.scan = func(partition string) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(partition, "commit/") {
			scans++
		}
	}
	var readers sync.WaitGroup
	for i := range 3 {
		readers.Go(func() {
			if p, err := w.Previews(t.Context(), "acme/ws", fmt.Sprintf("p%03d", i)); err != nil || len(p.Versions) != 10 {
				t.Errorf("Previews = %d versions, %v", len(p.Versions), err)
			}
		})
	}
	readers.Wait()
	if scans != 10 {
		t.Errorf("10 commits were read %d times", scans)
	}
}

// A repository of very many commits shows what refs point at, and the newest.
func TestVeryManyCommits(t *testing.T) {
	v := &view{}
	for i := range maxVersions + 10 {
		at := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)
		v.commits = append(v.commits, &shelved{listing: listing{sha: fmt.Sprintf("%040x", i*7919%100_003), stamp: newPublishID(at)}, names: []string{"a"}})
	}
	pulled, merged, spam := v.commits[0].sha, v.commits[1].sha, v.commits[2].sha
	v.refs = []placedRef{
		{Ref: Ref{PR, "1"}, pointer: pointer{SHA: pulled}}, {Ref: Ref{Branch, "main"}, pointer: pointer{SHA: merged}},
	}
	newest := v.commits[len(v.commits)-1].sha
	slices.SortFunc(v.commits, func(a, b *shelved) int { return strings.Compare(a.sha, b.sha) })
	got := v.with("a")
	has := func(sha string) bool { return slices.ContainsFunc(got, func(c *shelved) bool { return c.sha == sha }) }
	if len(got) != maxVersions || !has(pulled) || !has(merged) || !has(newest) || has(spam) {
		t.Errorf("%d commits are shown; a pull request's: %v, a branch's: %v, the newest: %v, an old one: %v", len(got), has(pulled), has(merged), has(newest), has(spam))
	}
	if !slices.IsSortedFunc(got, func(a, b *shelved) int { return strings.Compare(a.sha, b.sha) }) {
		t.Error("they are not in the order of their SHAs")
	}
	if len(v.with("b")) != 0 {
		t.Error("a name that no commit has is found")
	}
}

// Large manifests cost old versions their place, never those of branches.
func TestManifestsAreBounded(t *testing.T) {
	w := newWorld(t, Options{})
	w.manifests = 150 << 10
	const commits = 20
	large := func(sha string) packed {
		manifest := fmt.Sprintf(`{"name":"a","version":%q,"description":%q}`, npm.PreviewVersion(sha), strings.Repeat("x", 10<<10))
		p := pack(t, "a", "1.0.0", "x")
		var head bytes.Buffer
		run, err := new(tarball.Packer).WriteHead(&head, []byte(manifest), sha)
		if err != nil {
			t.Fatal(err)
		}
		p.head, p.recipe.Head, p.recipe.Holes = head.Bytes(), run.Part, run.Holes
		return p
	}
	shas := make([]string, commits)
	for i := range shas {
		shas[i] = fmt.Sprintf("%02x", i) + sha1a[2:]
		refs := []Ref{{PR, fmt.Sprint(i + 1)}}
		if i == 0 {
			refs = []Ref{{Branch, "main"}}
		}
		w.commit(shas[i], refs, large(shas[i]))
		w.Pass(time.Minute)
	}
	p := w.previews("acme/ws", "a")
	if n := len(p.Versions); n < 10 || n >= commits || p.Versions[0].SHA != shas[commits-1] || p.Versions[n-1].SHA != shas[0] {
		t.Errorf("%d versions of 11 KB are shown, from %.2s to %.2s; want fewer than all, with the newest and that of main", n, p.Versions[0].SHA, p.Versions[n-1].SHA)
	}
	if p.Latest != npm.PreviewVersion(shas[0]) || p.Tags["branch-main"] != p.Latest || len(p.Tags) != len(p.Versions) {
		t.Errorf("latest is %s with %d tags, want that of main, and the tags of what is shown", p.Latest, len(p.Tags))
	}
	w.finds("acme/ws", "a", npm.PreviewVersion(shas[1]), shas[1]) // not shown, and there
}

func TestHeadsAreBounded(t *testing.T) {
	var h heads
	for i := range 40 {
		h.put(digest.SHA256{byte(i)}, make([]byte, 1<<20))
		h.put(digest.SHA256{byte(i)}, make([]byte, 1<<20))
	}
	held := 0
	for _, head := range h.byDigest {
		held += len(head)
	}
	if held != h.size || held > maxHeadsCache || held < maxHeadsCache/2 {
		t.Errorf("the heads in memory have %d bytes, counted as %d, at most %d", held, h.size, maxHeadsCache)
	}
	if h.get(digest.SHA256{39}) == nil {
		t.Error("the head that was just read is not there")
	}
}

// A preview whose head has just gone is left out; a store that fails is an error.
func TestPreviewWithoutItsHead(t *testing.T) {
	w := newWorld(t, Options{})
	a, b := preview(t, sha1a, "a", "x"), packFor(t, "", "a", npm.PreviewVersion(sha1b), "x")
	w.commit(sha1a, nil, a)
	w.commit(sha1b, nil, b)
	if err := w.blobs.Store.Delete(t.Context(), blobKey(b.recipe.Head)); err != nil {
		t.Fatal(err)
	}
	w.shows("acme/ws", "a", "aaaa latest=aaaa")
	w.Pass(time.Hour)
	if err := w.db.DB.Apply(t.Context(), kv.Put(kv.Row{Key: indexKey("acme/ws", sha1a), Value: []byte("no listing"), Expires: w.Now().Add(time.Hour)}), kv.Add(revisionKey("acme/ws"), 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Previews(t.Context(), "acme/ws", "a"); err == nil {
		t.Error("a broken row is no error")
	}
	if _, err := w.Preview(t.Context(), "acme/ws", "a", npm.PreviewVersion(sha1a)); err == nil {
		t.Error("a broken row is no error for a tarball")
	}
}
