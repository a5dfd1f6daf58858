package zigpackages

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/zig"
)

func TestPublish(t *testing.T) {
	w := newWorld(t, Options{})
	files := tree{
		"build.zig.zon": zon("demo", "1.2.3", anID, `.minimum_zig_version = "0.14.0"`, `.dependencies = .{ .other = .{ .path = "src/other" } }`),
		"src/root.zig":  "pub const x = 1;",
	}
	sent := tree{"README.md": "not in .paths"}
	maps.Copy(sent, files)
	p, err := w.send(alice, sent.tgz(t), Release{Description: " A demo.\n"})
	if err != nil {
		t.Fatal(err)
	}
	if !p.First || p.Unchanged {
		t.Errorf("First %t, Unchanged %t, want the first", p.First, p.Unchanged)
	}
	v := p.Version
	if v.Legacy != files.legacy() || !strings.HasPrefix(v.Hash, "demo-1.2.3-") {
		t.Errorf("hashes are %s and %s, want %s and demo-1.2.3-…", v.Legacy, v.Hash, files.legacy())
	}
	want := Version{
		Name: "demo", Version: "1.2.3", Description: "A demo.", Fingerprint: zig.SuggestFingerprint("demo", anID), MinimumZig: "0.14.0",
		Paths: []string{"build.zig.zon", "src"}, Depends: []zig.Dependency{{Key: "other", Path: "src/other"}},
		Hash: v.Hash, Legacy: v.Legacy, Zig: v.Zig, Artifact: v.Artifact, Publisher: "alice", PublishedAt: w.Now(),
	}
	if d := cmp.Diff(want, v); d != "" {
		t.Errorf("the version: %s", d)
	}
	if !slices.Contains(v.Zig, "0.16") {
		t.Errorf("works with %v, want 0.16 among them", v.Zig)
	}
	pkg := w.get("demo")
	if d := cmp.Diff(Package{Name: "demo", ID: anID, Versions: []Version{want}, Owners: []string{"alice"}, Created: w.Now(), Modified: w.Now()}, pkg); d != "" {
		t.Errorf("the package: %s", d)
	}
	checkArchive(t, w, v, files)
}

