package commits

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// compare compares a commit of acme/ws and returns its base and what became of its packages.
func (w *world) compare(sha string, since Since) (base, branch string, kinds []string) {
	w.t.Helper()
	c, err := w.CompareSince(w.t.Context(), sha, since)
	if err != nil {
		w.t.Fatalf("CompareSince(%s, %+v): %v", sha, since, err)
	}
	for _, change := range c.Changes {
		kinds = append(kinds, string(change.Kind())+" "+change.Name)
	}
	return c.Base, c.Branch, kinds
}

func TestCompareSince(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	main, pr := []Ref{{Branch, "main"}}, []Ref{{PR, "7"}}
	a, b := pack(t, "a", "1.0.0", "x"), pack(t, "b", "1.0.0", "x")
	w.push(shaOf(1), main, a, b)
	w.push(shaOf(2), main, a, pack(t, "old", "1.0.0", "x"))
	w.push(shaOf(3), pr, pack(t, "a", "1.0.0", "y"), b)
	w.publish(shaOf(4), "acme/other", a)
	w.Pass(time.Minute)
	w.push(shaOf(5), main, a)
	absent := shaOf(9)

	for name, tt := range map[string]struct {
		sha          string
		since        Since
		base, branch string
	}{
		"the first that is here":         {shaOf(3), Since{Bases: []string{absent, shaOf(1), shaOf(2)}, Branch: "main"}, shaOf(1), ""},
		"not of another repository":      {shaOf(3), Since{Bases: []string{shaOf(4), shaOf(2)}}, shaOf(2), ""},
		"not itself":                     {shaOf(3), Since{Bases: []string{shaOf(3), shaOf(1)}}, shaOf(1), ""},
		"by a prefix of several":         {shaOf(3), Since{Bases: []string{shaOf(1)[:30], shaOf(2)}}, shaOf(2), ""},
		"whatever the case":              {shaOf(3), Since{Repository: "Acme/WS", Bases: []string{strings.ToUpper(shaOf(1))}}, shaOf(1), ""},
		"the branch as it was":           {shaOf(3), Since{Bases: []string{absent}, Branch: "main"}, shaOf(2), "main"},
		"of the branch, what was before": {shaOf(2), Since{Branch: "main"}, shaOf(1), "main"},
		"of the branch, the first":       {shaOf(1), Since{Branch: "main"}, "", ""},
		"of the branch, the newest":      {shaOf(5), Since{Branch: "main"}, shaOf(2), "main"},
		"a branch that is not here":      {shaOf(3), Since{Branch: "none"}, "", ""},
		"nothing asked for":              {shaOf(3), Since{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			base, branch, kinds := w.compare(tt.sha, tt.since)
			if base != tt.base || branch != tt.branch || len(kinds) == 0 {
				t.Errorf("base %q of branch %q (%v), want %q of %q", base, branch, kinds, tt.base, tt.branch)
			}
		})
	}
	w.t = t
	if _, _, kinds := w.compare(shaOf(3), Since{Bases: []string{shaOf(2)}}); !slices.Equal(kinds, []string{"changed a", "added b", "removed old"}) {
		t.Errorf("since %s: %v", shaOf(2), kinds)
	}
	w.Pass(90 * day)
	w.push(shaOf(6), main, a)
	if base, _, _ := w.compare(shaOf(6), Since{Bases: []string{shaOf(5)}, Branch: "main"}); base != "" {
		t.Errorf("base %s has expired", base)
	}
}

// TestCompareSinceRefuses: what is asked for wrongly is said, and no packages of another repository are shown.
func TestCompareSinceRefuses(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "x")
	w.push(shaOf(1), nil, a)
	for name, tt := range map[string]struct {
		sha   string
		since Since
		want  error
	}{
		"an unknown commit":        {shaOf(2), Since{}, fault.NotFound},
		"no commit":                {"main", Since{}, fault.Invalid},
		"another repository":       {shaOf(1), Since{Repository: "acme/other"}, fault.NotFound},
		"no repository":            {shaOf(1), Since{Repository: "../../x\n"}, fault.NotFound},
		"a base that is none":      {shaOf(1), Since{Bases: []string{"../x"}}, fault.Invalid},
		"too many bases":           {shaOf(1), Since{Bases: make([]string, maxBases+1)}, fault.Invalid},
		"a branch that is no name": {shaOf(1), Since{Branch: "a\nb"}, fault.Invalid},
	} {
		if c, err := w.CompareSince(t.Context(), tt.sha, tt.since); !errors.Is(err, tt.want) {
			t.Errorf("%s: CompareSince = %+v, %v, want %v", name, c, err, tt.want)
		}
	}
	w.publish(shaOf(1), "acme/other", pack(t, "b", "1.0.0", "x"))
	if _, err := w.CompareSince(t.Context(), shaOf(1), Since{}); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "acme/other, acme/ws") {
		t.Errorf("of two repositories: %v", err)
	}
	if c, err := w.CompareSince(t.Context(), shaOf(1), Since{Repository: "acme/other"}); err != nil || len(c.Changes) != 1 {
		t.Errorf("of one of two repositories: %+v, %v", c, err)
	}
}
