package lumentree_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/lumentree"
)

func codes(v lumentree.Verification) []string {
	found := map[string]bool{}
	for _, p := range v.Problems {
		found[p.Code] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// edit changes a text in the file of a tree.
func edit(t *testing.T, dir, path, old, text string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil || !bytes.Contains(b, []byte(old)) {
		t.Fatalf("%s has no %q: %s %v", path, old, b, err)
	}
	write(t, dir, map[string]string{path: strings.ReplaceAll(string(b), old, text)})
}

func artifactOf(t *testing.T, dir, name, version string) lumen.Artifact {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, lumen.MetadataPath(name, version)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := lumen.DecodeMetadata(text)
	if err != nil {
		t.Fatal(err)
	}
	return m.Artifacts[0]
}

const httpIndex = "packages/@acme/http/index.json"

// What is at another address than a registry's root is no sound registry without packages.
func TestVerifyElsewhere(t *testing.T) {
	for text, refused := range map[string]bool{`{"name":"index.json","dist-tags":{},"versions":{}}`: true, `{"packages":[]}`: false} {
		dir := t.TempDir()
		write(t, dir, map[string]string{"index.json": text})
		_, err := lumentree.Verify(t.Context(), source(t, dir), lumentree.VerifyOptions{Now: clock})
		if errors.Is(err, fault.NotFound) != refused {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Each thing that can be wrong with a signed tree is found.
func TestTampered(t *testing.T) {
	tree := signedTree(t)
	file := func(name, version string) string { return artifactOf(t, tree, name, version).URL }
	copyFile := func(t *testing.T, dir, from, to string) {
		text, err := os.ReadFile(filepath.Join(dir, from))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, map[string]string{to: string(text)})
	}
	remove := func(path string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		want   []string
	}{
		"an artifact has other bytes": {func(t *testing.T, dir string) { edit(t, dir, file("@acme/http", "1.0.0"), "one", "two") }, []string{"hash"}},
		"an artifact is longer": {func(t *testing.T, dir string) {
			edit(t, dir, file("@acme/http", "1.0.0"), "one", "one and more")
		}, []string{"hash"}},
		"an artifact is gone":  {remove(file("@acme/http", "1.0.0")), []string{"missing"}},
		"an artifact is empty": {func(t *testing.T, dir string) { write(t, dir, map[string]string{file("@acme/http", "1.0.0"): ""}) }, []string{"hash"}},
		"metadata with another artifact": {func(t *testing.T, dir string) {
			copyFile(t, dir, "packages/@acme/http/1.1.0.json", "packages/@acme/http/1.0.0.json")
			edit(t, dir, "packages/@acme/http/1.0.0.json", "1.1.0", "1.0.0")
		}, []string{"manifest", "signature"}},
		"metadata of another version": {func(t *testing.T, dir string) {
			copyFile(t, dir, "packages/@acme/http/1.0.0.json", "packages/@acme/http/1.1.0.json")
		}, []string{"index"}},
		"a dependency added": {func(t *testing.T, dir string) {
			edit(t, dir, "packages/@acme/uri/0.1.0.json", `"deps": {`, `"deps": {"@evil/pkg": "*",`)
		}, []string{"manifest", "signature"}},
		"an optional dependency added": {func(t *testing.T, dir string) {
			edit(t, dir, "packages/@acme/uri/0.1.0.json", `"deps": {`, `"optional_deps": {"tls": ["@evil/pkg@*"]}, "deps": {`)
		}, []string{"manifest", "signature"}},
		"somebody else published it": {func(t *testing.T, dir string) {
			edit(t, dir, "packages/@acme/uri/0.1.0.json", `"deps": {`, `"publisher": {"name": "mallory", "verified": true}, "deps": {`)
		}, []string{"signature"}},
		"a run that did not make it": {func(t *testing.T, dir string) {
			edit(t, dir, "packages/@acme/uri/0.1.0.json", `"deps": {`, `"provenance": {"repository": "acme/uri"}, "deps": {`)
		}, []string{"signature"}},
		"a time moved": {func(t *testing.T, dir string) {
			edit(t, dir, "packages/@acme/uri/0.1.0.json", "2026-03-04", "2025-03-04")
		}, []string{"signature"}},
		"a signature is gone": {remove("signatures/@acme/http/1.0.0.sig.json"), []string{"signature"}},
		"a signature of a sibling": {func(t *testing.T, dir string) {
			copyFile(t, dir, "signatures/@acme/http/1.1.0.sig.json", "signatures/@acme/http/1.0.0.sig.json")
		}, []string{"signature"}},
		"the keys are gone":           {remove("keys.json"), []string{"missing", "signature"}},
		"the checkpoint is gone":      {remove("checkpoint.json"), []string{"missing"}},
		"a version is gone":           {remove("packages/@acme/http/1.0.0.json"), []string{"missing"}},
		"a package index is gone":     {remove(httpIndex), []string{"checkpoint", "missing"}},
		"a version is left out":       {func(t *testing.T, dir string) { edit(t, dir, httpIndex, `"1.0.0",`, "") }, []string{"checkpoint"}},
		"a version is yanked":         {func(t *testing.T, dir string) { edit(t, dir, httpIndex, `"yanked": {`, `"yanked": {"1.0.0":""`) }, []string{"checkpoint", "index"}},
		"a yank of what is not there": {func(t *testing.T, dir string) { edit(t, dir, httpIndex, `"yanked": {`, `"yanked": {"9.0.0":""`) }, []string{"checkpoint", "index"}},
		"a package is left out": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"index.json": `{"name":"registry","version":"1.0.0","packages":[{"name":"@acme/uri"}]}`})
		}, []string{"checkpoint"}},
		"a package is there twice": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"index.json": `{"name":"registry","version":"1.0.0","packages":[{"name":"@acme/uri"},{"name":"@acme/http"},{"name":"@acme/uri"}]}`})
		}, []string{"index"}},
		"a package with a hostile name": {func(t *testing.T, dir string) {
			edit(t, dir, "index.json", `"name": "@acme/uri"`, `"name": "../../etc"`)
		}, []string{"checkpoint", "index"}},
		"another latest version": {func(t *testing.T, dir string) { edit(t, dir, "index.json", `"latest": "1.1.0"`, `"latest": "1.0.0"`) }, []string{"index"}},
		"no JSON":                {func(t *testing.T, dir string) { write(t, dir, map[string]string{httpIndex: "<html>"}) }, []string{"checkpoint", "unreadable"}},
		"the keys are no JSON":   {func(t *testing.T, dir string) { write(t, dir, map[string]string{"keys.json": "[]"}) }, []string{"missing", "signature", "unreadable"}},
		"other keys": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"keys.json": string(lumen.Encode(lumen.Keys{Keys: []lumen.Key{lumen.PublicKey(otherKey.Public().(ed25519.PublicKey))}}))})
		}, []string{"signature"}},
		"a key is revoked": {func(t *testing.T, dir string) {
			edit(t, dir, "keys.json", `"algorithm"`, `"revoked": true, "algorithm"`)
		}, []string{"signature"}},
		"an empty journal": {func(t *testing.T, dir string) { write(t, dir, map[string]string{lumentree.JournalPath: "{}"}) }, []string{"checkpoint"}},
		"a journal that nobody signed": {func(t *testing.T, dir string) {
			edit(t, dir, httpIndex, `"1.0.0",`, "")
			text, err := os.ReadFile(filepath.Join(dir, httpIndex))
			if err != nil {
				t.Fatal(err)
			}
			uri, err := os.ReadFile(filepath.Join(dir, "packages/@acme/uri/index.json"))
			if err != nil {
				t.Fatal(err)
			}
			j, err := json.Marshal(map[string]any{"snapshots": []any{map[string]any{"indexes": map[string]any{"@acme/http": digest.Of(text), "@acme/uri": digest.Of(uri)}}}})
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, map[string]string{lumentree.JournalPath: string(j)})
		}, []string{"checkpoint"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := clone(t, tree)
			c.change(t, dir)
			if v := verify(t, dir, lumentree.VerifyOptions{}); !slices.Equal(codes(v), c.want) {
				t.Errorf("found %v, want the codes %v", v.Problems, c.want)
			}
		})
	}
}

