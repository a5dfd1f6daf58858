package commits

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	sha1c = "cccccccccccccccccccccccccccccccccccccccc"
	sha1d = "1234567890123456789012345678901234567890" // digits only
)

// preview makes a package as publish-commit packs it for a commit.
func preview(t *testing.T, sha, name, content string) packed {
	t.Helper()
	return packFor(t, sha, name, npm.PreviewVersion(sha), content)
}

// commit publishes packages of a commit of acme/ws and moves refs to it.
func (w *world) commit(sha string, refs []Ref, packages ...packed) {
	w.t.Helper()
	p := publication(sha, "acme/ws", packages...)
	p.Refs = refs
	if _, err := w.send(p, packages...); err != nil {
		w.t.Fatalf("Publish(%s): %v", sha, err)
	}
}

func (w *world) previews(repository, name string) Previews {
	w.t.Helper()
	p, err := w.Previews(w.t.Context(), repository, name)
	if err != nil {
		w.t.Fatalf("Previews(%s, %s): %v", repository, name, err)
	}
	return p
}

func (w *world) revision(repository string) string {
	w.t.Helper()
	r, err := w.PreviewRevision(w.t.Context(), repository)
	if err != nil {
		w.t.Fatalf("PreviewRevision(%s): %v", repository, err)
	}
	return r
}

// shown is what of Previews a table can say: versions, newest first, and tags.
func shown(p Previews) string {
	var b strings.Builder
	for _, v := range p.Versions {
		b.WriteString(v.SHA[:4] + " ")
	}
	for _, tag := range slices.Sorted(maps.Keys(p.Tags)) {
		fmt.Fprintf(&b, "%s=%s ", tag, strings.TrimPrefix(p.Tags[tag], npm.PreviewVersion(""))[:4])
	}
	if p.Latest != "" {
		b.WriteString("latest=" + strings.TrimPrefix(p.Latest, npm.PreviewVersion(""))[:4])
	}
	return b.String()
}

func (w *world) shows(repository, name, want string) {
	w.t.Helper()
	if got := shown(w.previews(repository, name)); got != want {
		w.t.Errorf("%s of %s shows %q, want %q", name, repository, got, want)
	}
}

func (w *world) finds(repository, name, version, wantSHA string) {
	w.t.Helper()
	p, err := w.Preview(w.t.Context(), repository, name, version)
	switch {
	case wantSHA == "" && !errors.Is(err, fault.NotFound):
		w.t.Errorf("Preview(%s, %s, %s) = %s, %v, want not found", repository, name, version, p.SHA, err)
	case wantSHA != "" && (err != nil || p.SHA != wantSHA || p.Name != name):
		w.t.Errorf("Preview(%s, %s, %s) = %s of %s, %v, want that of %s", repository, name, version, p.Name, p.SHA, err, wantSHA)
	}
}

