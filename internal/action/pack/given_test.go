package pack_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/format/npm"
)

// given takes one tarball.
func given(t *testing.T, path, commit string) (*pack.Package, error) {
	t.Helper()
	packages, err := pack.Tarballs(t.Context(), []string{path}, commit)
	if err != nil {
		return nil, err
	}
	return packages[0], nil
}

// Tarballs that were packed in another job are sent, compared and told as if they had been packed in this one.
func TestTarballsOfOurs(t *testing.T) {
	t.Parallel()
	const commit = "a832a551de9c0ffee00112233445566778899aab"
	const files = `
-- package.json --
{ "private": true, "workspaces": ["a", "b", "c", "d"] }
-- a/package.json --
{ "name": "@s/a", "version": "1.0.0", "dependencies": { "b": "*", "left-pad": "1" },
  "peerDependencies": { "c": "^3.0.0", "d": "*" }, "peerDependenciesMeta": { "d": { "optional": true } } }
-- a/index.js --
module.exports = 1
-- b/package.json --
{ "name": "b", "version": "2.0.0" }
-- c/package.json --
{ "name": "c", "version": "3.0.0" }
-- d/package.json --
{ "name": "d", "version": "4.0.0" }
`
	for name, pin := range map[string]func(name, version string) string{
		"by version": func(_, version string) string { return version },
		"by URL":     func(name, _ string) string { return "https://r.test/sub/commits/" + commit + "/" + name + "/tarball" },
	} {
		packed := mustRun(t, inline(t, files), pack.Options{Commit: commit, Version: npm.PreviewVersion(commit), Pin: pin})
		var paths []string
		for _, p := range packed {
			paths = append(paths, filepath.Join(t.TempDir(), p.Filename()))
			if err := p.Save(paths[len(paths)-1]); err != nil {
				t.Fatal(err)
			}
		}
		got, err := pack.Tarballs(t.Context(), paths, commit)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range got {
			want := packed[i]
			if !p.Split() || p.Recipe != want.Recipe || p.Sums != want.Sums || !p.Recipe.Holes || p.ByURL != want.ByURL {
				t.Errorf("%s: %s is %+v, want %+v", name, p.Name, p, want)
			}
			if diff := cmp.Diff(want.Siblings, p.Siblings); diff != "" {
				t.Errorf("%s: siblings of %s (-want +got):\n%s", name, p.Name, diff)
			}
			if diff := cmp.Diff(body(t, want), body(t, p)); diff != "" {
				t.Errorf("%s: the body of %s differs", name, p.Name)
			}
		}
		if !slices.Equal(got[0].Siblings, []string{"b", "c"}) || got[0].ByURL != (name == "by URL") {
			t.Errorf("%s: @s/a needs %q, by URL: %v", name, got[0].Siblings, got[0].ByURL)
		}
		// Of another commit it is a tarball like any other.
		if other, err := given(t, paths[0], strings.Repeat("b", 40)); err != nil || other.Recipe.Holes {
			t.Errorf("%s: for another commit: %+v, %v", name, other, err)
		}
	}
}

func body(t *testing.T, p *pack.Package) string {
	t.Helper()
	r, err := p.OpenBody()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What begins as one of ours need not be one to its end: it stays whole, and its bytes are what is published.
func TestTarballsThatOnlyBeginAsOurs(t *testing.T) {
	t.Parallel()
	const manifest = `{ "name": "a", "version": "1.0.0", "description": "what a body can refer back to" }`
	p := mustRun(t, inline(t, "-- package.json --\n"+manifest+"\n-- index.js --\nmodule.exports = "+manifest+"\n"), pack.Options{})[0]
	path := filepath.Join(t.TempDir(), "a.tgz")
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gz, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	const headSize = 1024 // of the entry of package.json
	var leaning bytes.Buffer
	leaning.Write(whole[:len(p.Recipe.Header())+int(p.Recipe.Head.Size)])
	deflate, err := flate.NewWriterDict(&leaning, flate.BestCompression, raw[:headSize])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deflate.Write(raw[headSize:]); err != nil || deflate.Close() != nil {
		t.Fatal(err)
	}
	leaning.Write(p.Recipe.Trailer())
	var another bytes.Buffer
	zip := gzip.NewWriter(&another)
	if _, err := zip.Write(raw); err != nil || zip.Close() != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"a body that leans on the head": leaning.Bytes(), "another program's": another.Bytes()} {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := given(t, path, "")
		if err != nil || got.Split() || got.Sums == p.Sums || len(unpack(t, got)) != 2 {
			t.Errorf("%s: %+v, %v; want it whole", name, got, err)
		}
	}
}