// An old tree is not taken for the present one: neither for long, nor in pieces, nor by the journal of an export.
func TestStale(t *testing.T) {
	old := signedTree(t)
	newer := clone(t, old)
	publish(t, newer, key, pack(t, "@acme/http", "2.0.0", "new"))
	restore := func(dir string, paths ...string) {
		t.Helper()
		for _, path := range paths {
			text, err := os.ReadFile(filepath.Join(old, path))
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, map[string]string{path: string(text)})
		}
	}
	v, err := lumentree.Verify(t.Context(), source(t, old), lumentree.VerifyOptions{Now: func() time.Time { return now.Add(365 * 24 * time.Hour) }})
	if err != nil || !slices.Equal(codes(v), []string{"stale"}) {
		t.Errorf("a year later: %v, %v", v.Problems, err)
	}
	piece := clone(t, newer)
	restore(piece, httpIndex, "index.json")
	if v := verify(t, piece, lumentree.VerifyOptions{}); !slices.Contains(codes(v), "checkpoint") {
		t.Errorf("an old index of a package: %v", v.Problems)
	}
	// A journal of an export from the old tree to the newer one, kept and shown when that has ended.
	to := t.TempDir()
	export(t, old, to, lumentree.Options{})
	kept := ""
	for n := 0; kept == ""; n++ {
		killed := clone(t, to)
		exportUntil(t, newer, killed, n)
		if text, err := os.ReadFile(filepath.Join(killed, lumentree.JournalPath)); err == nil {
			kept = string(text)
		}
	}
	replayed := clone(t, newer)
	write(t, replayed, map[string]string{lumentree.JournalPath: kept})
	if v := sound(t, replayed); !v.UnderWay {
		t.Error("the journal is not seen")
	}
	hidden := clone(t, replayed)
	write(t, hidden, map[string]string{"index.json": `{"name":"registry","version":"1.0.0","packages":[{"name":"@acme/uri"}]}`})
	if v := verify(t, hidden, lumentree.VerifyOptions{}); !slices.Equal(codes(v), []string{"checkpoint"}) {
		t.Errorf("a package that is hidden behind the journal: %v", v.Problems)
	}
	restore(replayed, httpIndex, "index.json")
	if v := verify(t, replayed, lumentree.VerifyOptions{}); !slices.Equal(codes(v), []string{"checkpoint"}) {
		t.Errorf("an old index of a package with the journal: %v", v.Problems)
	}
}