func TestPreviews(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	if _, err := w.PreviewRevision(t.Context(), "acme/ws"); !errors.Is(err, fault.NotFound) {
		t.Errorf("PreviewRevision of a repository that has nothing = %v, want not found", err)
	}
	if _, err := w.Previews(t.Context(), "acme/ws", "a"); !errors.Is(err, fault.NotFound) {
		t.Errorf("Previews of a repository that has nothing = %v, want not found", err)
	}
	w.commit(sha1a, []Ref{{Branch, "main"}}, preview(t, sha1a, "a", "1"), preview(t, sha1a, "@acme/b", "1"))
	first := w.Now()
	w.Pass(time.Hour)
	w.commit(sha1b, []Ref{{PR, "7"}, {Branch, "feat/x"}}, preview(t, sha1b, "a", "2"), preview(t, sha1b, "@acme/b", "1"))
	w.Pass(time.Hour)
	w.commit(sha1d, []Ref{{Tag, "v1"}}, packFor(t, sha1d, "a", npm.PreviewVersion(sha1d), "3", "binding.gyp"), pack(t, "own", "1.0.0", "x"))

	w.shows("acme/ws", "a", "1234 bbbb aaaa branch-feat-x=bbbb branch-main=aaaa pr-7=bbbb tag-v1=1234 latest=aaaa")
	w.shows("ACME/WS", "@acme/b", "bbbb aaaa branch-feat-x=bbbb branch-main=aaaa pr-7=bbbb latest=aaaa")
	w.shows("acme/ws", "own", "") // clients refuse a tarball of another version than the packument's
	w.shows("acme/ws", "never", "")
	p := w.previews("acme/ws", "a")
	if want := first.Add(90 * day); !p.Until.Equal(want) {
		t.Errorf("Until = %v, want the end of the first, %v", p.Until, want)
	}
	for i, sha := range []string{sha1d, sha1b, sha1a} {
		v := p.Versions[i]
		want := fmt.Sprintf(`{"name":"a","version":"0.0.0-commit.g%s"}`, sha[:10])
		if got := string(v.Archive.Manifest); got != want || v.Version != "0.0.0-commit.g"+sha[:10] {
			t.Errorf("version %s has package.json %s, want %s", v.Version, got, want)
		}
		if got := v.Archive.Gyp; got != (sha == sha1d) || v.Archive.Shrinkwrap {
			t.Errorf("version %s has a binding.gyp: %v, and a shrinkwrap: %v", v.Version, got, v.Archive.Shrinkwrap)
		}
		stored, err := w.Package(t.Context(), sha, "a")
		if diff := cmp.Diff(stored, v.Package); err != nil || diff != "" {
			t.Errorf("the preview differs from the commit's package (%v, -commit +preview):\n%s", err, diff)
		}
		w.finds("Acme/WS", "a", v.Version, sha)
	}
	for _, bad := range []string{"0.0.0-commit.g", "0.0.0-commit.gaaaa", "0.0.0-commit.gaaaaaaaaaaa", "0.0.0-commit.gAAAAAAAAAA", "1.0.0", "pr-7", "", "0.0.0-commit.gaaaaaaaaa/"} {
		w.finds("acme/ws", "a", bad, "")
	}
	w.finds("acme/ws", "own", "1.0.0", "")
	w.finds("acme/ws", "never", npm.PreviewVersion(sha1a), "")
	w.finds("other/ws", "a", npm.PreviewVersion(sha1a), "")
	for _, bad := range []string{"", "acme", "acme/ws/..//", "\x00/x", "a b/c"} {
		if _, err := w.Previews(t.Context(), bad, "a"); !errors.Is(err, fault.NotFound) {
			t.Errorf("Previews of repository %q = %v, want not found", bad, err)
		}
		if _, err := w.PreviewRevision(t.Context(), bad); !errors.Is(err, fault.NotFound) {
			t.Errorf("PreviewRevision of repository %q = %v, want not found", bad, err)
		}
		w.finds(bad, "a", npm.PreviewVersion(sha1a), "")
	}
}

func TestLatest(t *testing.T) {
	tests := []struct {
		name string
		refs [3][]Ref // of three commits, the oldest first
		want string
	}{
		{"main", [3][]Ref{{{Branch, "main"}}, {{Branch, "master"}}, {{Branch, "x"}}}, "aaaa"},
		{"master", [3][]Ref{{{Branch, "x"}}, {{Branch, "master"}}, {{Branch, "y"}}}, "bbbb"},
		{"the newest branch", [3][]Ref{{{Branch, "y"}}, {{Branch, "x"}}, {{PR, "1"}}}, "bbbb"},
		{"no branch", [3][]Ref{{{PR, "1"}}, {{Tag, "main"}}, nil}, "cccc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			for i, sha := range []string{sha1a, sha1b, sha1c} {
				w.commit(sha, tt.refs[i], preview(t, sha, "a", "x"))
				w.Pass(time.Minute)
			}
			if got := w.previews("acme/ws", "a").Latest; got != npm.PreviewVersion(tt.want+tt.want+tt.want) {
				t.Errorf("latest = %s, want that of %s", got, tt.want)
			}
		})
	}
}

// A publish shows all of its packages in the preview registry, or none.
func TestPreviewsAppearTogether(t *testing.T) {
	w := newWorld(t, Options{})
	a, b := preview(t, sha1a, "a", "x"), preview(t, sha1a, "b", "x")
	broken := errors.New("the disk is gone")
	w.db.before = func(ops []kv.Op) error {
		if slices.ContainsFunc(ops, func(op kv.Op) bool { return op.Row.Key == headKey(sha1a) }) {
			return broken
		}
		return nil
	}
	p := publication(sha1a, "acme/ws", a, b)
	p.Refs = []Ref{{PR, "7"}}
	if _, err := w.send(p, a, b); !errors.Is(err, broken) {
		t.Fatalf("Publish = %v, want the store's error", err)
	}
	w.db.before = nil
	if r, err := w.PreviewRevision(t.Context(), "acme/ws"); !errors.Is(err, fault.NotFound) {
		t.Errorf("after a failed publish the revision is %q, %v, want none", r, err)
	}
	w.finds("acme/ws", "a", npm.PreviewVersion(sha1a), "")

	// What a reader finds of one package, it finds of those published with it.
	shas := make([]string, 20)
	for i := range shas {
		shas[i] = fmt.Sprintf("%02x", i) + sha1a[2:]
	}
	w.commit(sha1a, nil, a, b)
	var writer sync.WaitGroup
	done := make(chan struct{})
	writer.Go(func() {
		defer close(done)
		for _, sha := range shas {
			w.publish(sha, "acme/ws", preview(t, sha, "a", "x"), preview(t, sha, "b", "x"))
		}
	})
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		first, second := w.previews("acme/ws", "a"), w.previews("acme/ws", "b")
		if len(first.Versions) > len(second.Versions) || last && len(second.Versions) != len(shas)+1 {
			t.Fatalf("a reader saw %d versions of one package, then %d of the other", len(first.Versions), len(second.Versions))
		}
	}
	writer.Wait()
}

