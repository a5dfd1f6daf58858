package commits

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/kv"
)

func TestPublishAndRead(t *testing.T) {
	w := newWorld(t, Options{})
	a, b := pack(t, "a", "1.0.0", "module a"), pack(t, "@acme/b", "2.0.0", "module b")
	res := w.publish(sha1a, "acme/ws", a, b)
	if len(res.Unchanged) != 0 || len(res.Commit.Packages) != 2 {
		t.Fatalf("Publish = %+v, want two new packages", res)
	}
	c, err := w.Commit(t.Context(), sha1a)
	if err != nil || len(c.Packages) != 2 || c.Packages[0].Name != "@acme/b" || c.Packages[1].Version != "1.0.0" {
		t.Fatalf("Commit = %+v, %v, want @acme/b and a", c, err)
	}
	if got, err := w.read(sha1a, "@acme/b"); err != nil || got != "module b" {
		t.Errorf("the tarball of @acme/b holds %q, %v, want %q", got, err, "module b")
	}
	if got := c.Packages[1].Artifact.Size; got != a.recipe.Size() {
		t.Errorf("size = %d, want %d", got, a.recipe.Size())
	}
}

// The next commit of unchanged packages has only its digits to tell; nothing is sent or stored again.
func TestHoles(t *testing.T) {
	w := newWorld(t, Options{})
	other := "b1b2b3b4b5b6b7b8b9b0b1b2b3b4b5b6b7b8b9b0"
	for i, sha := range []string{sha1a, other} {
		version := npm.PreviewVersion(sha)
		a := packFor(t, sha, "a", version, "module a")
		if !a.recipe.Holes {
			t.Fatal("the head has no holes")
		}
		missing, err := w.Missing(t.Context(), who{}, Repository{}, []tarball.Part{a.recipe.Head, a.recipe.Body})
		if want := []int{2, 0}[i]; err != nil || len(missing) != want {
			t.Errorf("%d blobs are missing for commit %d, %v, want %d", len(missing), i+1, err, want)
		}
		w.publish(sha, "acme/ws", a)
	}
	for _, sha := range []string{sha1a, other} {
		p, err := w.Package(t.Context(), sha, "a")
		if err != nil || p.Version != npm.PreviewVersion(sha) {
			t.Fatalf("Package(%s) = %s, %v", sha, p.Version, err)
		}
		c, err := w.Open(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		sum, err := tarball.Check(c, tarball.DefaultLimits())
		if err != nil || sum.Sums != p.Artifact.Sums || sum.Version != p.Version {
			t.Errorf("the tarball of %s says %s %s (%v), the registry %s %s", sha, sum.Version, sum.Sums.Integrity, err, p.Version, p.Artifact.Integrity)
		}
	}
	// A head whose holes are not said to be holes has no valid version.
	a := packFor(t, sha1a, "a", npm.PreviewVersion(sha1a), "module a")
	p := publication(sha1b, "acme/ws", a)
	p.Packages[0].Holes, p.Packages[0].Version = false, npm.PreviewVersion(sha1a)
	if _, err := w.send(p, a); !errors.Is(err, fault.Invalid) {
		t.Errorf("unfilled holes: %v, want a refusal", err)
	}
}

func TestPublishAgainAnswersTheSame(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "x")
	first := w.publish(sha1a, "acme/ws", a)
	w.Pass(90_000_000) // a retry comes a little later
	again := w.publish(sha1a, "acme/ws", a)
	if !again.Unchanged["a"] {
		t.Error("the same bytes again are not reported as unchanged")
	}
	if diff := cmp.Diff(first.Commit, again.Commit); diff != "" {
		t.Errorf("the repeated publish answers otherwise (-first +again):\n%s", diff)
	}
}