func TestPinnedKeys(t *testing.T) {
	dir := signedTree(t)
	ours, theirs := lumen.PublicKey(key.Public().(ed25519.PublicKey)), lumen.PublicKey(otherKey.Public().(ed25519.PublicKey))
	if v := verify(t, dir, lumentree.VerifyOptions{Keys: []lumen.Key{ours}}); len(v.Problems) > 0 || v.Signed != 3 {
		t.Errorf("the right key: %v", v.Problems)
	}
	if v := verify(t, dir, lumentree.VerifyOptions{Keys: []lumen.Key{theirs}}); !slices.Equal(codes(v), []string{"key", "signature"}) || v.Signed != 0 {
		t.Errorf("another key: %v", v.Problems)
	}
	revoked := ours
	revoked.Revoked = true
	if v := verify(t, dir, lumentree.VerifyOptions{Keys: []lumen.Key{revoked}}); v.Signed != 0 || len(v.Problems) == 0 {
		t.Errorf("a revoked key: %v", v.Problems)
	}
	// Who strips the signatures gets past those who pinned nothing, and past nobody else.
	for _, path := range []string{"keys.json", "checkpoint.json", "signatures"} {
		if err := os.RemoveAll(filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
	}
	if v := verify(t, dir, lumentree.VerifyOptions{}); len(v.Problems) > 0 || !strings.Contains(strings.Join(v.Notes, ""), "nobody signed this tree") {
		t.Errorf("an unsigned tree: %v, %v", v.Problems, v.Notes)
	}
	if v := verify(t, dir, lumentree.VerifyOptions{Keys: []lumen.Key{ours}}); !slices.Equal(codes(v), []string{"missing", "signature"}) {
		t.Errorf("an unsigned tree where there was a signed one: %v", v.Problems)
	}
	// The same tree, signed by somebody else.
	forged := t.TempDir()
	publish(t, forged, otherKey, pack(t, "@acme/http", "1.0.0", "evil"))
	if v := verify(t, forged, lumentree.VerifyOptions{Keys: []lumen.Key{ours}}); !slices.Equal(codes(v), []string{"key", "signature"}) {
		t.Errorf("somebody else's tree: %v", v.Problems)
	}
}

// A registry is read over HTTP as from disk, also while it changes.
func TestVerifySite(t *testing.T) {
	dir := signedTree(t)
	next, published := pack(t, "@acme/http", "1.2.0", "later"), false
	files := http.FileServer(http.Dir(dir))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/lumen/keys.json" && !published {
			publish(t, dir, key, next)
			published = true
		}
		http.StripPrefix("/lumen", files).ServeHTTP(w, r)
	}))
	defer srv.Close()
	open := func(token string) *lumentree.Site {
		s, err := lumentree.OpenSite(srv.URL+"/lumen/", token)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	v, err := lumentree.Verify(t.Context(), open("secret"), lumentree.VerifyOptions{Now: clock})
	if err != nil || len(v.Problems) > 0 || v.Versions != 4 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := lumentree.Verify(t.Context(), open(""), lumentree.VerifyOptions{}); !errors.Is(err, fault.Forbidden) {
		t.Errorf("without a token: %v", err)
	}
	srv.Close()
	if _, err := lumentree.Verify(t.Context(), open("secret"), lumentree.VerifyOptions{}); !errors.Is(err, fault.Upstream) {
		t.Errorf("without a server: %v", err)
	}
	for _, url := range []string{"", "ftp://x/", "http://", "http://user:pw@x/", "http://x/?a", "x"} {
		if _, err := lumentree.OpenSite(url, ""); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q is a registry: %v", url, err)
		}
	}
}

