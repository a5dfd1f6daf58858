package packages

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

func TestTags(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	w.publish(alice, "a", "2.0.0")
	ctx := t.Context()
	if err := w.Tag(ctx, alice, "a", "stable", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if err := w.Tag(ctx, alice, "a", "old", "stable"); err != nil { // npm dist-tag add a@stable old
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"latest": "2.0.0", "stable": "1.0.0", "old": "1.0.0"}, w.get("a").Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	before := w.rev("a")
	if err := w.Tag(ctx, alice, "a", "stable", "1.0.0"); err != nil || w.rev("a") != before {
		t.Errorf("a tag that is so already: %v, revision %s after %s", err, w.rev("a"), before)
	}
	refused(t, "no such version", w.Tag(ctx, alice, "a", "other", "3.0.0"), fault.NotFound, "")
	refused(t, "no such package", w.Tag(ctx, alice, "b", "other", "1.0.0"), fault.NotFound, "")
	for _, tag := range []string{
		"", "1", "1.0.0", "v1", "^1.0", "x", "*", ">=1 <2", "1 || 2", "a/b", "a b", "a\nb", "../x", "ä", "a%2fb", "a?b", "__proto__", strings.Repeat("a", 215),
	} {
		refused(t, "tag "+tag, w.Tag(ctx, alice, "a", tag, "1.0.0"), fault.Invalid, "invalid_tag")
		if tag == "" {
			continue
		}
		_, err := w.send(alice, tgz(t, "a", "9.0.0", ""), Release{Tags: []string{"ok", tag}})
		refused(t, "publish with tag "+tag, err, fault.Invalid, "invalid_tag")
	}
	refused(t, "latest", w.Untag(ctx, alice, "a", "latest"), fault.Invalid, "invalid_tag")
	refused(t, "no such tag", w.Untag(ctx, alice, "a", "other"), fault.NotFound, "")
	if err := w.Untag(ctx, alice, "a", "old"); err != nil || len(w.get("a").Tags) != 2 {
		t.Errorf("Untag: %v, tags %v", err, w.get("a").Tags)
	}
	if err := w.Tag(ctx, alice, "a", "latest", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if found, _, err := w.Search(ctx, "a", 0, 0); err != nil || found[0].Version != "1.0.0" {
		t.Errorf("the search shows %v, %v, want the latest", found, err)
	}
}

func TestTagsAreBounded(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	for i := range maxTags/maxTagsAtOnce + 1 {
		var tags []string
		for j := range maxTagsAtOnce {
			tags = append(tags, fmt.Sprintf("t-%d-%d", i, j))
		}
		_, err := w.send(alice, tgz(t, "a", "1.0.0", "a1.0.0"), Release{Tags: tags[:maxTagsAtOnce-1]})
		if i < maxTags/maxTagsAtOnce && err != nil {
			t.Fatal(err)
		}
		if i == maxTags/maxTagsAtOnce {
			refused(t, "too many tags", err, fault.Invalid, "too_many_tags")
		}
		_, err = w.send(alice, tgz(t, "a", "1.0.0", "a1.0.0"), Release{Tags: append(tags, "one-more")})
		refused(t, "too many at once", err, fault.Invalid, "invalid_tag")
	}
}

func TestDeprecate(t *testing.T) {
	w := newWorld(t, Options{})
	for _, v := range []string{"1.0.0", "1.1.0", "2.0.0"} {
		w.publish(alice, "a", v)
	}
	ctx := t.Context()
	if err := w.Deprecate(ctx, alice, "a", map[string]string{"1.0.0": "use 2", "1.1.0": "use <2>"}); err != nil {
		t.Fatal(err)
	}
	messages := func() (out []string) {
		for _, v := range w.get("a").Versions {
			out = append(out, v.Deprecated)
		}
		return out
	}
	if diff := cmp.Diff([]string{"use 2", "use <2>", ""}, messages()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	before := w.rev("a")
	if err := w.Deprecate(ctx, alice, "a", map[string]string{"1.0.0": "use 2", "2.0.0": ""}); err != nil || w.rev("a") != before {
		t.Errorf("nothing new: %v, revision %s after %s", err, w.rev("a"), before)
	}
	if err := w.Deprecate(ctx, alice, "a", map[string]string{"1.0.0": ""}); err != nil || messages()[0] != "" {
		t.Errorf("taken back: %v, %v", err, messages())
	}
	refused(t, "one is not there", w.Deprecate(ctx, alice, "a", map[string]string{"2.0.0": "x", "9.0.0": "x"}), fault.NotFound, "")
	refused(t, "no version", w.Deprecate(ctx, alice, "a", map[string]string{"latest": "x"}), fault.Invalid, "invalid_version")
	for _, text := range []string{"\x1b]0;x", "\x00", strings.Repeat("x", maxMessage+1), "\xff"} {
		refused(t, "message", w.Deprecate(ctx, alice, "a", map[string]string{"2.0.0": text}), fault.Invalid, "invalid_message")
	}
	if messages()[2] != "" {
		t.Error("2.0.0 was deprecated by a refused request")
	}
	if v, err := w.read("a", "1.1.0"); err != nil || len(v) == 0 {
		t.Errorf("a deprecated version can't be downloaded: %v", err)
	}
}

func TestEveryWriteRaisesTheRevision(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	w.publish(alice, "a", "1.0.0")
	w.publish(alice, "a", "2.0.0")
	seen := map[string]string{w.rev("a"): "publish"}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"publish", func() error { return w.try(alice, "a", "3.0.0") }},
		{"tag", func() error { return w.Tag(ctx, alice, "a", "other", "1.0.0") }},
		{"untag", func() error { return w.Untag(ctx, alice, "a", "other") }},
		{"deprecate", func() error { return w.Deprecate(ctx, alice, "a", map[string]string{"1.0.0": "x"}) }},
		{"owners", func() error { return w.SetOwners(ctx, alice, "a", "", []string{"alice", "bob"}) }},
		{"access", func() error { return w.SetAccess(ctx, alice, "a", "restricted") }},
		{"star", func() error { return w.Star(ctx, bob, "a", true) }},
		{"unstar", func() error { return w.Star(ctx, bob, "a", false) }},
		{"unpublish", func() error { return w.Unpublish(ctx, alice, "a", "", "1.0.0") }},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		rev := w.rev("a")
		if before, again := seen[rev]; again {
			t.Errorf("after %s the revision is %s, as after %s", step.name, rev, before)
		}
		seen[rev] = step.name
		if p := w.get("a"); p.Revision != rev {
			t.Errorf("Package says %s, Revision %s", p.Revision, rev)
		}
	}
}

func TestStars(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	w.publish(alice, "a", "1.0.0")
	w.publish(alice, "b", "1.0.0")
	w.Pass(time.Hour)
	for _, name := range []string{"b", "a", "a"} {
		if err := w.Star(ctx, bob, name, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Star(ctx, alice, "a", true); err != nil {
		t.Fatal(err)
	}
	p := w.get("a")
	if strings.Join(p.Stars, " ") != "alice bob" || !p.Modified.Equal(p.Created) { // to like is no change that an age gate should see
		t.Errorf("stars %v, modified %v, want those of alice and bob and no other change", p.Stars, p.Modified)
	}
	if got, err := w.Starred(ctx, "bob"); err != nil || strings.Join(got, " ") != "a b" {
		t.Errorf("Starred = %v, %v", got, err)
	}
	for range 2 {
		if err := w.Star(ctx, bob, "a", false); err != nil {
			t.Fatal(err)
		}
	}
	if p := w.get("a"); strings.Join(p.Stars, " ") != "alice" {
		t.Errorf("stars = %v", p.Stars)
	}
	if got, err := w.Starred(ctx, "bob"); err != nil || strings.Join(got, " ") != "b" {
		t.Errorf("Starred = %v, %v", got, err)
	}
	refused(t, "of nothing", w.Star(ctx, bob, "c", true), fault.NotFound, "")
}

func TestParallelChanges(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	servers := []*Service{w.Service, w.another(Options{})}
	const n = 16
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			s := servers[i%2]
			if i%4 < 2 {
				errs[i] = s.Tag(t.Context(), alice, "a", fmt.Sprint("t-", i), "1.0.0")
			} else {
				errs[i] = s.Star(t.Context(), user{Name: fmt.Sprint("u", i)}, "a", true)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if p := w.get("a"); len(p.Tags) != n/2+1 || len(p.Stars) != n/2 {
		t.Errorf("%d tags, %d stars, want none lost", len(p.Tags), len(p.Stars))
	}
}

func TestBusyStoreIsUnavailable(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	w.DB.BeforeApply = func([]kv.Op) error { return &kv.ConflictError{} }
	refused(t, "Tag", w.Tag(t.Context(), alice, "a", "other", "1.0.0"), fault.Unavailable, "")
	refused(t, "SetScopeOwners", w.SetScopeOwners(t.Context(), root, "@a", []string{"x"}), fault.Unavailable, "")
}

// Tags reads the head and no version: one that can't be read is no reason not to answer.
func TestTagsAreRead(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	w.publish(alice, "a", "2.0.0-beta", "next")
	if err := w.DB.Apply(t.Context(), kv.Put(kv.Row{Key: versionKey("a", "1.0.0"), Value: []byte("broken")})); err != nil {
		t.Fatal(err)
	}
	got, err := w.Tags(t.Context(), "a")
	if diff := cmp.Diff(map[string]string{"latest": "1.0.0", "next": "2.0.0-beta"}, got); diff != "" || err != nil {
		t.Errorf("Tags: %v, %s", err, diff)
	}
	for _, name := range []string{"b", "../a", ""} {
		_, err := w.Tags(t.Context(), name)
		refused(t, name, err, fault.NotFound, "")
	}
	if err := w.UnpublishAll(t.Context(), root, "a", ""); err == nil {
		_, err = w.Tags(t.Context(), "a")
		refused(t, "nothing is left", err, fault.NotFound, "unpublished")
	}
}
