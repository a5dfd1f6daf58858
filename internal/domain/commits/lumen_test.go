package commits

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
)

func tomlOf(name, version string) string {
	return "[package]\nname = \"" + name + "\"\nversion = \"" + version + "\"\n"
}

// lumenTar packs a folder as publish-commit does.
func lumenTar(t testing.TB, manifest, source string) []byte {
	t.Helper()
	dir := t.TempDir()
	err := errors.Join(os.Mkdir(dir+"/src", 0o755), os.WriteFile(dir+"/lumen.toml", []byte(manifest), 0o644), os.WriteFile(dir+"/src/main.lm", []byte(source), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var b bytes.Buffer
	if _, err := lumen.Pack(t.Context(), root, &b, lumen.Limits{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	_, err := gz.Write(b)
	if err := errors.Join(err, gz.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// tarOf packs files as they are named.
func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, h := range headers {
		body := h.Uname // carries the content
		h.Uname, h.Size, h.Mode = "", int64(len(body)), 0o644
		err := tw.WriteHeader(&h)
		if _, err2 := io.WriteString(tw, body); err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (w *world) content(p Package) []byte {
	w.t.Helper()
	c, err := w.Open(w.t.Context(), p)
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	b, err := io.ReadAll(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

const utils = "lumen:@acme/utils"

func TestPublishLumen(t *testing.T) {
	w := newWorld(t, Options{})
	sent := lumenTar(t, tomlOf("@acme/utils", "1.0.0"), "x")
	if _, err := w.sendArchive(sha1a, utils, sent, func(p *Publication) { p.Packages[0].Version = "1.0.0" }); err != nil {
		t.Fatal(err)
	}
	w.recent = recent{} // read it from the store
	p, err := w.Package(t.Context(), sha1a, utils)
	if err != nil {
		t.Fatal(err)
	}
	want, err := lumen.Check(bytes.NewReader(sent), io.Discard, lumen.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Version != "1.0.0" || p.Artifact.Files != 2 || p.Artifact.Sums != want.Tar || p.Artifact.Size != int64(len(sent)) || p.Zig != nil || p.Lumen == nil || *p.Lumen != want.Integrity {
		t.Errorf("the package is %+v, %+v", p, p.Lumen)
	}
	if !bytes.Equal(w.content(p), sent) {
		t.Error("what is served is not what was sent")
	}
	if n := w.spooled(); n != 0 {
		t.Errorf("%d files are left in the spool folder", n)
	}
	if res, err := w.sendArchive(sha1a, utils, sent, nil); err != nil || !res.Unchanged[utils] {
		t.Errorf("the same again: %+v, %v, want unchanged", res, err)
	}
	if _, err := w.sendArchive(sha1a, utils, lumenTar(t, tomlOf("@acme/utils", "1.0.0"), "y"), nil); !errors.Is(err, fault.Exists) {
		t.Errorf("other bytes of the same commit: %v, want fault.Exists", err)
	}
	if _, err := w.sendArchive(sha1a, "lumen:old", lumenTar(t, tomlOf("old", "1.0.0"), "x"), nil); err != nil {
		t.Errorf("a name without a scope: %v", err)
	}
}

// What was compressed is kept as the plain tar that the client reads; the integrity is of what was sent.
func TestCompressedLumen(t *testing.T) {
	w := newWorld(t, Options{})
	plain := lumenTar(t, tomlOf("@acme/utils", "1.0.0"), "x")
	sent := gzipped(t, plain)
	h := digest.NewHasher()
	h.Write(sent)
	res, err := w.sendArchive(sha1a, utils, sent, func(p *Publication) { p.Packages[0].Integrity = h.Sums().Integrity })
	if err != nil {
		t.Fatal(err)
	}
	p := res.Commit.Packages[0]
	if p.Artifact.SHA256 != digest.Of(plain) || !bytes.Equal(w.content(p), plain) {
		t.Error("what is served is not the plain tar")
	}
	if n := w.spooled(); n != 0 {
		t.Errorf("%d files are left in the spool folder", n)
	}
}

func TestRefusedLumen(t *testing.T) {
	manifest := tomlOf("@acme/utils", "1.0.0")
	good := lumenTar(t, manifest, "x")
	of := func(headers ...tar.Header) []byte {
		return tarOf(t, append([]tar.Header{{Name: "lumen.toml", Uname: manifest}}, headers...)...)
	}
	upload := func(p *Publication) { p.Packages[0].Upload, p.Packages[0].Whole = &Upload{}, nil }
	for name, c := range map[string]struct {
		as      string
		archive []byte
		change  func(*Publication)
		code    string
	}{
		"other name":      {"lumen:@acme/other", good, nil, "wrong_name"},
		"other scope":     {"lumen:@evil/utils", good, nil, "wrong_name"},
		"no scope":        {"lumen:utils", good, nil, "wrong_name"},
		"other version":   {utils, good, func(p *Publication) { p.Packages[0].Version = "1.0.1" }, "wrong_version"},
		"integrity":       {utils, good, func(p *Publication) { p.Packages[0].Integrity = "sha512-x" }, "wrong_integrity"},
		"integrity of gz": {utils, gzipped(t, good), func(p *Publication) { p.Packages[0].Integrity = "sha512-x" }, "wrong_integrity"},
		"private":         {utils, tarOf(t, tar.Header{Name: "lumen.toml", Uname: manifest + "publish = false\n"}), nil, "private_package"},
		"by path":         {utils, tarOf(t, tar.Header{Name: "lumen.toml", Uname: manifest + "[dependencies]\n\"@a/b\" = { path = \"..\" }\n"}), nil, "bad_manifest"},
		"no archive":      {utils, []byte("hello"), nil, "bad_archive"},
		"cut off":         {utils, good[:600], nil, "bad_archive"},
		"no manifest":     {utils, tarOf(t, tar.Header{Name: "a/lumen.toml", Uname: manifest}), nil, "bad_archive"},
		"outside":         {utils, of(tar.Header{Name: "../../evil", Uname: "x"}), nil, "bad_archive"},
		"absolute":        {utils, of(tar.Header{Name: "/etc/evil", Uname: "x"}), nil, "bad_archive"},
		"link":            {utils, of(tar.Header{Name: "src/l", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), nil, "bad_archive"},
		"bomb":            {utils, gzipped(t, of(tar.Header{Name: "zeros", Uname: strings.Repeat("\x00", 4<<20)})), nil, "too_large"},
		"as Zig's":        {"zig:utils", good, nil, "bad_archive"},
		"as npm's":        {"utils", good, nil, "bad_archive"},
		"as a path":       {"lumen:../utils", good, nil, "bad_name"},
		"as nothing":      {"lumen:", good, nil, "bad_name"},
		"as a URL":        {"lumen:a@b", good, nil, "bad_name"},
		"in capitals":     {"lumen:@Acme/utils", good, nil, "bad_name"},
		"with a request":  {utils, good, upload, "lumen_upload"},
		"split": {utils, good, func(p *Publication) {
			s := &p.Packages[0]
			s.Head, s.Body, s.Whole = s.Whole, s.Whole, nil
		}, "lumen_upload"},
		"no bytes": {utils, good, func(p *Publication) { p.Packages[0].Whole = nil }, "no_bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{Lumen: lumen.Limits{Unpacked: 1 << 20}})
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

// A small archive that unpacks to more than the server accepts for a package is refused while it is unpacked.
func TestLumenSize(t *testing.T) {
	w := newWorld(t, Options{MaxPackage: 64 << 10})
	_, err := w.sendArchive(sha1a, utils, gzipped(t, lumenTar(t, tomlOf("@acme/utils", "1.0.0"), strings.Repeat("x", 100<<10))), nil)
	if e, ok := fault.Public(err); !ok || e.Kind != fault.TooLarge || !strings.Contains(e.Message, "MAX_PACKAGE_SIZE") {
		t.Errorf("Publish = %v, want that it is too large", err)
	}
}

// The preview registry has npm's packages only, whatever a package of Lumen says of itself.
func TestPreviewsWithoutLumen(t *testing.T) {
	w := newWorld(t, Options{})
	version := npm.PreviewVersion(sha1a)
	if _, err := w.sendArchive(sha1a, utils, lumenTar(t, tomlOf("@acme/utils", version), "x"), nil); err != nil {
		t.Fatal(err)
	}
	w.publish(sha1a, "acme/ws", packFor(t, sha1a, "a", version, "module a"))
	for name, want := range map[string]int{"a": 1, utils: 0, "@acme/utils": 0} {
		p, err := w.Previews(t.Context(), "acme/ws", name)
		if err != nil || len(p.Versions) != want {
			t.Errorf("Previews(%s) has %d versions, %v; want %d", name, len(p.Versions), err, want)
		}
		if _, err := w.Preview(t.Context(), "acme/ws", name, version); (err == nil) != (want == 1) {
			t.Errorf("Preview(%s) = %v", name, err)
		}
	}
	if c, err := w.Commit(t.Context(), sha1a); err != nil || len(c.Packages) != 2 {
		t.Errorf("the commit has %+v, %v; want both", c.Packages, err)
	}
}

// A token for npm's package, or Zig's, of a name does not write Lumen's.
func TestLumenNeedsItsName(t *testing.T) {
	w := newWorld(t, Options{})
	p := publication(sha1a, "acme/ws")
	p.Packages = []Source{{Name: utils, Whole: &tarball.Part{Digest: digest.Of(nil), Size: 1}}}
	if _, err := w.Publish(t.Context(), who{only: "@acme/utils"}, p); !errors.Is(err, fault.Forbidden) {
		t.Errorf("Publish = %v, want fault.Forbidden", err)
	}
}
