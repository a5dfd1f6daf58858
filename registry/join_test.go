package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/provenance"
)

// boss may write everything.
type boss struct{}

func (boss) String() string                              { return "boss" }
func (boss) User() string                                { return "boss" }
func (boss) IsAdmin() bool                               { return true }
func (boss) Granted(string) bool                         { return true }
func (boss) MayWrite(string) error                       { return nil }
func (boss) MayRelease(string) error                     { return nil }
func (boss) MayPublishCommit(string, []string) error     { return nil }
func (boss) MayPublishBytes(string, string, int64) error { return nil }
func (boss) Proof() *provenance.Proof                    { return nil }
func (boss) MayPublish(string) error                     { return nil }
func (boss) MayUpload() error                            { return nil }
func (boss) GrantedRepository(string) bool               { return true }

// TestCatalogSources: what the domains have, the catalog shows, with their own stores and over HTTP.
func TestCatalogSources(t *testing.T) {
	ctx := t.Context()
	theirs := archive(t, "lodash", "4.0.0")
	up := httptest.NewServer(upstreamOf(t, "lodash", "4.0.0", theirs))
	t.Cleanup(up.Close)
	r, err := New(Config{DataDir: t.TempDir(), BaseURL: "https://packages.example", Upstream: up.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })

	const previewVersion = "0.0.0-commit.gaaaaaaaaaa"
	mine, preview := archive(t, "lib", "1.0.0"), archive(t, "lib", previewVersion)
	publishRelease(t, r, mine)
	publishPreview(t, r, "lib", preview)

	main := catalog.Root{URL: "https://packages.example"}
	previewRoot := catalog.Root{URL: main.URL + "/~/acme/app", Repository: "acme/app"}
	for _, tt := range []struct {
		root          catalog.Root
		name, version string
		want          []byte
		tags          []string
	}{
		{main, "lib", "1.0.0", mine, []string{"latest"}},
		{main, "lodash", "4.0.0", theirs, []string{"latest"}},
		{previewRoot, "lib", "1.0.0", mine, []string{"latest", "pr-7"}},
		{previewRoot, "lib", previewVersion, preview, []string{"latest", "pr-7"}},
		{previewRoot, "lodash", "4.0.0", theirs, []string{"latest"}},
	} {
		p := fetch(t, r, tt.root, tt.name)
		var tags []string
		for tag := range p.DistTags {
			tags = append(tags, tag)
		}
		slices.Sort(tags)
		if !slices.Equal(tags, tt.tags) {
			t.Errorf("%s has the dist-tags %v, want %v", tt.name, tags, tt.tags)
		}
		v, ok := p.Find(tt.version)
		if !ok || v.Dist.Tarball != packument.TarballURL(tt.root.URL, tt.name, tt.version) || v.Dist.Integrity != integrity(tt.want) {
			t.Errorf("the packument has %s@%s as %+v", tt.name, tt.version, v)
		}
		if p.Time[tt.version] == "" {
			t.Errorf("the packument has no time of %s@%s", tt.name, tt.version)
		}
		found, err := r.catalog.Version(ctx, tt.root, tt.name, tt.version)
		if err != nil || found.Dist.Tarball != v.Dist.Tarball || found.Upstream != (tt.name == "lodash") || !found.Upstream && found.Checksum == "" {
			t.Errorf("Version(%s@%s) = %+v, %v", tt.name, tt.version, found, err)
		}
		for range 2 { // as it comes from upstream, from the cache
			if got := download(t, r, tt.root, tt.name, tt.version); !bytes.Equal(got, tt.want) {
				t.Errorf("the tarball of %s@%s has %d bytes, want %d", tt.name, tt.version, len(got), len(tt.want))
			}
		}
	}
	for began := time.Now(); ; <-time.After(20 * time.Millisecond) { // what was just published is found a moment later
		found, total, err := r.catalog.Search(ctx, main, "lib", 0, 10)
		if err == nil && total == 1 && found[0].Name == "lib" && found[0].Version == "1.0.0" {
			break
		}
		if time.Since(began) > 5*time.Minute {
			t.Fatalf("Search() = %+v, %d, %v", found, total, err)
		}
	}
	keys, err := r.catalog.Keys(ctx)
	if err != nil || len(keys) != 1 {
		t.Fatalf("Keys() = %v, %v", keys, err)
	}
	for _, v := range fetch(t, r, previewRoot, "lib").Versions {
		if err := keys[0].Verify(v.Dist.Signatures[0], v.Name, v.Version, v.Dist.Integrity); err != nil {
			t.Error(err)
		}
	}
}

func fetch(t *testing.T, r *Registry, root catalog.Root, name string) *packument.Packument {
	t.Helper()
	doc, err := r.catalog.Packument(t.Context(), root, name, packument.Full, false)
	if err != nil {
		t.Fatal(err)
	}
	body, err := doc.Body(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	p, err := packument.Parse(body.Bytes, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func download(t *testing.T, r *Registry, root catalog.Root, name, version string) []byte {
	t.Helper()
	content, err := r.catalog.Tarball(t.Context(), root, name, packument.TarballFile(name, version), catalog.Want{})
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	from := io.Reader(content.Stream)
	if content.File != nil {
		from = content.File
		if _, ok := content.File.(*os.File); !ok {
			t.Errorf("the tarball of %s@%s is a %T, which the kernel can't send", name, version, content.File)
		}
	}
	b, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	if content.Size >= 0 && content.Size != int64(len(b)) || content.ETag == "" {
		t.Errorf("the tarball of %s@%s has %d bytes, not %d, and the ETag %q", name, version, len(b), content.Size, content.ETag)
	}
	return b
}

func publishRelease(t *testing.T, r *Registry, text []byte) {
	t.Helper()
	u, err := r.packages.Receive(t.Context(), boss{}, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := r.packages.Publish(t.Context(), boss{}, packages.Release{Upload: u}); err != nil {
		t.Fatal(err)
	}
}

func publishPreview(t *testing.T, r *Registry, name string, text []byte) {
	t.Helper()
	u, err := r.commits.Receive(t.Context(), boss{}, 0, name, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := r.commits.Publish(t.Context(), boss{}, commits.Publication{
		SHA:        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		Repository: commits.Repository{Host: "github.com", Path: "acme/app"},
		Refs:       []commits.Ref{{Kind: commits.PR, Name: "7"}},
		Packages:   []commits.Source{{Name: name, Upload: u}},
	}); err != nil {
		t.Fatal(err)
	}
}

// upstreamOf is a registry with one package.
func upstreamOf(t *testing.T, name, version string, text []byte) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
		err := json.NewEncoder(w).Encode(map[string]any{
			"name": name, "dist-tags": map[string]string{"latest": version},
			"time": map[string]string{version: "2026-01-01T00:00:00.000Z"},
			"versions": map[string]any{version: map[string]any{"name": name, "version": version, "dist": map[string]string{
				"tarball": "http://" + r.Host + "/elsewhere.tgz", "integrity": integrity(text),
			}}},
		})
		if err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("GET /elsewhere.tgz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) })
	return mux
}

func integrity(text []byte) string {
	sum := sha512.Sum512(text)
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// archive is a package of nothing but its package.json.
func archive(t *testing.T, name, version string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	text := fmt.Sprintf(`{"name":%q,"version":%q}`, name, version)
	if err := w.WriteHeader(&tar.Header{Name: "package/package.json", Size: int64(len(text)), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	_, err := io.WriteString(w, text)
	for _, err := range []error{err, w.Close(), z.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}
