package catalog

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/cache"
)

const (
	ourURL      = "https://packages.example"
	upstreamURL = "https://upstream.example"
)

var (
	mainRoot    = Root{URL: ourURL}
	previewRoot = Root{URL: ourURL + "/~/acme/app", Repository: "acme/app"}
	noon        = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// world is a service over sources that tests fill.
type world struct {
	*Service
	t        testing.TB
	releases *releases
	previews *previews
	upstream *upstream
	cache    *cache.Cache
	clock    time.Time
	large    bool
}

type setup struct {
	memory   int64
	cache    int64
	leave    bool // Options.Rewrite is false
	large    bool // upstream's packuments are too large for memory
	fallback string
	settle   time.Duration
}

func newWorld(t testing.TB, opt setup) *world {
	t.Helper()
	if opt.cache == 0 {
		opt.cache = 1 << 30
	}
	c, err := cache.Open(t.TempDir(), cache.Options{MaxBytes: opt.cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	signer := newSigner(t)
	w := &world{t: t, cache: c, clock: noon, large: opt.large}
	w.releases = &releases{packages: map[string]*packument.Packument{}, bundles: map[string]string{}}
	w.previews = &previews{revisions: map[string]string{}, sets: map[string]PreviewSet{}}
	w.upstream = &upstream{documents: map[string]string{}, t: t}
	src := Sources{
		Releases: w.releases, Index: w.releases, Previews: w.previews, Upstream: w.upstream, Signer: signer,
		Keyrings: []Keyring{signer, w.upstream},
	}
	if opt.fallback == "false" {
		src.Upstream, src.Keyrings = nil, src.Keyrings[:1]
	}
	w.Service = New(src, Options{
		MaxMemory: opt.memory, Cache: c, Rewrite: !opt.leave, Settle: opt.settle, Now: func() time.Time { return w.clock },
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	return w
}

// text returns a packument as a client gets it.
func (w *world) text(root Root, name string, f packument.Form) (string, *Document) {
	w.t.Helper()
	doc, err := w.Packument(w.t.Context(), root, name, f, false)
	if err != nil {
		w.t.Fatalf("packument of %s: %v", name, err)
	}
	return w.body(doc, false), doc
}

// body reads a document, the gzip encoding decoded.
func (w *world) body(doc *Document, packed bool) string {
	w.t.Helper()
	b, err := doc.Body(w.t.Context(), packed)
	if err != nil {
		w.t.Fatal(err)
	}
	defer b.Close()
	text := b.Bytes
	if b.File != nil {
		if text, err = io.ReadAll(b.File); err != nil {
			w.t.Fatal(err)
		}
	}
	if int64(len(text)) != b.Size {
		w.t.Errorf("a body of %d bytes says that it has %d", len(text), b.Size)
	}
	if packed {
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			w.t.Fatal(err)
		}
		if text, err = io.ReadAll(z); err != nil {
			w.t.Fatal(err)
		}
	}
	return string(text)
}

// decoded returns a packument as a client understands it.
func (w *world) decode(root Root, name string, f packument.Form) (npmDocument, *Document) {
	w.t.Helper()
	text, doc := w.text(root, name, f)
	var d npmDocument
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		w.t.Fatalf("%v in %s", err, text)
	}
	return d, doc
}

type npmDocument struct {
	Name     string
	Modified string
	Tags     map[string]string `json:"dist-tags"`
	Time     map[string]string
	Versions map[string]struct {
		Name, Version string
		Dist          packument.Dist
	}
}

func (d npmDocument) tarball(version string) string { return d.Versions[version].Dist.Tarball }

// publish makes a version of ours; the revision is new.
func (w *world) publish(name string, versions ...string) {
	w.releases.mu.Lock()
	defer w.releases.mu.Unlock()
	p := describe(name, versions...)
	w.releases.revision++
	p.Rev = fmt.Sprint(w.releases.revision)
	w.releases.packages[name] = p
}

func describe(name string, versions ...string) *packument.Packument {
	p := &packument.Packument{Name: name, DistTags: map[string]string{}, Time: map[string]string{"created": "2026-01-01T00:00:00.000Z", "modified": "2026-02-01T00:00:00.000Z"}}
	for _, v := range versions {
		p.Versions = append(p.Versions, version(name, v))
		p.Time[v] = "2026-02-01T00:00:00.000Z"
		p.DistTags["latest"] = v
	}
	return p
}

func version(name, v string) packument.Version {
	return packument.Version{Name: name, Version: v, Dist: packument.Dist{Integrity: "sha512-" + v, Shasum: strings.Repeat("a", 40)}}
}

// serve makes a package of upstream.
func (w *world) serve(name string, versions ...string) {
	p := describe(name, versions...)
	for i := range p.Versions {
		p.Versions[i].Dist.Tarball = packument.TarballURL(upstreamURL, name, p.Versions[i].Version)
		if w.large && i == 0 {
			p.Versions[i].Dist.Shasum = strings.Repeat("a", smallText)
		}
	}
	b, err := p.Encode(packument.Full)
	if err != nil {
		w.t.Fatal(err)
	}
	w.upstream.documents[name] = string(b)
}

// preview makes previews of a name in acme/app, given oldest first.
func (w *world) preview(name string, tags map[string]string, versions ...string) {
	set := PreviewSet{Tags: tags}
	for i, v := range versions {
		p := Preview{Version: version(name, v), PublishedAt: noon.Add(time.Duration(i) * time.Minute), Checksum: "sha256:" + v}
		set.Versions = append([]Preview{p}, set.Versions...)
		set.Latest = v
	}
	w.previews.sets["acme/app "+name] = set
	w.previews.revisions["acme/app"] += "+"
}

// is fails the test unless err has a kind.
func is(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got the error %v, want one of kind %s", err, kind)
	}
}