func TestPreviewRevision(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	a, b := preview(t, sha1a, "a", "x"), preview(t, sha1a, "b", "x")
	changed := preview(t, sha1a, "a", "other")
	last := ""
	step := func(what string, want bool, do func()) {
		t.Helper()
		do()
		if got := w.revision("acme/ws"); (got != last) != want {
			t.Errorf("%s: the revision was %q and is %q, want a change: %v", what, last, got, want)
		} else {
			last = got
		}
	}
	again := func(p Publication, of ...packed) func() {
		return func() {
			if _, err := w.send(p, of...); err != nil {
				t.Fatal(err)
			}
		}
	}
	step("the first publish", true, func() { w.commit(sha1a, nil, a) })
	w.Pass(time.Hour)
	step("the same again", false, func() { w.commit(sha1a, nil, a) })
	step("another package of the commit", true, func() { w.commit(sha1a, nil, a, b) })
	step("a ref", true, func() { w.commit(sha1a, []Ref{{PR, "7"}}, a) })
	w.Pass(time.Minute)
	step("the ref where it is", false, func() { w.commit(sha1a, []Ref{{PR, "7"}}, a) })
	replace := publication(sha1a, "acme/ws", changed)
	replace.Replace = true
	step("other bytes", true, again(replace, changed))
	keep := publication(sha1a, "acme/ws", a)
	keep.Keep = true
	step("other bytes that are not wanted", false, again(keep, a))
	step("another repository", false, func() { w.publish(sha1a, "other/ws", preview(t, sha1a, "theirs", "x")) })
	w.Pass(50 * time.Hour)
	step("a longer life", true, again(keep, a))
	step("another commit", true, func() { w.commit(sha1b, nil, preview(t, sha1b, "a", "x")) })
	step("a ref moves", true, func() { w.commit(sha1b, []Ref{{PR, "7"}}, preview(t, sha1b, "a", "x")) })
	old := publication(sha1a, "acme/ws", changed)
	old.Refs, old.Run = []Ref{{PR, "7"}}, 5
	step("and back", true, again(old, changed))
	older := publication(sha1b, "acme/ws", preview(t, sha1b, "a", "x"))
	older.Refs, older.Run = old.Refs, 4
	step("an older run", false, again(older))
	step("no repository", false, func() { w.publish(sha1c, "", preview(t, sha1c, "a", "x")) })
	w.shows("acme/ws", "a", "bbbb aaaa pr-7=aaaa latest=bbbb")
}

// What a reader has in memory is as good as what is stored.
func TestReplacedPreview(t *testing.T) {
	w := newWorld(t, Options{})
	old, other := preview(t, sha1a, "a", "old"), preview(t, sha1a, "a", "new")
	w.commit(sha1a, []Ref{{Branch, "main"}}, old, preview(t, sha1a, "b", "x"))
	before := w.previews("acme/ws", "a").Versions[0].Artifact.Integrity
	w.Pass(time.Minute)
	p := publication(sha1a, "acme/ws", other)
	p.Replace = true
	if _, err := w.send(p, other); err != nil {
		t.Fatal(err)
	}
	after := w.previews("acme/ws", "a").Versions
	stored, err := w.Package(t.Context(), sha1a, "a")
	if err != nil || len(after) != 1 || after[0].Artifact.Integrity == before || after[0].Artifact.Integrity != stored.Artifact.Integrity {
		t.Errorf("after a replace there are %d versions, want one with the new integrity (%v)", len(after), err)
	}
	w.shows("acme/ws", "b", "aaaa branch-main=aaaa latest=aaaa")
}

