package zig

import (
	"errors"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

// TestFiles takes the named files that .paths include and that are there, and nothing else of the folder.
func TestFiles(t *testing.T) {
	root := folderOf(t, map[string]string{
		"build.zig.zon": zon(`.paths = .{"build.zig.zon", "build.zig", "src"},`), "build.zig": "", "src/a.zig": "x", "src/l": "-> a.zig",
		"src/.env": "secret", "README": "left out", "zig-out/x": "",
	})
	named := []string{"README", "build.zig", "build.zig.zon", "src/a.zig", "src/gone.zig", "src/l", "zig-out/x", "../x", "/etc/passwd", "", "src//a.zig"}
	tree, err := OpenFiles(t.Context(), root, named, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(tree.Entries), "build.zig build.zig.zon src/a.zig src/l"; got != want || tree.Format != "folder" {
		t.Errorf("entries = %s of a %s, want %s", got, tree.Format, want)
	}
	got, err := tree.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := OpenFolder(t.Context(), root, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if other, err := all.Inspect(t.Context()); err != nil || other.Hashes == got.Hashes {
		t.Errorf("the folder with a file more has the hashes %+v, %v; want others", other.Hashes, err)
	}
	if _, err := OpenFiles(t.Context(), root, named, Limits{Entries: 2}); !errors.Is(err, fault.TooLarge) {
		t.Errorf("with a limit of 2 entries: %v, want fault.TooLarge", err)
	}
}