// checkArchive compares what is served with the files and with what the version says of it.
func checkArchive(t *testing.T, w *world, v Version, want tree) {
	t.Helper()
	text, err := w.read(v)
	if err != nil {
		t.Fatal(err)
	}
	h := digest.NewHasher()
	h.Write(text)
	if v.Artifact.Sums != h.Sums() || v.Artifact.Whole.Digest != h.Sums().SHA256 || v.Artifact.Size != h.Size() || v.Artifact.Files != len(want) {
		t.Errorf("the artifact is %+v, want %+v with %d files", v.Artifact, h.Sums(), len(want))
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	got := tree{}
	for tr := tar.NewReader(z); ; {
		entry, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		got[strings.TrimPrefix(entry.Name, v.Name+"-"+v.Version+"/")] = string(content)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the archive: %s", d)
	}
}

// The content counts, not the archive it comes in: packed otherwise it is the same version.
func TestPublishAgain(t *testing.T) {
	w := newWorld(t, Options{})
	files := lib("demo", "1.0.0", "x")
	first := w.mustSend(files.tgz(t), Release{Description: "as it was"})
	inFolder := tree{}
	for name, content := range files {
		inFolder["some-folder/"+name] = content
	}
	for what, text := range map[string][]byte{"same": files.tgz(t), "plain tar": files.tar(t), "in a folder": inFolder.tgz(t)} {
		w.Pass(day)
		again, err := w.send(alice, text, Release{Description: "another"})
		if err != nil || !again.Unchanged || again.First {
			t.Errorf("%s: %v, Unchanged %t, First %t, want unchanged", what, err, again.Unchanged, again.First)
		}
		if d := cmp.Diff(first.Version, again.Version); d != "" {
			t.Errorf("%s: the version: %s", what, d)
		}
	}
	_, err := w.send(alice, lib("demo", "1.0.0", "y").tgz(t), Release{})
	message := refused(t, "other content", err, fault.Exists, "version_exists")
	if !strings.Contains(message, first.Version.Legacy) {
		t.Errorf("the refusal does not show the hash: %s", message)
	}
	_, err = w.send(root, lib("demo", "1.0.0", "y").tgz(t), Release{})
	refused(t, "other content of an admin", err, fault.Exists, "version_exists")
	checkArchive(t, w, w.get("demo").Versions[0], files)
	if w.Stored() != 1 {
		t.Errorf("%d blobs, want one", w.Stored())
	}
}

func (w *world) mustSend(text []byte, r Release) Published {
	w.t.Helper()
	p, err := w.send(alice, text, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// A manifest that is not in .paths is not part of the hashes: its fingerprint must still count.
func TestOtherFingerprintSameContent(t *testing.T) {
	w := newWorld(t, Options{})
	files := func(id uint32) []byte {
		manifest := strings.Replace(zon("demo", "1.0.0", id), `"build.zig.zon", `, "", 1)
		return tree{"build.zig.zon": manifest, "src/root.zig": "x"}.tgz(t)
	}
	w.mustSend(files(1), Release{})
	if again := w.mustSend(files(1), Release{}); !again.Unchanged {
		t.Error("the same again is not unchanged")
	}
	_, err := w.send(alice, files(2), Release{})
	refused(t, "another fingerprint", err, fault.Exists, "version_exists")
}

func TestRefusedReleases(t *testing.T) {
	zon0 := func(name, version string) tree {
		return tree{"build.zig.zon": zon(name, version, anID), "src/root.zig": "x"}
	}
	old := func(name, version string) tree {
		return tree{"build.zig.zon": oldZon(name, version), "src/root.zig": "x"}
	}
	long := strings.Repeat("a", maxName+1)
	var paths strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&paths, "%q, ", fmt.Sprintf("src/a-long-name-of-a-file-%d.zig", i))
	}
	manyPaths := tree{"build.zig.zon": `.{ .name = .demo, .version = "1.0.0", .paths = .{"build.zig.zon", ` + paths.String() + `} }`, "src/root.zig": "x"}
	tests := []struct {
		what  string
		files tree
		r     Release
		kind  fault.Kind
		code  string
		says  string // in the message
	}{
		{"no manifest", tree{"src/root.zig": "x"}, Release{}, fault.Invalid, "no_manifest", "build.zig.zon"},
		{"other name beside", zon0("demo", "1.0.0"), Release{Manifest: []byte(zon("other", "1.0.0", anID))}, fault.Invalid, "manifest_mismatch", `name "other"`},
		{"other version beside", zon0("demo", "1.0.0"), Release{Manifest: []byte(zon("demo", "1.0.1", anID))}, fault.Invalid, "manifest_mismatch", `version "1.0.1"`},
		{"other fingerprint beside", zon0("demo", "1.0.0"), Release{Manifest: []byte(zon("demo", "1.0.0", 7))}, fault.Invalid, "manifest_mismatch", "fingerprint"},
		{"no fingerprint beside", zon0("demo", "1.0.0"), Release{Manifest: []byte(zon("demo", "1.0.0", 0))}, fault.Invalid, "manifest_mismatch", `"none"`},
		{"no ZON beside", zon0("demo", "1.0.0"), Release{Manifest: []byte("name: demo")}, fault.Invalid, "", "beside the archive"},
		{"name with a space", old("a b", "1.0.0"), Release{}, fault.Invalid, "", "a b"},
		{"name that is a folder", old("..", "1.0.0"), Release{}, fault.Invalid, "", ".."},
		{"name with a slash", old("a/b", "1.0.0"), Release{}, fault.Invalid, "", "a/b"},
		{"name with a colon", old("zig:a", "1.0.0"), Release{}, fault.Invalid, "", "zig:a"},
		{"name that begins with a period", old(".a", "1.0.0"), Release{}, fault.Invalid, "", ".a"},
		{"name that looks like an option", old("-a", "1.0.0"), Release{}, fault.Invalid, "", "-a"},
		{"name in another script", old("dеmo", "1.0.0"), Release{}, fault.Invalid, "", ""}, // the е is Cyrillic
		{"name too long", old(long, "1.0.0"), Release{}, fault.Invalid, "", ""},
		{"version too long", old("demo", "1.0.0-"+strings.Repeat("a", maxVersion)), Release{}, fault.Invalid, "invalid_version", "128"},
		{"version beyond numbers", zon0("demo", "1.0.9007199254740992"), Release{}, fault.Invalid, "", "1.0.9007199254740992"},
		{"long description", zon0("demo", "1.0.0"), Release{Description: strings.Repeat("é", maxDescription+1)}, fault.Invalid, "text_too_long", "2001"},
		{"control characters", zon0("demo", "1.0.0"), Release{Description: "\x1b[2J"}, fault.Invalid, "invalid_text", "description"},
		{"no UTF-8", zon0("demo", "1.0.0"), Release{Description: "\xff"}, fault.Invalid, "invalid_text", "description"},
		{"too many paths", manyPaths, Release{}, fault.TooLarge, "", ".paths"},
		{"leaves its folder", tree{"build.zig.zon": zon("demo", "1.0.0", anID), "src/../../evil": "x"}, Release{}, fault.Invalid, "", ""},
		{"absolute name", tree{"build.zig.zon": zon("demo", "1.0.0", anID), "/etc/cron.d/evil": "x"}, Release{}, fault.Invalid, "", ""},
	}
	w := newWorld(t, Options{})
	for _, test := range tests {
		_, err := w.send(alice, test.files.tgz(t), test.r)
		message := refused(t, test.what, err, test.kind, test.code)
		if message != "" && !strings.Contains(message, test.says) {
			t.Errorf("%s: the refusal %q does not say %q", test.what, message, test.says)
		}
		w.SpoolIsEmpty()
	}
	if _, err := w.Publish(t.Context(), alice, Release{}); err == nil {
		t.Error("a release without an archive was published")
	}
	if _, total, err := w.Search(t.Context(), "", 0, 0); err != nil || total != 0 || w.Stored() != 0 {
		t.Errorf("%d packages, %d blobs, %v, want nothing kept", total, w.Stored(), err)
	}
}

// curl ends the value of -F "manifest=$(cat build.zig.zon)" at the first semicolon.
func TestManifestCutByCurl(t *testing.T) {
	w := newWorld(t, Options{})
	text := "// made by zig init ; see the guide\n" + zon("demo", "1.0.0", anID)
	for sent, ok := range map[string]bool{"// made by zig init": true, "// made by zig init ;": false, "// made by": false, "// another": false} {
		_, err := w.send(alice, tree{"build.zig.zon": text}.tgz(t), Release{Manifest: []byte(sent)})
		if (err == nil) != ok {
			t.Errorf("with the manifest %q the publish is answered %v", sent, err)
		}
	}
}

func TestRefusedUploads(t *testing.T) {
	w := newWorld(t, Options{MaxPackage: 60_000})
	_, err := w.Receive(t.Context(), nobody, bytes.NewReader(lib("demo", "1.0.0", "x").tgz(t)))
	refused(t, "anonymous", err, fault.Unauthenticated, "")
	for what, text := range map[string][]byte{"empty": nil, "text": []byte("hello, zig"), "cut off": lib("demo", "1.0.0", "x").tgz(t)[:60]} {
		_, err := w.Receive(t.Context(), alice, bytes.NewReader(text))
		refused(t, what, err, fault.Invalid, "")
		w.SpoolIsEmpty()
	}
	gone := errors.New("the line is dead")
	if _, err := w.Receive(t.Context(), alice, io.MultiReader(strings.NewReader("\x1f\x8b"), &deadReader{gone})); !errors.Is(err, gone) {
		t.Errorf("a reader that fails: %v, want its error", err)
	}
	w.SpoolIsEmpty()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the reader's panic is lost")
			}
		}()
		_, _ = w.Receive(t.Context(), alice, io.MultiReader(strings.NewReader("\x1f\x8b"), panicReader{}))
	}()
	w.SpoolIsEmpty()

	endless := &io.LimitedReader{R: &zeros{}, N: 10 << 20}
	_, err = w.Receive(t.Context(), alice, endless)
	refused(t, "without an end", err, fault.TooLarge, "")
	if endless.N < 9<<20 {
		t.Errorf("%d bytes are left of 10 MiB: it was read far beyond the limit", endless.N)
	}
	w.SpoolIsEmpty()

	noise := make([]byte, 40_000)
	for i := range noise {
		noise[i] = byte(rand.N(256))
	}
	files := lib("demo", "1.0.0", string(noise))
	files["src/twin.zig"] = string(noise)
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	small := z.EncodeAll(files.tar(t), nil) // finds the twin, which gzip does not
	if len(small) > 60_000 {
		t.Fatalf("%d bytes are sent", len(small))
	}
	_, err = w.Receive(t.Context(), alice, bytes.NewReader(small))
	refused(t, "80,000 bytes to keep", err, fault.TooLarge, "")
	w.SpoolIsEmpty()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

type deadReader struct{ err error }

func (r *deadReader) Read([]byte) (int, error) { return 0, r.err }

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("a bug") }

func TestBuildMetadata(t *testing.T) {
	w := newWorld(t, Options{})
	a, b := w.publish(alice, "demo", "1.0.0+z"), w.publish(alice, "demo", "1.0.0+a")
	if a.Version.Hash == b.Version.Hash {
		t.Error("two versions have one hash")
	}
	p := w.get("demo")
	if p.list() != "1.0.0+z 1.0.0+a" || p.Latest().Version != "1.0.0+a" {
		t.Errorf("versions are %s, latest %s, want both and the later one as latest", p.list(), p.Latest().Version)
	}
	_, err := w.Version(t.Context(), "demo", "1.0.0")
	refused(t, "without the metadata", err, fault.NotFound, "")
}