func TestPreviewsExpire(t *testing.T) {
	w := newWorld(t, Options{Retention: 10 * day})
	w.commit(sha1a, []Ref{{Branch, "main"}, {PR, "7"}}, preview(t, sha1a, "a", "x"))
	w.Pass(5 * day)
	w.commit(sha1b, []Ref{{PR, "7"}}, preview(t, sha1b, "a", "x"))
	w.shows("acme/ws", "a", "bbbb aaaa branch-main=aaaa pr-7=bbbb latest=aaaa")
	until := w.previews("acme/ws", "a").Until
	w.Pass(until.Sub(w.Now()))
	w.shows("acme/ws", "a", "bbbb pr-7=bbbb latest=bbbb") // with no publish in between
	w.finds("acme/ws", "a", npm.PreviewVersion(sha1a), "")
	w.finds("acme/ws", "a", npm.PreviewVersion(sha1b), sha1b)
	w.Pass(5 * day)
	w.shows("acme/ws", "a", "")
	w.Pass(3 * time.Hour)
	w.sweep()
	w.shows("acme/ws", "a", "")
	before := w.revision("acme/ws")
	w.commit(sha1a, nil, preview(t, sha1a, "a", "x"))
	if after := w.revision("acme/ws"); after == before {
		t.Errorf("the revision is %s again", after)
	}
	w.shows("acme/ws", "a", "aaaa latest=aaaa")
}

// A lockfile that was made from pr-7 works after it has moved.
func TestPreviewOutlivesItsRef(t *testing.T) {
	w := newWorld(t, Options{})
	w.commit(sha1a, []Ref{{PR, "7"}}, preview(t, sha1a, "a", "old"))
	w.shows("acme/ws", "a", "aaaa pr-7=aaaa latest=aaaa")
	w.Pass(time.Minute)
	w.commit(sha1b, []Ref{{PR, "7"}}, preview(t, sha1b, "a", "new"))
	w.shows("acme/ws", "a", "bbbb aaaa pr-7=bbbb latest=bbbb")
	p, err := w.Preview(t.Context(), "acme/ws", "a", npm.PreviewVersion(sha1a))
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if sum, err := tarball.Check(c, tarball.DefaultLimits()); err != nil || sum.Sums != p.Artifact.Sums || sum.Version != p.Version {
		t.Errorf("the tarball of the old commit is %s %s, %v, want %s %s", sum.Version, sum.Sums.Integrity, err, p.Version, p.Artifact.Integrity)
	}
}

// Commits of a build that kept no listings have all their addresses; published
// again they are previews too.
func TestCommitsWithoutAListing(t *testing.T) {
	w := newWorld(t, Options{})
	a := preview(t, sha1a, "a", "old")
	w.commit(sha1a, []Ref{{PR, "7"}}, a)
	if err := w.db.Apply(t.Context(), kv.Delete(indexKey("acme/ws", sha1a)), kv.Delete(revisionKey("acme/ws"))); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		if got, err := w.read(sha1a, "a"); err != nil || got != "old" {
			t.Errorf("%s the tarball holds %q, %v", when, got, err)
		}
		if sha, err := w.Point(t.Context(), "acme/ws", Pointer{Refs: []Ref{{PR, "7"}}}); err != nil || sha != sha1a {
			t.Errorf("%s pr/7 points at %s, %v", when, sha, err)
		}
	}
	check("before,")
	if _, err := w.Service.Previews(t.Context(), "acme/ws", "a"); !errors.Is(err, fault.NotFound) {
		t.Errorf("Previews: %v, want not found", err)
	}
	w.Pass(time.Minute)
	w.commit(sha1b, nil, preview(t, sha1b, "a", "new"))
	w.shows("acme/ws", "a", "bbbb latest=bbbb")
	w.commit(sha1a, nil, a)
	w.shows("acme/ws", "a", "bbbb aaaa pr-7=aaaa latest=bbbb")
	check("afterwards,")
}

