package lumentree_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/lumentree"
)

// guideTree is the tree of the hosting guide, made as it says: by hand, with archives of "tar -C my-utils .".
func guideTree(t *testing.T, gzipped bool) string {
	t.Helper()
	files := map[string]string{
		"index.json": `{
  "name": "my-lumen-registry",
  "version": "1.0.0",
  "updated_at": "2024-01-15T10:30:00Z",
  "package_count": 1,
  "homepage": "https://example.com",
  "packages": [
    {"name": "my-utils", "latest": "1.0.0", "description": "Utility functions", "stars": 7}
  ]
}`,
		"packages/my-utils/index.json": `{
  "name": "my-utils",
  "versions": ["0.1.0", "1.0.0"],
  "latest": "1.0.0",
  "yanked": {},
  "prereleases": [],
  "description": "Utility functions",
  "maintainer": "ann",
  "categories": ["utilities"]
}`,
	}
	for _, version := range []string{"0.1.0", "1.0.0"} {
		archive := handMade(t, "my-utils", version, gzipped)
		sum := digest.Of([]byte(archive))
		path := "artifacts/sha256/" + sum.Hex()[:2] + "/" + sum.Hex()[2:] + ".tar"
		files[path] = archive
		files["packages/my-utils/"+version+".json"] = fmt.Sprintf(`{"name": "my-utils", "version": %q, "deps": {"@org/http": "^1.0.0"},
  "artifacts": [{"kind": "tar", "url": %q, "hash": %q, "size": %d}], "license": "MIT", "description": "Utility functions"}`, version, path, sum, len(archive))
	}
	dir := t.TempDir()
	write(t, dir, files)
	return dir
}

func handMade(t *testing.T, name, version string, gzipped bool) string {
	t.Helper()
	var b bytes.Buffer
	var out io.WriteCloser = struct {
		io.Writer
		io.Closer
	}{&b, io.NopCloser(nil)}
	if gzipped {
		out = gzip.NewWriter(&b)
	}
	w := tar.NewWriter(out)
	manifest := fmt.Sprintf("[package]\nname = %q\nversion = %q\n[dependencies]\n\"@org/http\" = \"^1.0.0\"\n", name, version)
	for _, f := range []struct{ name, text string }{{"./", ""}, {"./lumen.toml", manifest}, {"./src/", ""}, {"./src/main.lm", "cell main()\n"}} {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if gzipped {
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func readObject(t *testing.T, dir, path string) (m map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, path))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A publish into a tree that was made by hand keeps what its maker wrote.
func TestPublishKeepsHandMade(t *testing.T) {
	dir := guideTree(t, false)
	publish(t, dir, nil, pack(t, "my-utils", "0.9.0", "between"), pack(t, "@acme/new", "1.0.0-beta.1", "new"))
	x := readObject(t, dir, "packages/my-utils/index.json")
	want := map[string]any{
		"name": "my-utils", "versions": []any{"0.1.0", "0.9.0", "1.0.0"}, "latest": "1.0.0", "yanked": map[string]any{}, "prereleases": []any{},
		"description": "Utility functions", "maintainer": "ann", "categories": []any{"utilities"},
	}
	if diff := cmp.Diff(want, x); diff != "" {
		t.Errorf("the package's index (-want +got): %s", diff)
	}
	global := readObject(t, dir, "index.json")
	packages := global["packages"].([]any)
	utils := packages[1].(map[string]any)
	if global["homepage"] != "https://example.com" || global["name"] != "my-lumen-registry" || global["package_count"] != 2.0 || utils["stars"] != 7.0 || utils["latest"] != "1.0.0" {
		t.Errorf("index.json: %v", global)
	}
	if v := sound(t, dir); v.Versions != 4 {
		t.Errorf("versions: %+v", v)
	}
}

func TestPublishAgain(t *testing.T) {
	dir := t.TempDir()
	publish(t, dir, nil, pack(t, "@acme/http", "1.0.0", "one"))
	before, err := contents(dir)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := tryPublish(t, dir, nil, pack(t, "@acme/http", "1.0.0", "one")); err != nil || !out.Unchanged {
		t.Errorf("the same bytes: %+v, %v", out, err)
	}
	if _, err := tryPublish(t, dir, nil, pack(t, "@acme/http", "1.0.0", "other")); !errors.Is(err, fault.Exists) {
		t.Errorf("other bytes: %v", err)
	}
	after, err := contents(dir)
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("the tree changed: %s, %v", diff, err)
	}
}

// What would break a tree is refused.
func TestPublishRefuses(t *testing.T) {
	next := pack(t, "@acme/http", "9.0.0", "next")
	signed := signedTree(t)
	if _, err := tryPublish(t, signed, nil, next); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "--key") {
		t.Errorf("without the key of a signed tree: %v", err)
	}
	exported := t.TempDir()
	export(t, signed, exported, lumentree.Options{})
	if _, err := tryPublish(t, exported, key, next); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "publish to the server") {
		t.Errorf("into an export: %v", err)
	}
	broken := t.TempDir()
	write(t, broken, map[string]string{"index.json": "{"})
	if _, err := tryPublish(t, broken, nil, next); !errors.Is(err, fault.Invalid) {
		t.Errorf("into a broken tree: %v", err)
	}
}

