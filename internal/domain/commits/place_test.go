package commits

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/kv"
)

const place7 = "acme/ws/-/pr/7"

// forkOf is the run of a fork's pull request.
func forkOf(sha, pull string, n int) who {
	return who{user: "ci:acme/ws", granted: "https://github.com/" + PlaceOf("acme/ws", n), run: &run{
		proof: provenance.Proof{Tier: provenance.Fork, Repository: "acme/ws", SHA: sha, Pull: n, Author: "mallory"}, refs: []string{"pr/" + pull},
	}}
}

// fork publishes for pull request 7, saying as a client does that it is the repository.
func (w *world) fork(sha string, packages ...packed) (Result, error) {
	w.t.Helper()
	p := publication(sha, "acme/ws", packages...)
	p.Refs, p.Replace = []Ref{{PR, "7"}}, true
	as := forkOf(sha, "7", 7)
	if err := w.putAs(as, p.Repository, packages...); err != nil {
		w.t.Fatal(err)
	}
	return w.Publish(w.t.Context(), as, p)
}

func (w *world) mustFork(sha string, packages ...packed) {
	w.t.Helper()
	if _, err := w.fork(sha, packages...); err != nil {
		w.t.Fatalf("a fork publishes %s: %v", sha, err)
	}
}

// What a fork publishes is below its pull request, and nowhere else.
func TestForksHaveTheirPlace(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	w.commit(sha1a, []Ref{{Branch, "main"}}, preview(t, sha1a, "a", "1"))
	before, revision := w.overview("acme/ws"), w.revision("acme/ws")
	w.Pass(time.Hour)
	w.mustFork(sha1b, preview(t, sha1b, "a", "evil"), preview(t, sha1b, "new", "evil"))

	w.shows("acme/ws", "a", "aaaa branch-main=aaaa latest=aaaa")
	w.shows("acme/ws", "new", "")
	w.finds("acme/ws", "a", npm.PreviewVersion(sha1b), "")
	if diff := cmp.Diff(before, w.overview("acme/ws")); diff != "" || w.revision("acme/ws") != revision {
		t.Errorf("the repository has changed (-before +after):\n%s", diff)
	}
	if refs, err := w.RefsAt(t.Context(), "acme/ws", sha1b); err != nil || len(refs) != 0 {
		t.Errorf("refs of the repository point there: %v, %v", refs, err)
	}
	for sum, err := range w.List(t.Context()) {
		if err != nil || sum.Repository.Path != "acme/ws" || sum.SHA != sha1a || slices.Contains(sum.Packages, "new") {
			t.Errorf("lists show %+v, %v", sum, err)
		}
	}
	if owners, err := w.Owners(t.Context(), Repository{Host: defaultForge, Path: "acme/ws"}); err != nil || slices.Contains(owners, "ci:acme/ws") {
		t.Errorf("its owners are %q, %v", owners, err)
	}

	// Below the pull request it is, beside what the repository has.
	w.shows(place7, "a", "bbbb aaaa branch-main=aaaa pr-7=bbbb latest=aaaa")
	w.shows(place7, "new", "bbbb pr-7=bbbb ")
	w.finds(place7, "a", npm.PreviewVersion(sha1b), sha1b)
	w.finds(place7, "a", npm.PreviewVersion(sha1a), sha1a)
	if sha, err := w.Point(t.Context(), "acme/ws", Pointer{Refs: []Ref{{PR, "7"}}}); err != nil || sha != sha1b {
		t.Errorf("pr-7 is %s, %v", sha, err)
	}
	h, err := w.History(t.Context(), "Acme/WS", Ref{PR, "7"})
	if err != nil || h.SHA != sha1b || h.Current.Repository.Pull() != 7 {
		t.Errorf("History = %+v, %v", h, err)
	}
	pkg, err := w.Package(t.Context(), sha1b, "a")
	if err != nil || !pkg.FromFork() || !pkg.BelongsTo("acme/ws") || pkg.inRepository("acme/ws") || pkg.Repository.Base().String() != "https://github.com/acme/ws" {
		t.Errorf("the package is of %s, %v", pkg.Repository, err)
	}
	revision = w.revision(place7)
	w.commit(sha1c, nil, preview(t, sha1c, "a", "3"))
	if w.revision(place7) == revision {
		t.Error("the place's registry does not notice what the repository publishes")
	}
}

