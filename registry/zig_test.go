package registry_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/registry"
)

// zigTar is a package as a plain tar, for compilers up to 0.15.
func zigTar(t *testing.T, version, source string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	manifest := `.{ .name = "greet", .version = "` + version + `", .paths = .{""} }`
	for _, f := range [][2]string{{"greet/build.zig.zon", manifest}, {"greet/root.zig", source}} {
		if err := w.WriteHeader(&tar.Header{Name: f[0], Mode: 0o644, Size: int64(len(f[1]))}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, f[1])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// What an embedder publishes is what clients find, and no sweep takes it.
func TestZigOfAnEmbedder(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	k := storetest.ClockAt(now)
	n := start(t, registry.Config{Token: "a-token-of-the-test", Now: k.Now})
	v, err := n.PublishZig(t.Context(), zigTar(t, "1.0.0", "one"), "Says hello")
	if err != nil || v.Name != "greet" || !strings.HasPrefix(v.LegacyHash, "1220") || v.PublishedAt != now {
		t.Fatalf("PublishZig = %+v, %v", v, err)
	}
	if _, err := n.PublishZig(t.Context(), zigTar(t, "1.0.0", "two"), ""); !errors.Is(err, registry.ErrExists) {
		t.Errorf("another content for a version = %v, want ErrExists", err)
	}
	if _, err := n.PublishZig(t.Context(), strings.NewReader("hello"), ""); !errors.Is(err, registry.ErrInvalid) {
		t.Errorf("what is no archive = %v, want ErrInvalid", err)
	}

	k.Pass(365 * 24 * time.Hour)
	for range 2 {
		if _, err := n.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		k.Pass(30 * 24 * time.Hour)
	}
	if got, err := n.ZigVersion(t.Context(), "greet", "latest"); err != nil || got.Version != "1.0.0" || got.Description != "Says hello" {
		t.Errorf("ZigVersion = %+v, %v", got, err)
	}
	f, err := n.ZigArchive(t.Context(), "greet", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kept, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	a := n.get("/zig/hash/" + v.LegacyHash)
	if a.StatusCode != http.StatusOK || a.json(t)["name"] != "greet" {
		t.Errorf("by its hash: %d %s", a.StatusCode, a.body)
	}
	if a := n.get("/zig/p/" + v.LegacyHash + ".tar.gz"); !bytes.Equal(a.body, kept) {
		t.Errorf("clients get %d bytes, the embedder %d", len(a.body), len(kept))
	}
	if _, err := n.ZigVersion(t.Context(), "nope", "latest"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("an unknown package = %v, want ErrNotFound", err)
	}
}
