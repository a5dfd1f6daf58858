package commits

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
)

func shaOf(n int) string { return fmt.Sprintf("%040x", 0xabc0000000+n) }

// push publishes a commit of acme/ws with packages and refs.
func (w *world) push(sha string, refs []Ref, packages ...packed) {
	w.t.Helper()
	p := publication(sha, "acme/ws", packages...)
	p.Refs = refs
	if _, err := w.send(p, packages...); err != nil {
		w.t.Fatalf("Publish(%s): %v", sha, err)
	}
	w.Pass(time.Minute)
}

func shasOf(all []Listed) []string {
	var shas []string
	for _, c := range all {
		shas = append(shas, c.SHA)
	}
	return shas
}

// A ref tells what it pointed at before, the newest first, as long as that is here.
func TestHistory(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	a := pack(t, "a", "1.0.0", "x")
	pr := []Ref{{PR, "7"}}
	w.push(shaOf(1), pr, a)
	w.Pass(30 * day)
	w.push(shaOf(2), pr, a)
	w.push(shaOf(3), pr, a)
	w.push(shaOf(3), pr, a) // again: no move
	history := func() []string {
		t.Helper()
		h, err := w.History(t.Context(), "Acme/WS", Ref{PR, "7"})
		if err != nil {
			t.Fatal(err)
		}
		if h.SHA != h.Current.SHA || len(h.Current.Packages) != 1 || h.Current.Repository.Path != "acme/ws" {
			t.Errorf("History = %+v, want its present commit with one package", h)
		}
		return append([]string{h.SHA}, shasOf(h.Earlier)...)
	}
	if got, want := history(), []string{shaOf(3), shaOf(2), shaOf(1)}; !slices.Equal(got, want) {
		t.Errorf("History = %v, want %v", got, want)
	}
	w.push(shaOf(2), pr, a) // a force push back
	if got, want := history(), []string{shaOf(2), shaOf(3), shaOf(1)}; !slices.Equal(got, want) {
		t.Errorf("History after a push back = %v, want %v", got, want)
	}
	w.Pass(70 * day)
	if got, want := history(), []string{shaOf(2), shaOf(3)}; !slices.Equal(got, want) {
		t.Errorf("History after the first has expired = %v, want %v", got, want)
	}
	w.Pass(70 * day)
	for _, ref := range []Ref{{PR, "7"}, {PR, "8"}, {Branch, "7"}} {
		if _, err := w.History(t.Context(), "acme/ws", ref); !errors.Is(err, fault.NotFound) {
			t.Errorf("History(%s) of what is gone = %v, want NotFound", ref, err)
		}
	}
	if _, err := w.History(t.Context(), "no repository", Ref{PR, "7"}); !errors.Is(err, fault.NotFound) {
		t.Errorf("History of no repository = %v, want NotFound", err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "x")
	for i := range maxEarlier + 5 {
		w.push(shaOf(i), []Ref{{Branch, "main"}}, a)
	}
	h, err := w.History(t.Context(), "acme/ws", Ref{Branch, "main"})
	if err != nil || len(h.Earlier) != maxEarlier || h.Earlier[0].SHA != shaOf(maxEarlier+3) {
		t.Errorf("History has %d earlier commits, %v; want the newest %d", len(h.Earlier), err, maxEarlier)
	}
}

func TestBase(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "x")
	base := func(sha string) string {
		t.Helper()
		got, err := w.Base(t.Context(), "acme/ws", sha)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	w.push(shaOf(1), []Ref{{PR, "7"}}, a)
	w.push(shaOf(2), []Ref{{PR, "7"}}, a)
	if got := base(shaOf(2)); got != shaOf(1) {
		t.Errorf("without a branch, Base = %q, want the one before in the pull request", got)
	}
	if got := base(shaOf(1)); got != "" {
		t.Errorf("Base of what no ref points at = %q, want none", got)
	}
	w.push(shaOf(3), []Ref{{Branch, "main"}}, a)
	w.push(shaOf(4), []Ref{{Branch, "main"}}, a)
	w.push(shaOf(5), []Ref{{Branch, "wip"}}, a)
	for sha, want := range map[string]string{
		shaOf(4): shaOf(3), shaOf(3): "", // main's own
		shaOf(5): shaOf(4), shaOf(2): shaOf(4), shaOf(1): shaOf(4),
	} {
		if got := base(sha); got != want {
			t.Errorf("Base(%s) = %q, want %q", sha, got, want)
		}
	}
	if _, err := w.Base(t.Context(), "acme/other", sha1a); !errors.Is(err, fault.NotFound) {
		t.Errorf("Base in an unknown repository = %v, want NotFound", err)
	}
}

func TestOverview(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	a, b := pack(t, "a", "1.0.0", "x"), pack(t, "b", "1.0.0", "y")
	if _, err := w.Overview(t.Context(), "acme/ws", 0); !errors.Is(err, fault.NotFound) {
		t.Errorf("Overview of nothing = %v, want NotFound", err)
	}
	const most = MaxOverviewCommits
	for i := range most + 2 {
		w.push(shaOf(i), []Ref{{PR, fmt.Sprint(i + 1)}}, a)
	}
	w.push(shaOf(most+2), []Ref{{Branch, "main"}, {Branch, "wip"}, {Tag, "v1"}}, a, b)
	o, err := w.Overview(t.Context(), "ACME/ws", 0)
	if err != nil {
		t.Fatal(err)
	}
	if o.Repository.String() != "https://github.com/acme/ws" || !slices.Equal(o.Owners, []string{"tester"}) || o.Default != (Ref{Branch, "main"}) {
		t.Errorf("Overview is of %s, owners %v, default %v", o.Repository, o.Owners, o.Default)
	}
	if o.Total != most+3 || len(o.Commits) != most || o.Commits[0].SHA != shaOf(most+2) || len(o.Commits[0].Packages) != 2 {
		t.Errorf("Overview has %d of %d commits, the first %+v", len(o.Commits), o.Total, o.Commits[0])
	}
	if o.RefCount[PR] != most+2 || o.Refs[PR][0].Name != fmt.Sprint(most+2) || len(o.Refs[Branch]) != 2 || o.Refs[Tag][0].SHA != shaOf(most+2) {
		t.Errorf("Overview has the refs %+v", o.Refs)
	}
	for offset, want := range map[int]int{most: 3, most + 3: 0, 1 << 40: 0, -1: most} {
		if o, err := w.Overview(t.Context(), "acme/ws", offset); err != nil || len(o.Commits) != want {
			t.Errorf("Overview from %d on has %d commits, %v; want %d", offset, len(o.Commits), err, want)
		}
	}
	refs, err := w.RefsAt(t.Context(), "acme/ws", shaOf(most+2))
	if want := []Ref{{Branch, "main"}, {Branch, "wip"}, {Tag, "v1"}}; err != nil || !slices.Equal(refs, want) {
		t.Errorf("RefsAt = %v, %v, want %v", refs, err, want)
	}
	w.Pass(91 * day)
	if o, err := w.Overview(t.Context(), "acme/ws", 0); err != nil || o.Total != 0 || len(o.Refs) != 0 {
		t.Errorf("Overview of what has expired = %+v, %v; want nothing, and no error", o, err)
	}
}

func TestCompare(t *testing.T) {
	w := newWorld(t, Options{})
	version := func(sha string) string { return "0.0.0-commit.g" + sha[:10] }
	before, after := shaOf(1), shaOf(2)
	w.push(before, nil, packFor(t, before, "gone", version(before), "1"), packFor(t, before, "same", version(before), "2"), packFor(t, before, "other", version(before), "3"))
	w.push(after, nil, packFor(t, after, "new", version(after), "1"), packFor(t, after, "same", version(after), "2"), packFor(t, after, "other", version(after), "a longer text"))
	read := func(sha string) []Package {
		c, err := w.Commit(t.Context(), sha)
		if err != nil {
			t.Fatal(err)
		}
		return c.Packages
	}
	var got []string
	for _, c := range Compare(read(before), read(after)) {
		got = append(got, fmt.Sprintf("%s %s %v", c.Name, c.Kind(), c.Growth() > 0))
	}
	if want := []string{"gone removed false", "new added true", "other changed true", "same unchanged false"}; !slices.Equal(got, want) {
		t.Errorf("Compare = %q, want %q", got, want)
	}
	if got := Of("acme/other", read(before)); len(got) != 0 {
		t.Errorf("Of another repository = %v, want none", got)
	}
}
