package parity

import (
	_ "embed"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

//go:embed testdata/packages.txt
var packages string

// specs are the lines of a list that are no comments.
func specs(list string) []string {
	var out []string
	for line := range strings.Lines(list) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

func findNPM(t *testing.T) *NPM {
	t.Helper()
	npm, err := FindNPM(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return npm
}

// TestPublished packs packages of the public registry.
func TestPublished(t *testing.T) {
	t.Parallel()
	npm := findNPM(t)
	list := specs(packages)
	if len(list) < 40 {
		t.Fatalf("%d packages, want at least 40", len(list))
	}
	compare(t, npm, published(t, npm, list))
}

// TestLibrariesAreCommand checks that what we compare with, npm's libraries in
// one process, makes the same entries as the command.
func TestLibrariesAreCommand(t *testing.T) {
	t.Parallel()
	npm := findNPM(t)
	for _, tree := range published(t, npm, []string{
		"@aws-cdk/cloud-assembly-schema@38.0.1", "avalon2@2.2.10", "http-server@0.9.0", "JSONStream@1.3.5", "adm-zip@0.4.7",
	}) {
		scratch := t.TempDir()
		byLibraries := job{Dir: tree.Dir, Out: filepath.Join(scratch, "npm.tar"), Prefix: tree.Dir}
		if err := npm.pack(t.Context(), []job{byLibraries}); err != nil {
			t.Fatal(err)
		}
		want, err := ReadFile(byLibraries.Out, false)
		if err != nil {
			t.Fatal(err)
		}
		archive, err := npm.PackCLI(t.Context(), tree.Dir, scratch)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(archive, true)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the command's entries differ from the libraries'", tree.Name)
		}
	}
}

// published lays out packages of the public registry.
func published(t *testing.T, npm *NPM, list []string) []Tree {
	t.Helper()
	cache, err := NewCache(npm, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range cache.Fetch(t.Context(), list) {
		t.Error(err)
	}
	top := t.TempDir()
	var trees []Tree
	for i, spec := range list {
		tree := Tree{Name: spec, Dir: filepath.Join(top, strconv.Itoa(i))}
		if err := Unpack(cache.Path(spec), tree.Dir); err != nil {
			t.Error(err)
			continue
		}
		trees = append(trees, tree)
	}
	return trees
}

// compare fails for each tree that we pack otherwise than npm.
func compare(t *testing.T, npm *NPM, trees []Tree) {
	t.Helper()
	results, err := Compare(t.Context(), npm, trees, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Name, r.Err)
		}
		if len(r.Differences) > 0 {
			t.Errorf("%s:\n\t%s", r.Name, strings.Join(r.Differences, "\n\t"))
		}
		if r.Files == 0 {
			t.Errorf("%s: npm packed nothing", r.Name)
		}
	}
}