func TestWriteOnce(t *testing.T) {
	old := func(w *world) { w.publish(sha1a, "acme/ws", pack(w.t, "a", "1.0.0", "old")) }
	tests := []struct {
		name, repo, code, want string
		replace                bool
	}{
		{"other bytes", "acme/ws", "already_published", "old", false},
		{"other bytes, replace", "acme/ws", "", "new", true},
		{"other repository", "evil/ws", "other_repository", "old", false},
		{"other repository, replace", "evil/ws", "other_repository", "old", true},
		{"no repository", "", "other_repository", "old", true},
		{"the repository in other case", "ACME/WS", "", "new", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			old(w)
			other := pack(t, "a", "1.0.0", "new")
			p := publication(sha1a, tt.repo, other)
			p.Replace = tt.replace
			_, err := w.send(p, other)
			if code := codeOf(err); code != tt.code {
				t.Errorf("Publish = %v, want code %q", err, tt.code)
			}
			if got, err := w.read(sha1a, "a"); err != nil || got != tt.want {
				t.Errorf("the tarball holds %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// A publisher may ask for what is there to stay; the rest of its publish goes on.
func TestKeep(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(sha1a, "acme/ws", pack(t, "a", "1.0.0", "old"))
	other, more := pack(t, "a", "1.0.0", "new"), pack(t, "b", "1.0.0", "more")
	p := publication(sha1a, "acme/ws", other, more)
	p.Keep, p.Refs = true, []Ref{{PR, "7"}}
	res, err := w.send(p, other, more)
	if err != nil || !res.Kept["a"] || res.Kept["b"] || len(res.Unchanged) != 0 {
		t.Fatalf("Publish = %+v, %v, want a kept and b new", res, err)
	}
	for name, want := range map[string]string{"a": "old", "b": "more"} {
		if got, err := w.read(sha1a, name); err != nil || got != want {
			t.Errorf("%s holds %q, %v, want %q", name, got, err, want)
		}
	}
	if sha, err := w.Point(t.Context(), "acme/ws", Pointer{Refs: p.Refs}); err != nil || sha != sha1a {
		t.Errorf("pr-7 points at %s, %v", sha, err)
	}
	p.Repository.Path = "evil/ws"
	if _, err := w.send(p, other, more); codeOf(err) != "other_repository" {
		t.Errorf("Publish for another repository = %v, want a refusal", err)
	}
}

func codeOf(err error) string {
	if e, ok := fault.Public(err); ok {
		return e.Code
	}
	return ""
}

func TestAllOrNothing(t *testing.T) {
	good := func(t *testing.T) packed { return pack(t, "good", "1.0.0", "x") }
	tests := []struct {
		name string
		bad  func(t *testing.T) (Source, []packed)
		kind fault.Kind
		text string
	}{
		{"wrong name", func(t *testing.T) (Source, []packed) {
			p := pack(t, "other", "1.0.0", "x")
			s := p.source()
			s.Name = "claimed"
			return s, []packed{p}
		}, fault.Invalid, `claimed: the archive's package.json has the name "other"`},
		{"wrong version", func(t *testing.T) (Source, []packed) {
			p := pack(t, "v", "1.0.0", "x")
			s := p.source()
			s.Version = "1.0.1"
			return s, []packed{p}
		}, fault.Invalid, `version "1.0.0", not "1.0.1"`},
		{"wrong integrity", func(t *testing.T) (Source, []packed) {
			p := pack(t, "i", "1.0.0", "x")
			s := p.source()
			s.Integrity = "sha512-AAAA"
			return s, []packed{p}
		}, fault.Invalid, "integrity"},
		{"bytes never sent", func(t *testing.T) (Source, []packed) {
			return pack(t, "absent", "1.0.0", "never sent").source(), nil
		}, fault.Invalid, "not been uploaded"},
		{"a body in the head's place", func(t *testing.T) (Source, []packed) {
			p := pack(t, "swapped", "1.0.0", "x")
			s := p.source()
			s.Head, s.Body = s.Body, s.Head
			return s, []packed{p}
		}, fault.Invalid, "head"},
		{"an invalid name", func(t *testing.T) (Source, []packed) {
			p := pack(t, "fine", "1.0.0", "x")
			s := p.source()
			s.Name = "../../etc"
			return s, []packed{p}
		}, fault.Invalid, "../../etc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			src, sent := tt.bad(t)
			g := good(t)
			p := publication(sha1a, "acme/ws", g)
			p.Packages = append(p.Packages, src)
			_, err := w.send(p, append(sent, g)...)
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Publish = %v, want %s with %q", err, tt.kind, tt.text)
			}
			if _, err := w.Commit(t.Context(), sha1a); !errors.Is(err, fault.NotFound) {
				t.Errorf("Commit = %v, want nothing visible", err)
			}
		})
	}
}

// A monorepo's commit has more rows than one batch: readers must never see a part of it.
func TestManyPackagesAppearTogether(t *testing.T) {
	const n = 130
	w := newWorld(t, Options{})
	var all []packed
	for i := range n {
		all = append(all, pack(t, fmt.Sprintf("p%03d", i), "1.0.0", "shared body"))
	}
	if err := w.put(all...); err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !done.Load() {
			c, err := w.Commit(t.Context(), sha1a)
			if err == nil && len(c.Packages) != n {
				t.Errorf("a reader saw %d of %d packages", len(c.Packages), n)
				return
			}
		}
	})
	w.publish(sha1a, "acme/ws", all...)
	done.Store(true)
	wg.Wait()
	if c, err := w.Commit(t.Context(), sha1a); err != nil || len(c.Packages) != n {
		t.Errorf("Commit has %d packages, %v, want %d", len(c.Packages), err, n)
	}
}

func TestParallelPublishesOfOneCommit(t *testing.T) {
	w := newWorld(t, Options{})
	same := pack(t, "same", "1.0.0", "x")
	var news atomic.Int32
	var wg sync.WaitGroup
	for i := range 48 {
		own := pack(t, fmt.Sprintf("own%02d", i), "1.0.0", "x")
		wg.Go(func() {
			res, err := w.send(publication(sha1a, "acme/ws", same, own), same, own)
			if err != nil {
				t.Errorf("Publish: %v", err)
			}
			if err == nil && !res.Unchanged["same"] {
				news.Add(1)
			}
		})
	}
	wg.Wait()
	if news.Load() != 1 {
		t.Errorf("%d publishes say they brought the package, want 1", news.Load())
	}
	c, err := w.Commit(t.Context(), sha1a)
	if err != nil || len(c.Packages) != 49 {
		t.Errorf("Commit = %d packages, %v, want all", len(c.Packages), err)
	}
	for _, p := range c.Packages {
		if _, err := w.read(sha1a, p.Name); err != nil {
			t.Errorf("reading %s: %v", p.Name, err)
		}
	}
}

func TestUploadsAreSmallInMemory(t *testing.T) {
	w := newWorld(t, Options{MaxPackages: 2})
	p := packFor(t, "", "a", "1.0.0", "x", "README.md")
	file := slices.Concat(p.recipe.Header(), p.head, p.body, p.recipe.Trailer())
	u, err := w.Receive(t.Context(), who{}, 1, "a", bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if u.Summary.Name != "a" || u.Summary.Manifest != nil || u.Summary.Readme != nil {
		t.Errorf("an upload keeps the name %q, %d bytes of manifest and %d of README, want the name alone", u.Summary.Name, len(u.Summary.Manifest), len(u.Summary.Readme))
	}
	if _, err := w.Receive(t.Context(), who{}, 2, "b", bytes.NewReader(file)); !errors.Is(err, fault.TooLarge) {
		t.Errorf("Receive of one more than a publish may have = %v, want too large", err)
	}
}

func TestOneDigestHasOneSize(t *testing.T) {
	w := newWorld(t, Options{})
	p := pack(t, "a", "1.0.0", "x")
	w.publish(sha1a, "", p)
	lie := p.recipe.Body
	lie.Size++
	if _, err := w.Missing(t.Context(), who{}, Repository{}, []tarball.Part{p.recipe.Body, lie}); codeOf(err) != "wrong_size" {
		t.Errorf("Missing = %v, want code wrong_size", err)
	}
}

// A client that publishes each package of a commit by itself keeps all of them, in a head that stays small.
func TestManyPublishesOfOneCommit(t *testing.T) {
	const n = 2*maxPublishes + 10
	w := newWorld(t, Options{})
	w.publish(sha1a, "other/ws", pack(t, "theirs", "1.0.0", "x"))
	for i := range n {
		w.publish(sha1a, "acme/ws", pack(t, fmt.Sprintf("p%03d", i), "1.0.0", "x"))
	}
	c, err := w.load(t.Context(), sha1a)
	if err != nil || len(c.packages) != n+1 || len(c.Publishes) > maxPublishes+1 {
		t.Errorf("the commit has %d packages in %d publishes (%v), want %d packages", len(c.packages), len(c.Publishes), err, n+1)
	}
	if got := c.packages["theirs"].Repository.Path; got != "other/ws" {
		t.Errorf("another repository's package became one of %s", got)
	}
	if got, err := w.read(sha1a, "p000"); err != nil || got != "x" {
		t.Errorf("the first package holds %q, %v", got, err)
	}
	w.Pass(3 * time.Hour)
	w.sweep()
	w.recent = recent{}
	if c, err := w.load(t.Context(), sha1a); err != nil || len(c.packages) != n+1 {
		t.Errorf("after a sweep the commit has %d packages (%v), want %d", len(c.packages), err, n+1)
	}
}

func TestDyingPublishIsInvisible(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "x")
	broken := errors.New("the disk is gone")
	w.db.before = func(ops []kv.Op) error {
		for _, op := range ops {
			if op.Row.Key == headKey(sha1a) {
				return broken
			}
		}
		return nil
	}
	if _, err := w.send(publication(sha1a, "acme/ws", a), a); !errors.Is(err, broken) {
		t.Fatalf("Publish = %v, want the store's error", err)
	}
	w.db.before = nil
	if _, err := w.Commit(t.Context(), sha1a); !errors.Is(err, fault.NotFound) {
		t.Errorf("Commit = %v, want nothing visible", err)
	}
	w.publish(sha1a, "acme/ws", a)
	if got, err := w.read(sha1a, "a"); err != nil || got != "x" {
		t.Errorf("after a retry the tarball holds %q, %v", got, err)
	}
}

func TestLimits(t *testing.T) {
	big := func(t *testing.T, name string) packed { return pack(t, name, "1.0.0", randomText(4000)) }
	t.Run("a package", func(t *testing.T) {
		w := newWorld(t, Options{MaxPackage: 1000})
		p := big(t, "a")
		if _, err := w.send(publication(sha1a, "acme/ws", p), p); !errors.Is(err, fault.TooLarge) || !strings.Contains(err.Error(), "1000") {
			t.Errorf("Publish = %v, want too large, naming 1000", err)
		}
		if _, err := w.PutPart(t.Context(), who{}, p.recipe.Body.Digest, strings.NewReader(string(p.body))); !errors.Is(err, fault.TooLarge) {
			t.Errorf("PutPart = %v, want too large", err)
		}
		if n := w.count(); n != 0 {
			t.Errorf("%d blobs are kept, want none", n)
		}
	})
	t.Run("a publish", func(t *testing.T) {
		w := newWorld(t, Options{MaxPublish: 5000})
		p, q := big(t, "a"), big(t, "b")
		if _, err := w.send(publication(sha1a, "acme/ws", p, q), p, q); !errors.Is(err, fault.TooLarge) || !strings.Contains(err.Error(), "5000") {
			t.Errorf("Publish = %v, want too large, naming 5000", err)
		}
	})
	t.Run("the number of packages", func(t *testing.T) {
		w := newWorld(t, Options{MaxPackages: 1})
		p, q := big(t, "a"), big(t, "b")
		if _, err := w.send(publication(sha1a, "acme/ws", p, q), p, q); !errors.Is(err, fault.TooLarge) {
			t.Errorf("Publish = %v, want too large", err)
		}
	})
	t.Run("the right to publish", func(t *testing.T) {
		w := newWorld(t, Options{})
		p := pack(t, "a", "1.0.0", "x")
		if _, err := w.Publish(t.Context(), who{denied: true}, publication(sha1a, "acme/ws", p)); !errors.Is(err, fault.Forbidden) {
			t.Errorf("Publish = %v, want forbidden", err)
		}
	})
	t.Run("the right to each of its packages", func(t *testing.T) {
		w := newWorld(t, Options{})
		a, b := pack(t, "a", "1.0.0", "x"), pack(t, "b", "1.0.0", "x")
		if err := w.put(a, b); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Publish(t.Context(), who{only: "a"}, publication(sha1a, "acme/ws", a, b)); !errors.Is(err, fault.Forbidden) {
			t.Errorf("Publish = %v, want forbidden", err)
		}
		if _, err := w.Package(t.Context(), sha1a, "a"); !errors.Is(err, fault.NotFound) {
			t.Errorf("a part of the refused publish is there: %v", err)
		}
		if _, err := w.Publish(t.Context(), who{only: "a"}, publication(sha1a, "acme/ws", a)); err != nil {
			t.Errorf("Publish of what it may write: %v", err)
		}
	})
}

// randomText does not compress; it is the same each time.
func randomText(n int) string {
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}
