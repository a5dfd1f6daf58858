package commits

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// When a pull request is closed its previews end some days later, unless somebody needs them.
func TestClosePull(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	own, shared := preview(t, sha1c, "a", "own"), preview(t, sha1d, "a", "shared")
	w.mustFork(sha1a, preview(t, sha1a, "a", "1"))
	w.mustFork(sha1b, preview(t, sha1b, "a", "2"))
	w.commit(sha1c, []Ref{{PR, "7"}}, own)
	w.commit(sha1d, []Ref{{PR, "7"}, {Branch, "main"}}, shared)
	until := w.Now().Add(14 * day)
	if err := w.ClosePull(t.Context(), "acme/ws", 7, until); err != nil {
		t.Fatal(err)
	}
	for sha, want := range map[string]time.Time{sha1a: until, sha1b: until, sha1c: until, sha1d: w.Now().Add(90 * day)} {
		if c, err := w.Commit(t.Context(), sha); err != nil || !c.ExpiresAt.Equal(want) {
			t.Errorf("commit %.4s ends at %s, %v; want %s", sha, c.ExpiresAt, err, want)
		}
	}
	if err := w.ReopenPull(t.Context(), "acme/ws", 7); err != nil {
		t.Fatal(err)
	}
	if c, err := w.Commit(t.Context(), sha1a); err != nil || !c.ExpiresAt.Equal(w.Now().Add(90*day)) {
		t.Errorf("reopened it ends at %s, %v", c.ExpiresAt, err)
	}
	for range 2 { // a webhook that comes twice
		if err := w.ClosePull(t.Context(), "Acme/ws", 7, until); err != nil {
			t.Fatal(err)
		}
	}
	w.Pass(14*day + 2*time.Hour)
	for _, sha := range []string{sha1a, sha1b, sha1c} {
		if _, err := w.Commit(t.Context(), sha); !errors.Is(err, fault.NotFound) {
			t.Errorf("commit %.4s is still here: %v", sha, err)
		}
	}
	w.shows(place7, "a", "1234 branch-main=1234 pr-7=1234 latest=1234")
	if _, err := w.life.Sweep(t.Context(), w.Tasks()); err != nil {
		t.Fatal(err)
	}
	if rows := w.sorts("repo/" + place7); len(rows) > 2 { // whose it is, and the revision
		t.Errorf("the place still has %q", rows)
	}
	if _, err := w.Commit(t.Context(), sha1d); err != nil {
		t.Errorf("what main points at is gone: %v", err)
	}
	if err := w.ClosePull(t.Context(), "acme/unknown", 7, until); err != nil {
		t.Errorf("a repository that is not here: %v", err)
	}
}

// What is published for a pull request that is closed already, by a job that was under way, ends with it.
func TestPublishedAfterClose(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	until := w.Now().Add(14 * day)
	close := func() {
		t.Helper()
		if err := w.ClosePull(t.Context(), "Acme/ws", 7, until); err != nil {
			t.Fatal(err)
		}
	}
	wantEnds := func(sha string, want time.Time) {
		t.Helper()
		if c, err := w.Commit(t.Context(), sha); err != nil || !c.ExpiresAt.Equal(want) {
			t.Errorf("commit %.4s ends at %s, %v; want %s", sha, c.ExpiresAt, err, want)
		}
	}
	close()
	forked := preview(t, sha1a, "a", "1")
	if res, err := w.fork(sha1a, forked); err != nil || !res.Commit.ExpiresAt.Equal(until) || !res.Commit.Packages[0].ExpiresAt.Equal(until) {
		t.Errorf("the publish of a fork says %+v, %v; want an end at %s", res.Commit, err, until)
	}
	w.commit(sha1b, []Ref{{PR, "7"}}, preview(t, sha1b, "a", "own"))
	w.commit(sha1c, []Ref{{PR, "7"}, {Branch, "main"}}, preview(t, sha1c, "a", "shared"))
	w.commit(sha1d, []Ref{{PR, "8"}}, preview(t, sha1d, "a", "other"))
	whole := w.Now().Add(90 * day)
	wantEnds(sha1a, until)
	wantEnds(sha1b, until)
	wantEnds(sha1c, whole)
	wantEnds(sha1d, whole)
	w.Pass(2 * day)
	w.mustFork(sha1a, forked) // once more
	wantEnds(sha1a, until)
	if err := w.ReopenPull(t.Context(), "acme/ws", 7); err != nil {
		t.Fatal(err)
	}
	w.mustFork(sha1a, forked)
	wantEnds(sha1a, w.Now().Add(90*day))
	close()
	w.Pass(20 * day)
	w.mustFork(sha1a, forked)
	wantEnds(sha1a, w.Now().Add(day)) // long after the close, for who looks at it now
}

