package search

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func (w *world) recent(limit int) string {
	w.t.Helper()
	all, err := w.Recent(w.t.Context(), limit)
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, d := range all {
		ids = append(ids, d.id())
	}
	return strings.Join(ids, " ")
}

func changedAt(id string, ago time.Duration) Document {
	d := pkg(id)
	d.Modified = testTime.Add(-ago)
	return d
}

// Whatever the kind, what was changed last comes first.
func TestRecent(t *testing.T) {
	const day = 24 * time.Hour
	w := newWorld(t, Options{},
		changedAt("npm/old", 3000*day), changedAt("npm/hour", time.Hour), changedAt("zig/minute", time.Minute),
		changedAt("lumen/@a/week", 6*day), changedAt("commit/o/month", 20*day), changedAt("npm/yesterday", 30*time.Hour))
	const all = "zig/minute npm/hour npm/yesterday lumen/@a/week commit/o/month npm/old"
	for limit, want := range map[int]string{0: "", 1: "zig/minute", 2: "zig/minute npm/hour", 3: "zig/minute npm/hour npm/yesterday", 9: all} {
		if got := w.recent(limit); got != want {
			t.Errorf("Recent(%d) = %s, want %s", limit, got, want)
		}
	}
}

// Very many changes of one day hide none of a later one.
func TestRecentOfMany(t *testing.T) {
	all := []Document{changedAt("npm/today", time.Minute)}
	for i := range 2*maxRecent + 10 {
		all = append(all, changedAt(fmt.Sprintf("npm/before-%d", i), 3*24*time.Hour))
	}
	w := newWorld(t, Options{}, all...)
	if got := w.recent(5); !strings.HasPrefix(got, "npm/today npm/before-") || strings.Count(got, " ") != 4 {
		t.Errorf("Recent = %s", got)
	}
}

func TestRecentOfNothing(t *testing.T) {
	if got := newWorld(t, Options{}).recent(5); got != "" {
		t.Errorf("Recent = %s", got)
	}
}