// Nothing that a tree refers to is read outside of it.
func TestVerifyStaysInside(t *testing.T) {
	dir := t.TempDir()
	publish(t, dir, nil, pack(t, "@acme/http", "1.0.0", "one"))
	artifact := artifactOf(t, dir, "@acme/http", "1.0.0")
	for url, want := range map[string][]string{"http://192.0.2.1/x.tar": nil, "../../../etc/passwd": {"unreadable"}, "/../x": {"unreadable"}} {
		dir := clone(t, dir)
		edit(t, dir, "packages/@acme/http/1.0.0.json", artifact.URL, url)
		v := verify(t, dir, lumentree.VerifyOptions{})
		if noted := strings.Contains(strings.Join(v.Notes, "\n"), "outside of the tree"); !slices.Equal(codes(v), want) || noted != (want == nil) || v.Artifacts != 0 {
			t.Errorf("%s: %+v", url, v)
		}
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := errors.Join(os.WriteFile(secret, []byte("x"), 0o600), os.Remove(filepath.Join(dir, artifact.URL)), os.Symlink(secret, filepath.Join(dir, artifact.URL))); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, dir, lumentree.VerifyOptions{}); !slices.Equal(codes(v), []string{"unreadable"}) {
		t.Errorf("a link out of the tree: %v", v.Problems)
	}
	if _, err := lumentree.Verify(t.Context(), source(t, t.TempDir()), lumentree.VerifyOptions{}); !errors.Is(err, fault.NotFound) {
		t.Errorf("an empty folder: %v", err)
	}
}

// The guide's example, with archives that its commands make.
func TestVerifyGuideTree(t *testing.T) {
	v := verify(t, guideTree(t, false), lumentree.VerifyOptions{})
	if diff := cmp.Diff([]string{}, codes(v), cmp.Transformer("none", func(s []string) []string { return append([]string{}, s...) })); diff != "" || v.Versions != 2 {
		t.Errorf("plain archives: %v", v.Problems)
	}
	if v := verify(t, guideTree(t, true), lumentree.VerifyOptions{}); !slices.Equal(codes(v), []string{"archive"}) {
		t.Errorf("archives made with tar -z: %v", v.Problems)
	}
}
