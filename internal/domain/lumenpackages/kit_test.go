package lumenpackages

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/domaintest"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/storetest"
)

const day = 24 * time.Hour

// world is a service on real stores, with a clock to turn.
type world struct {
	*Service
	*storetest.Stores
	t testing.TB
}

func newWorld(t testing.TB, opt Options) *world {
	t.Helper()
	w := &world{Stores: storetest.Open(t), t: t}
	w.Service = w.another(opt)
	t.Cleanup(w.SpoolIsEmpty)
	return w
}

// another is one more server on the same stores.
func (w *world) another(opt Options) *Service {
	opt.Now, opt.SpoolDir, opt.Log = w.Now, w.Spool, w.Log()
	return New(w.DB, w.Blobs, w.Keeper(), opt)
}

func (w *world) sweep() {
	w.t.Helper()
	if _, err := w.life.Sweep(w.t.Context(), nil); err != nil {
		w.t.Fatal(err)
	}
}

type user = domaintest.User

var refused = domaintest.Refused

var (
	nobody = user{}
	alice  = user{Name: "alice"}
	bob    = user{Name: "bob"}
	root   = user{Name: "root", Admin: true}
)

// files is the files of a package by name.
type files map[string]string

func (f files) tar(t testing.TB) []byte { return domaintest.Tar(t, f) }

func gzipped(t testing.TB, text []byte) []byte { return domaintest.Gzip(t, text) }

// manifest is a lumen.toml; more are lines of it, those of [package] first.
func manifest(name, version string, more ...string) string {
	return fmt.Sprintf("[package]\nname = %q\nversion = %q\n%s\n", name, version, strings.Join(more, "\n"))
}

// lib is a package whose only source has the content.
func lib(name, version, content string, more ...string) files {
	return files{"lumen.toml": manifest(name, version, more...), "src/main.lm": content}
}

// send receives an archive and publishes it with what r says beside.
func (w *world) send(who Principal, text []byte, r Release) (Published, error) {
	w.t.Helper()
	return sendTo(w.t.Context(), w.Service, who, text, r)
}

func sendTo(ctx context.Context, s *Service, who Principal, text []byte, r Release) (p Published, err error) {
	u, err := s.Receive(ctx, who, bytes.NewReader(text))
	if err != nil {
		return Published{}, err
	}
	defer u.Close()
	r.Upload = u
	return s.Publish(ctx, who, r)
}

// publish publishes a package of this name and version, a second after the one before.
func (w *world) publish(who Principal, name, version string, more ...string) Published {
	w.t.Helper()
	w.Pass(time.Second)
	p, err := w.send(who, lib(name, version, name+version, more...).tar(w.t), Release{})
	if err != nil {
		w.t.Fatalf("publishing %s %s: %v", name, version, err)
	}
	return p
}

func (w *world) yank(who Principal, name, version string, yanked bool, reason string) {
	w.t.Helper()
	w.Pass(time.Second)
	if err := w.Yank(w.t.Context(), who, name, version, yanked, reason); err != nil {
		w.t.Fatalf("yanking %s %s: %v", name, version, err)
	}
}

// must reads a document.
func must(t testing.TB, read func(context.Context) (Document, error)) Document {
	t.Helper()
	d, err := read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d.ETag != digest.Of(d.Body).Hex() {
		t.Errorf("the ETag %s is not the digest of the document", d.ETag)
	}
	return d
}

// decoded reads a document as T.
func decoded[T any](t testing.TB, d Document) (v T) {
	t.Helper()
	if err := json.Unmarshal(d.Body, &v); err != nil {
		t.Fatalf("%v of %s", err, d.Body)
	}
	return v
}

func (w *world) index() lumen.Index {
	w.t.Helper()
	return decoded[lumen.Index](w.t, must(w.t, w.Index))
}

func (w *world) packageIndex(name string) lumen.PackageIndex {
	w.t.Helper()
	d, err := w.PackageIndex(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return decoded[lumen.PackageIndex](w.t, d)
}

func (w *world) read(path string) []byte {
	w.t.Helper()
	b, err := readFile(w.t.Context(), w.Service, path)
	if err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	return b
}

// readFile reads a file of the tree by its path.
func readFile(ctx context.Context, s *Service, path string) ([]byte, error) {
	var d Document
	var err error
	name, file := "", ""
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		name, file = path[:i], path[i+1:]
	}
	switch folder, rest, _ := strings.Cut(name, "/"); {
	case path == lumen.IndexPath():
		d, err = s.Index(ctx)
	case path == lumen.KeysPath():
		d, err = s.Keys(ctx)
	case path == lumen.CheckpointPath():
		d, err = s.Checkpoint(ctx)
	case folder == "packages" && file == "index.json":
		d, err = s.PackageIndex(ctx, rest)
	case folder == "packages":
		d, err = s.Metadata(ctx, rest, strings.TrimSuffix(file, ".json"))
	case folder == "signatures":
		d, err = s.Signature(ctx, rest, strings.TrimSuffix(file, ".sig.json"))
	default:
		return readArtifact(ctx, s, path)
	}
	return d.Body, err
}

func readArtifact(ctx context.Context, s *Service, path string) ([]byte, error) {
	hex := strings.TrimPrefix(path, "artifacts/sha256/")
	hex, _, _ = strings.Cut(strings.ReplaceAll(hex, "/", ""), ".")
	d, err := digest.Parse(hex)
	if err != nil {
		return nil, err
	}
	c, err := s.Artifact(ctx, d)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return io.ReadAll(c)
}

// list is all files of the tree.
func (w *world) list() []File {
	w.t.Helper()
	var all []File
	for f, err := range w.Files(w.t.Context()) {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}