// Of refs that become the same tag the one that moved last has it.
func TestPreviewTagsThatMeet(t *testing.T) {
	w := newWorld(t, Options{})
	w.commit(sha1a, []Ref{{Branch, "a/b"}}, preview(t, sha1a, "a", "x"))
	w.Pass(time.Minute)
	w.commit(sha1b, []Ref{{Branch, "a-b"}}, preview(t, sha1b, "a", "x"))
	w.shows("acme/ws", "a", "bbbb aaaa branch-a-b=bbbb latest=bbbb")
	w.Pass(time.Minute)
	w.commit(sha1b, []Ref{{Branch, "a/b"}}, preview(t, sha1b, "a", "x"))
	w.Pass(time.Minute)
	w.commit(sha1a, []Ref{{Branch, "a/b"}}, preview(t, sha1a, "a", "x"))
	w.Pass(time.Minute)
	w.commit(sha1b, []Ref{{Branch, "a-b"}}, preview(t, sha1b, "a", "x")) // it does not move
	w.shows("acme/ws", "a", "bbbb aaaa branch-a-b=aaaa latest=bbbb")
	w.commit(sha1a, []Ref{{Branch, "ünï@#%:/ |^~*"}, {Branch, "@scope"}}, preview(t, sha1a, "a", "x"))
	w.shows("acme/ws", "a", "bbbb aaaa branch--n-----------=aaaa branch--scope=aaaa branch-a-b=aaaa latest=bbbb")
	for tag := range w.previews("acme/ws", "a").Tags {
		if npm.PreviewTag("x", tag) != "x-"+tag {
			t.Errorf("the tag %q has characters that not all clients take", tag)
		}
	}
}

// Forks have each other's commits. Each repository shows what it published itself.
func TestPreviewsOfTwoRepositories(t *testing.T) {
	w := newWorld(t, Options{Retention: 10 * day})
	a, b := preview(t, sha1a, "a", "x"), preview(t, sha1a, "b", "x")
	w.commit(sha1a, []Ref{{PR, "7"}}, a)
	evil := publication(sha1a, "evil/ws", preview(t, sha1a, "a", "evil"))
	evil.Replace, evil.Refs = true, []Ref{{PR, "7"}}
	if _, err := w.send(evil, preview(t, sha1a, "a", "evil")); codeOf(err) != "other_repository" {
		t.Errorf("Publish of another's package = %v, want a refusal", err)
	}
	if _, err := w.PreviewRevision(t.Context(), "evil/ws"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a refused publish has opened a preview registry: %v", err)
	}
	w.Pass(5 * day)
	w.publish(sha1a, "fork/ws", b) // keeps the commit longer
	w.shows("acme/ws", "a", "aaaa pr-7=aaaa latest=aaaa")
	w.shows("acme/ws", "b", "")
	w.shows("fork/ws", "b", "aaaa latest=aaaa")
	w.shows("fork/ws", "a", "")
	w.finds("fork/ws", "a", npm.PreviewVersion(sha1a), "")
	w.finds("acme/ws", "b", npm.PreviewVersion(sha1a), "")
	w.Pass(6 * day)
	w.shows("acme/ws", "a", "") // as its ref does, it ends with what acme/ws asked for
	w.shows("fork/ws", "b", "aaaa latest=aaaa")
}

// An address names no host, so no host may show packages at another's.
func TestPreviewsOfTwoHosts(t *testing.T) {
	w := newWorld(t, Options{Retention: 10 * day})
	a, b := preview(t, sha1a, "a", "evil"), preview(t, sha1a, "b", "x")
	elsewhere := publication(sha1a, "acme/ws", a)
	elsewhere.Repository.Host = "git.evil.example"
	w.commit(sha1b, nil, preview(t, sha1b, "a", "x"))
	if _, err := w.send(elsewhere, a); codeOf(err) != "other_host" {
		t.Errorf("Publish from another host without a ref = %v, want code other_host", err)
	}
	w.shows("acme/ws", "a", "bbbb latest=bbbb")

	// What a host leaves behind is not the next one's, although another repository keeps the commit.
	w = newWorld(t, Options{Retention: 10 * day})
	if _, err := w.send(elsewhere, a); err != nil {
		t.Fatal(err)
	}
	w.Pass(5 * day)
	w.publish(sha1a, "other/ws", preview(t, sha1a, "c", "x"))
	w.Pass(6 * day)
	w.commit(sha1a, nil, b)
	w.shows("acme/ws", "a", "")
	w.shows("acme/ws", "b", "aaaa latest=aaaa")
	w.finds("acme/ws", "a", npm.PreviewVersion(sha1a), "")
	w.sound()
}