func (w *world) overview(repository string) Overview {
	w.t.Helper()
	o, err := w.Overview(w.t.Context(), repository, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// Nobody but a fork's run writes to its place, and it writes nowhere else.
func TestPlacesAreApart(t *testing.T) {
	w := newWorld(t, Options{})
	a := preview(t, sha1a, "a", "1")
	if err := w.put(a); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		as         who
		repository string
		refs       []Ref
	}{
		"a user to a place":          {who{}, place7, nil},
		"an admin to a place":        {who{admin: true}, place7, nil},
		"a path that looks like one": {who{}, "acme/-/ws", nil},
		"a fork to another place":    {forkOf(sha1a, "7", 7), PlaceOf("acme/ws", 8), []Ref{{PR, "7"}}},
		"a fork to another's":        {forkOf(sha1a, "7", 7), "other/ws", []Ref{{PR, "7"}}},
		"a fork to nothing":          {forkOf(sha1a, "7", 7), "", nil},
		"a fork to a branch":         {forkOf(sha1a, "7", 7), "acme/ws", []Ref{{Branch, "main"}}},
		"a fork to another pull":     {forkOf(sha1a, "7", 7), "acme/ws", []Ref{{PR, "8"}}},
		"a fork of another commit":   {forkOf(sha1b, "7", 7), "acme/ws", []Ref{{PR, "7"}}},
	} {
		p := publication(sha1a, tt.repository, a)
		p.Refs = tt.refs
		if _, err := w.Publish(t.Context(), tt.as, p); !errors.Is(err, fault.Forbidden) {
			t.Errorf("%s: Publish = %v, want fault.Forbidden", name, err)
		}
		if _, err := w.Missing(t.Context(), tt.as, p.Repository, nil); tt.refs == nil && !errors.Is(err, fault.Forbidden) {
			t.Errorf("%s: Missing = %v, want fault.Forbidden", name, err)
		}
	}
	if _, err := w.Commit(t.Context(), sha1a); !errors.Is(err, fault.NotFound) {
		t.Errorf("the commit is there: %v", err)
	}
}

// The repository's own takes the place of a fork's, and never the other way round.
func TestTheRepositoryOverrulesForks(t *testing.T) {
	w := newWorld(t, Options{})
	evil, good, other := preview(t, sha1a, "a", "evil"), preview(t, sha1a, "a", "good"), preview(t, sha1a, "b", "more")
	w.mustFork(sha1a, evil, other)
	if _, err := w.fork(sha1a, good); !errors.Is(err, fault.Exists) {
		t.Errorf("a fork replaces what it has published: %v", err)
	}
	w.commit(sha1a, []Ref{{Branch, "main"}}, good)
	if text, err := w.read(sha1a, "a"); err != nil || text != "good" {
		t.Errorf("the commit has %q, %v", text, err)
	}
	w.shows("acme/ws", "a", "aaaa branch-main=aaaa latest=aaaa")
	w.shows("acme/ws", "b", "")
	w.shows(place7, "a", "aaaa branch-main=aaaa latest=aaaa")
	w.shows(place7, "b", "aaaa pr-7=aaaa ")
	if _, err := w.fork(sha1a, evil); !errors.Is(err, fault.Exists) {
		t.Errorf("a fork replaces what the repository has published: %v", err)
	}
	res, err := w.fork(sha1a, good)
	if err != nil || !res.Unchanged["a"] || res.Commit.Packages[0].FromFork() {
		t.Errorf("a fork publishes the same: %+v, %v", res, err)
	}
	if _, err := w.send(publication(sha1a, "other/ws", evil), evil); !errors.Is(err, fault.Exists) {
		t.Errorf("another repository publishes it: %v", err)
	}
}

// sorts lists the rows of a partition.
func (w *world) sorts(partition string) (sorts []string) {
	w.t.Helper()
	for r, err := range w.db.Scan(w.t.Context(), partition, kv.Query{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		sorts = append(sorts, r.Sort)
	}
	return sorts
}

// A fork can't fill the disk with what it never publishes.
func TestUploadsOfForksAreCounted(t *testing.T) {
	w := newWorld(t, Options{MaxPublish: 1000, MaxPackage: 1000})
	as := forkOf(sha1a, "7", 7)
	put := func(n int) error {
		text := make([]byte, 900)
		text[0] = byte(n)
		_, err := w.PutPart(t.Context(), as, digest.Of(text), bytes.NewReader(text))
		return err
	}
	for n := range 4 {
		if err := put(n); err != nil {
			t.Fatal(err)
		}
	}
	if e, ok := fault.Public(put(5)); !ok || e.Code != "quota" {
		t.Errorf("the fifth: %v, want quota", e)
	}
	as = forkOf(sha1a, "8", 8)
	if err := put(5); err != nil {
		t.Errorf("another pull request: %v", err)
	}
	if r, err := w.Direct(t.Context(), as, tarball.Part{Digest: digest.Of(nil), Size: 1 << 30}); r != nil || err != nil {
		t.Errorf("Direct of a fork = %v, %v, want none", r, err)
	}
}