// Of a close and a publish in the same moment one sees the other.
func TestPublishMeetsClose(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	until := w.Now().Add(14 * day)
	for n := range 20 {
		sha := fmt.Sprintf("%040x", n+1)
		pkg := preview(t, sha, "a", "1")
		p := publication(sha, "acme/ws", pkg)
		p.Refs = []Ref{{PR, strconv.Itoa(n + 1)}}
		if err := w.put(pkg); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := w.Publish(t.Context(), who{}, p); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := w.ClosePull(t.Context(), "acme/ws", n+1, until); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if c, err := w.Commit(t.Context(), sha); err != nil || !c.ExpiresAt.Equal(until) {
			t.Errorf("the commit ends at %s, %v; want %s", c.ExpiresAt, err, until)
		}
	}
}

// The last previews of a pull request that is open live on, and no others.
func TestOpenPull(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	forked, last, first, unheard := preview(t, sha1a, "a", "1"), preview(t, sha1b, "a", "last"), preview(t, sha1c, "a", "first"), preview(t, sha1d, "a", "unheard")
	if err := w.OpenPull(t.Context(), "Acme/ws", 7); err != nil {
		t.Fatal(err)
	}
	w.mustFork(sha1a, forked)
	w.commit(sha1c, []Ref{{PR, "7"}}, first)
	w.commit(sha1b, []Ref{{PR, "7"}}, last)
	w.commit(sha1d, []Ref{{PR, "8"}}, unheard)
	wantThere := func(want ...string) {
		t.Helper()
		w.sweep()
		var there []string
		for _, sha := range []string{sha1a, sha1b, sha1c, sha1d} {
			if _, err := w.Commit(t.Context(), sha); err == nil {
				there = append(there, sha)
			} else if !errors.Is(err, fault.NotFound) {
				t.Error(err)
			}
		}
		if !slices.Equal(there, want) {
			t.Errorf("there are %.4q, want %.4q", there, want)
		}
	}
	for range 30 { // the sweeper comes every few days
		w.Pass(3*day - time.Hour)
		w.sweep()
	}
	w.Pass(2 * day)
	wantThere(sha1a, sha1b)
	for _, sha := range []string{sha1a, sha1b} {
		if text, err := w.read(sha, "a"); err != nil || text == "" {
			t.Errorf("the bytes of commit %.4s: %v", sha, err)
		}
	}
	w.shows("acme/ws", "a", "bbbb pr-7=bbbb latest=bbbb")
	if _, err := w.Owners(t.Context(), Repository{defaultForge, "acme/ws"}); err != nil {
		t.Errorf("the repository belongs to nobody any more: %v", err)
	}
	if _, err := w.Summary(t.Context(), "acme/ws"); err != nil {
		t.Errorf("the repository is not listed any more: %v", err)
	}
	w.sound()
	if err := w.ClosePull(t.Context(), "acme/ws", 7, w.Now().Add(14*day)); err != nil {
		t.Fatal(err)
	}
	if err := w.OpenPull(t.Context(), "acme/ws", 7); err != nil { // a webhook from before
		t.Fatal(err)
	}
	for range 6 {
		w.Pass(3 * day)
		w.sweep()
	}
	wantThere()
}