// A commit whose hash was made to begin like another's does not take its place.
func TestCommitsThatShareTheirDigits(t *testing.T) {
	w := newWorld(t, Options{Retention: 10 * day})
	good, evil := "5555555555"+sha1b[10:], "5555555555"+sha1a[10:] // sorts first
	w.commit(good, []Ref{{Branch, "main"}}, preview(t, good, "a", "good"))
	w.Pass(time.Hour)
	w.commit(evil, []Ref{{PR, "7"}}, preview(t, evil, "a", "evil"))
	check := func(sha, want string) {
		t.Helper()
		p := w.previews("acme/ws", "a")
		if len(p.Versions) != 1 || p.Versions[0].SHA != sha {
			t.Errorf("the version is that of %+v, want %s", p.Versions, sha)
		}
		w.shows("acme/ws", "a", want)
		w.finds("acme/ws", "a", npm.PreviewVersion(sha), sha)
	}
	check(good, "5555 branch-main=5555 latest=5555")
	w.Pass(10*day - time.Hour)
	check(evil, "5555 pr-7=5555 latest=5555")
}

// Tarballs that others made are shown too, and cost no reading of them.
func TestWholePreviews(t *testing.T) {
	w := newWorld(t, Options{Retention: 10 * day})
	for i, sha := range []string{sha1a, sha1b} {
		x := packFor(t, "", "whole", npm.PreviewVersion(sha), "big", "npm-shrinkwrap.json")
		file := slices.Concat(x.recipe.Header(), x.head, x.body, x.recipe.Trailer())
		p := publication(sha, "acme/ws")
		if i == 0 { // with the request
			u, err := w.Receive(t.Context(), who{}, 0, "whole", strings.NewReader(string(file)))
			if err != nil {
				t.Fatal(err)
			}
			defer u.Close()
			p.Packages = []Source{{Name: "whole", Upload: u}}
		} else { // before it
			sums := tarballOf(t, file)
			if _, err := w.PutPart(t.Context(), who{}, sums.Digest, strings.NewReader(string(file))); err != nil {
				t.Fatal(err)
			}
			p.Packages = []Source{{Name: "whole", Whole: &sums}}
		}
		if _, err := w.Publish(t.Context(), who{}, p); err != nil {
			t.Fatal(err)
		}
		w.Pass(day)
	}
	w.sweep()
	w.heads, w.shelf = heads{}, newShelf() // another server
	p := w.previews("acme/ws", "whole")
	if got := shown(p); got != "bbbb aaaa latest=bbbb" {
		t.Fatalf("the whole tarballs show as %q", got)
	}
	for _, v := range p.Versions {
		stored, err := w.Package(t.Context(), v.SHA, "whole")
		if diff := cmp.Diff(stored, v.Package); err != nil || diff != "" {
			t.Errorf("the preview differs from the commit's package (%v, -commit +preview):\n%s", err, diff)
		}
		want := packument.Archive{Manifest: fmt.Appendf(nil, `{"name":"whole","version":%q}`, v.Version), Shrinkwrap: true}
		if diff := cmp.Diff(want, v.Archive); diff != "" {
			t.Errorf("the archive of %s (-want +got):\n%s", v.SHA, diff)
		}
		c, err := w.Open(t.Context(), v.Package)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Error(err)
		}
		c.Close()
	}
	if p.Versions[0].Artifact.Manifest.Digest != p.Versions[1].Artifact.Manifest.Digest {
		t.Error("the manifests of two commits are stored twice")
	}
	w.Pass(20 * day)
	w.sweep()
	w.Pass(2 * day)
	w.sweep()
	if n := w.count(); n != 0 {
		t.Errorf("%d blobs are left after all has expired", n)
	}
}

func tarballOf(t *testing.T, file []byte) tarball.Part {
	t.Helper()
	sum, err := tarball.Check(strings.NewReader(string(file)), tarball.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return tarball.Part{Digest: sum.Sums.SHA256, Size: sum.Size}
}

// Names that no row can hold are refused before anything is shown.
func TestListingIsBounded(t *testing.T) {
	var names []string
	for i := range 3000 {
		names = append(names, fmt.Sprintf("%s%d", strings.Repeat("n", 100), i))
	}
	if _, err := encodeListing("stamp", names); !errors.Is(err, fault.TooLarge) {
		t.Errorf("encodeListing of 300 kB of names = %v, want too large", err)
	}
	value, err := encodeListing("stamp", names[:2000])
	if err != nil {
		t.Fatal(err)
	}
	l := readListing(kv.Row{Key: indexKey("acme/ws", sha1a), Value: value})
	if got, err := l.names(); err != nil || l.sha != sha1a || l.stamp != "stamp" || !slices.Equal(got, names[:2000]) {
		t.Errorf("the listing reads as %s %s with %d names, %v", l.sha, l.stamp, len(got), err)
	}
}
