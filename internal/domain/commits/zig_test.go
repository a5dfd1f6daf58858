package commits

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/format/zig"
)

func zonOf(name, version string) string {
	return fmt.Sprintf(".{ .name = .%s, .version = %q, .fingerprint = 0x%08x00000007, .paths = .{\"\"} }\n", name, version, crc32.ChecksumIEEE([]byte(name)))
}

// tarGz packs files, given as name and content, the way other tools do.
func tarGz(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for i := 0; i < len(files); i += 2 {
		if err := tw.WriteHeader(&tar.Header{Name: files[i], Mode: 0o600, Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// canonical packs a folder as publish-commit does.
func canonical(t testing.TB, name, version, content string) []byte {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{"build.zig.zon": zonOf(name, version), "build.zig": content} {
		if err := os.WriteFile(dir+"/"+file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	tree, err := zig.OpenFolder(t.Context(), root, zig.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	in, err := tree.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := in.Write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sendArchive uploads an archive and publishes it as a package of Zig or Lumen.
func (w *world) sendArchive(sha, name string, archive []byte, change func(*Publication)) (Result, error) {
	w.t.Helper()
	d := digest.Of(archive)
	if _, err := w.PutPart(w.t.Context(), who{}, d, bytes.NewReader(archive)); err != nil {
		return Result{}, err
	}
	p := publication(sha, "acme/ws")
	p.Packages = []Source{{Name: name, Dir: "lib", Whole: &tarball.Part{Digest: d, Size: int64(len(archive))}}}
	if change != nil {
		change(&p)
	}
	return w.Publish(w.t.Context(), who{}, p)
}

func (w *world) spooled() int {
	w.t.Helper()
	files, err := os.ReadDir(w.opt.SpoolDir)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(files)
}

func TestPublishZig(t *testing.T) {
	w := newWorld(t, Options{})
	sent := canonical(t, "greet", "1.2.0", "x")
	if _, err := w.sendArchive(sha1a, "zig:greet", sent, func(p *Publication) { p.Packages[0].Version = "1.2.0" }); err != nil {
		t.Fatal(err)
	}
	w.recent = recent{} // read it from the store
	p, err := w.Package(t.Context(), sha1a, "zig:greet")
	if err != nil {
		t.Fatal(err)
	}
	if p.Version != "1.2.0" || p.Dir != "lib" || p.Artifact.Files != 2 || p.Artifact.SHA256 != digest.Of(sent) || p.Artifact.Size != int64(len(sent)) {
		t.Errorf("the package is %+v", p)
	}
	if p.Zig == nil || !strings.HasPrefix(p.Zig.Hash, "greet-1.2.0-") || !zig.ValidHash(p.Zig.Hash) || !zig.ValidHash(p.Zig.Legacy) || strings.Join(p.Zig.Compilers, " ") != "0.14 0.15 0.16 0.17" {
		t.Errorf("its hashes are %+v", p.Zig)
	}
	c, err := w.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("what is served is not what was sent: %d bytes, %v", len(got), err)
	}
	if n := w.spooled(); n != 0 {
		t.Errorf("%d files are left in the spool folder", n)
	}
	if res, err := w.sendArchive(sha1a, "zig:greet", sent, nil); err != nil || !res.Unchanged["zig:greet"] {
		t.Errorf("the same again: %+v, %v, want unchanged", res, err)
	}
	if _, err := w.sendArchive(sha1a, "zig:greet", canonical(t, "greet", "1.2.0", "other"), nil); !errors.Is(err, fault.Exists) {
		t.Errorf("other bytes of the same commit: %v, want fault.Exists", err)
	}
}

// What another tool packed is packed anew, so that every compiler reads what is served; the hash stays.
func TestForeignZigArchive(t *testing.T) {
	w := newWorld(t, Options{})
	sent := tarGz(t, "./build.zig", "x", "./build.zig.zon", zonOf("greet", "1.2.0"))
	h := digest.NewHasher()
	h.Write(sent)
	res, err := w.sendArchive(sha1a, "zig:greet", sent, func(p *Publication) { p.Packages[0].Integrity = h.Sums().Integrity })
	if err != nil {
		t.Fatal(err)
	}
	want := canonical(t, "greet", "1.2.0", "x")
	got := res.Commit.Packages[0]
	if got.Artifact.SHA256 != digest.Of(want) {
		t.Errorf("what is kept is not the canonical archive")
	}
	c, err := w.Open(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if text, err := io.ReadAll(c); err != nil || !bytes.Equal(text, want) {
		t.Errorf("what is served is not the canonical archive: %v", err)
	}
	if n := w.spooled(); n != 0 {
		t.Errorf("%d files are left in the spool folder", n)
	}
}

func TestRefusedZig(t *testing.T) {
	good := canonical(t, "greet", "1.2.0", "x")
	bomb := tarGz(t, "build.zig.zon", zonOf("greet", "1.2.0"), "zeros", strings.Repeat("\x00", 4<<20))
	upload := func(p *Publication) { p.Packages[0].Upload, p.Packages[0].Whole = &Upload{}, nil }
	for name, c := range map[string]struct {
		as      string
		archive []byte
		change  func(*Publication)
		code    string
	}{
		"other name":     {"zig:other", good, nil, "wrong_name"},
		"other case":     {"zig:Greet", good, nil, "wrong_name"},
		"other version":  {"zig:greet", good, func(p *Publication) { p.Packages[0].Version = "1.2.1" }, "wrong_version"},
		"integrity":      {"zig:greet", good, func(p *Publication) { p.Packages[0].Integrity = "sha512-x" }, "wrong_integrity"},
		"npm's":          {"zig:greet", tarGz(t, "package/package.json", `{"name":"greet","version":"1.2.0"}`), nil, "bad_archive"},
		"no archive":     {"zig:greet", []byte("hello"), nil, "bad_archive"},
		"plain tar":      {"zig:greet", gunzip(t, good), nil, "bad_archive"},
		"bad manifest":   {"zig:greet", tarGz(t, "build.zig.zon", ".{ .name = "), nil, "bad_manifest"},
		"hard link":      {"zig:greet", withHardLink(t), nil, "bad_package"},
		"bomb":           {"zig:greet", bomb, nil, "too_large"},
		"as npm's":       {"greet", good, nil, "bad_archive"},
		"as a path":      {"zig:../greet", good, nil, "invalid_name"},
		"as nothing":     {"zig:", good, nil, "invalid_name"},
		"as a URL":       {"zig:a@b", good, nil, "invalid_name"},
		"with a request": {"zig:greet", good, upload, "zig_upload"},
		"split": {"zig:greet", good, func(p *Publication) {
			s := &p.Packages[0]
			s.Head, s.Body, s.Whole = s.Whole, s.Whole, nil
		}, "zig_upload"},
		"no bytes": {"zig:greet", good, func(p *Publication) { p.Packages[0].Whole = nil }, "no_bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{Zig: zig.Limits{Unpacked: 1 << 20}})
			_, err := w.sendArchive(sha1a, c.as, c.archive, c.change)
			e, ok := fault.Public(err)
			if !ok || e.Code != c.code && (e.Code != "" || string(e.Kind) != c.code) {
				t.Errorf("Publish = %+v, want the code %q", err, c.code)
			}
			if _, err := w.Commit(t.Context(), sha1a); !errors.Is(err, fault.NotFound) {
				t.Errorf("the commit is visible: %v", err)
			}
			if n := w.spooled(); n != 0 {
				t.Errorf("%d files are left in the spool folder", n)
			}
		})
	}
}

func gunzip(t *testing.T, b []byte) []byte {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func withHardLink(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	text := zonOf("greet", "1.2.0")
	err := tw.WriteHeader(&tar.Header{Name: "greet/build.zig.zon", Size: int64(len(text)), Mode: 0o644})
	_, err2 := io.WriteString(tw, text)
	err3 := tw.WriteHeader(&tar.Header{Name: "greet/passwd", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"})
	if err := errors.Join(err, err2, err3, tw.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A token that may write one package of Zig may not write another, nor npm's of that name.
func TestZigNeedsItsName(t *testing.T) {
	w := newWorld(t, Options{})
	p := publication(sha1a, "acme/ws")
	p.Packages = []Source{{Name: "zig:greet", Whole: &tarball.Part{Digest: digest.Of(nil), Size: 1}}}
	if _, err := w.Publish(t.Context(), who{only: "greet"}, p); !errors.Is(err, fault.Forbidden) {
		t.Errorf("Publish = %v, want fault.Forbidden", err)
	}
}

// The preview registry has npm's packages only, whatever a package of Zig says of itself.
func TestPreviewsWithoutZig(t *testing.T) {
	w := newWorld(t, Options{})
	version := npm.PreviewVersion(sha1a)
	if _, err := w.sendArchive(sha1a, "zig:greet", canonical(t, "greet", version, "x"), nil); err != nil {
		t.Fatal(err)
	}
	a := packFor(t, sha1a, "a", version, "module a")
	w.publish(sha1a, "acme/ws", a)
	for name, want := range map[string]int{"a": 1, "zig:greet": 0, "greet": 0} {
		p, err := w.Previews(t.Context(), "acme/ws", name)
		if err != nil || len(p.Versions) != want {
			t.Errorf("Previews(%s) has %d versions, %v; want %d", name, len(p.Versions), err, want)
		}
		if _, err := w.Preview(t.Context(), "acme/ws", name, version); (err == nil) != (want == 1) {
			t.Errorf("Preview(%s) = %v", name, err)
		}
	}
	v, err := w.view(t.Context(), "acme/ws")
	if err != nil || len(v.commits) != 1 || strings.Join(v.commits[0].names, " ") != "a" {
		t.Errorf("the listing of the commit is %+v, %v; want a alone", v.commits, err)
	}
	c, err := w.Commit(t.Context(), sha1a)
	if err != nil || len(c.Packages) != 2 {
		t.Errorf("the commit has %+v, %v; want both", c.Packages, err)
	}
}

// A commit of Zig packages alone can be found by its refs.
func TestZigAlone(t *testing.T) {
	w := newWorld(t, Options{})
	if _, err := w.sendArchive(sha1a, "zig:greet", canonical(t, "greet", "1.0.0", "x"), func(p *Publication) { p.Refs = []Ref{{PR, "7"}} }); err != nil {
		t.Fatal(err)
	}
	sha, err := w.Point(t.Context(), "acme/ws", Pointer{Refs: []Ref{{PR, "7"}}})
	if err != nil || sha != sha1a {
		t.Errorf("Point(pr/7) = %s, %v", sha, err)
	}
	if p, err := w.Previews(t.Context(), "acme/ws", "greet"); err != nil || len(p.Versions) != 0 {
		t.Errorf("Previews = %+v, %v", p, err)
	}
	w.Pass(w.opt.Retention + 1)
	if _, err := w.Package(t.Context(), sha1a, "zig:greet"); !errors.Is(err, fault.NotFound) {
		t.Errorf("after its time: %v, want fault.NotFound", err)
	}
}

// A publish that is given up while others are checked does not wait for them.
func TestZigWaitsNotForEver(t *testing.T) {
	w := newWorld(t, Options{})
	for range cap(w.unpacking) {
		w.unpacking <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.unpacked(ctx, Source{}, w.zigPackage); !errors.Is(err, context.Canceled) {
		t.Errorf("unpacked = %v, want context.Canceled", err)
	}
}