// Where file names don't tell case apart, one version would take the other's place; a server refuses the same.
func TestPublishRefusesTwins(t *testing.T) {
	dir := t.TempDir()
	publish(t, dir, nil, pack(t, "@acme/http", "1.0.0-rc.1", "one"))
	hand := `{"name":"x","version":"1.0.0","packages":[{"name":"@acme/http","latest":"1.0.0-rc.1"},{"name":"@Acme/Log"}]}`
	write(t, dir, map[string]string{"index.json": hand})
	for name, p := range map[string]lumentree.Package{
		"in upper and lower case":   pack(t, "@acme/http", "1.0.0-RC.1", "two"),
		"in build metadata only":    pack(t, "@acme/http", "1.0.0-rc.1+linux", "two"),
		"the package \"@Acme/Log\"": pack(t, "@acme/log", "1.0.0", "two"),
	} {
		if _, err := tryPublish(t, dir, nil, p); !errors.Is(err, fault.Exists) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s %s: %v, want %s", p.Manifest.Name, p.Manifest.Version, err, name)
		}
	}
	if tree, err := contents(dir); err != nil || tree["index.json"] != hand {
		t.Errorf("index.json was changed: %s, %v", tree["index.json"], err)
	}
	publish(t, dir, nil, pack(t, "@acme/http", "1.0.0", "three"))
}

// Publishes at once don't lose each other's entries.
func TestPublishAtOnce(t *testing.T) {
	dir := t.TempDir()
	const n = 8
	var packages []lumentree.Package
	for i := range n {
		packages = append(packages, pack(t, "@acme/http", fmt.Sprintf("1.%d.0", i), "x"))
	}
	failed := make(chan error, n)
	for _, p := range packages {
		go func() {
			d, err := lumentree.OpenDisk(t.Context(), dir)
			if err == nil {
				_, err = lumentree.Publish(t.Context(), d, p, lumentree.PublishOptions{Key: key, Now: clock})
				err = errors.Join(err, d.Close())
			}
			failed <- err
		}()
	}
	for range n {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if v := sound(t, dir); v.Versions != n || v.Sequence != n {
		t.Errorf("%+v", v)
	}
}

// A publish that was killed at any moment is ended by the same one, or left behind by another one: no package is lost, nothing is
// listed that is not there, and both are whole.
func TestPublishKilledAnywhere(t *testing.T) {
	for name, signer := range map[string]ed25519.PrivateKey{"signed": key, "unsigned": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := t.TempDir()
			publish(t, start, signer, pack(t, "@acme/http", "1.0.0", "one"))
			for _, killed := range []lumentree.Package{pack(t, "@acme/http", "2.0.0", "two"), pack(t, "@acme/new", "1.0.0", "new")} {
				next := pack(t, "@acme/other", "1.0.0", "other")
				for n := 0; ; n++ {
					dir := clone(t, start)
					d, left := disk(t, dir), &atomic.Int64{}
					left.Store(int64(n))
					_, err := lumentree.Publish(t.Context(), dying{d, left}, killed, lumentree.PublishOptions{Key: signer, Now: clock})
					if closed := d.Close(); closed != nil || err != nil && !errors.Is(err, errStopped) {
						t.Fatal(err, closed)
					}
					sound(t, dir)
					other := clone(t, dir)
					publish(t, dir, signer, killed)
					if v := sound(t, dir); v.UnderWay || v.Versions != 2 {
						t.Errorf("after %d operations and the publish again: %+v", n, v)
					}
					publish(t, other, signer, next)
					if v := sound(t, other); v.UnderWay {
						t.Errorf("after %d operations and another publish: %+v", n, v)
					}
					publish(t, other, signer, killed)
					if v := sound(t, other); v.Versions != 3 {
						t.Errorf("after %d operations, another publish and the publish again: %+v", n, v)
					}
					if err == nil {
						break
					}
				}
			}
		})
	}
}
