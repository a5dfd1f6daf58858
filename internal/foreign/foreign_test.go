package foreign_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/foreign"
)

func TestSort(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	list := []foreign.Version{
		{Version: "1.0.0", PublishedAt: day.Add(time.Hour)}, {Version: "1.0.0-beta.10"}, {Version: "1.0.0-beta.9"}, {Version: "0.9.0", PublishedAt: day}, {Version: "no version"},
	}
	foreign.Sort(list)
	var got []string
	for _, v := range list {
		got = append(got, v.Version)
	}
	if diff := cmp.Diff([]string{"no version", "1.0.0-beta.9", "1.0.0-beta.10", "0.9.0", "1.0.0"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestTagsOf(t *testing.T) {
	got := foreign.TagsOf(map[string]string{"latest": "2.0.0", "beta": "3.0.0", "a": "2.0.0"})
	if diff := cmp.Diff(map[string][]string{"2.0.0": {"a", "latest"}, "3.0.0": {"beta"}}, got); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}
