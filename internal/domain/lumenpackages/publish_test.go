package lumenpackages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

const utils = "@acme/utils"

func TestPublish(t *testing.T) {
	w := newWorld(t, Options{})
	text := lib(utils, "1.0.0", "x", `description = "Utility functions"`, `license = "MIT"`, `categories = ["utilities"]`, "[dependencies]", `"@org/http" = "^1.0.0"`).tar(t)
	p, err := w.send(alice, text, Release{Name: utils, Version: "1.0.0", Hash: digest.Of(text).String()})
	if err != nil || p.Unchanged || !p.First {
		t.Fatalf("Publish = %+v, %v", p, err)
	}
	m := decoded[lumen.Metadata](t, must(t, w.ofVersion(w.Metadata, utils, "1.0.0")))
	path := lumen.ArtifactPath(digest.Of(text), "tar")
	want := lumen.Metadata{
		Name: utils, Version: "1.0.0", Deps: map[string]string{"@org/http": "^1.0.0"},
		Artifacts:   []lumen.Artifact{{Kind: "tar", URL: path, Hash: digest.Of(text).String(), Size: int64(len(text))}},
		Integrity:   m.Integrity,
		PublishedAt: "2026-03-01T12:30:00Z", Publisher: &lumen.Publisher{Name: "alice"},
		License: "MIT", Description: "Utility functions",
	}
	if d := cmp.Diff(want, m); d != "" {
		t.Error(d)
	}
	if m.Integrity.ManifestHash == "" || m.Integrity.ContentHash == "" {
		t.Errorf("integrity = %+v", m.Integrity)
	}
	if got := w.read(path); !bytes.Equal(got, text) {
		t.Errorf("the artifact has %d bytes, %d were sent", len(got), len(text))
	}
	wantIndex := lumen.PackageIndex{
		Name: utils, Versions: []string{"1.0.0"}, Latest: "1.0.0", Yanked: map[string]string{}, Prereleases: []string{},
		Description: "Utility functions", Categories: []string{"utilities"},
	}
	if d := cmp.Diff(wantIndex, w.packageIndex(utils)); d != "" {
		t.Error(d)
	}
	x := w.index()
	wantEntry := []lumen.IndexEntry{{Name: utils, Latest: "1.0.0", Description: "Utility functions", UpdatedAt: "2026-03-01T12:30:00Z"}}
	if d := cmp.Diff(wantEntry, x.Packages); d != "" || x.PackageCount != 1 || x.Name != "registry" || x.UpdatedAt != "2026-03-01T12:30:00Z" {
		t.Errorf("index.json = %+v %s", x, d)
	}
}

// ofVersion makes a read of a version one of a document.
func (w *world) ofVersion(read func(c context.Context, name, version string) (Document, error), name, version string) func(context.Context) (Document, error) {
	return func(c context.Context) (Document, error) { return read(c, name, version) }
}

func TestSameBytesAgain(t *testing.T) {
	w := newWorld(t, Options{})
	text := lib(utils, "1.0.0", "x").tar(t)
	for i, sent := range [][]byte{text, text, gzipped(t, text)} {
		p, err := w.send(alice, sent, Release{})
		if err != nil || p.Unchanged != (i > 0) || p.Metadata.Version != "1.0.0" {
			t.Errorf("publish %d = %+v, %v", i, p, err)
		}
	}
	_, err := w.send(alice, lib(utils, "1.0.0", "other").tar(t), Release{})
	refused(t, "other bytes", err, fault.Exists, "version_exists")
	if n := w.Stored(); n != 1 {
		t.Errorf("%d blobs are stored, want 1", n)
	}
}

func TestGzippedArchive(t *testing.T) {
	w := newWorld(t, Options{})
	plain := lib(utils, "1.0.0", strings.Repeat("x", 10_000)).tar(t)
	sent := gzipped(t, plain)
	p, err := w.send(alice, sent, Release{Hash: digest.Of(sent).String()})
	if err != nil {
		t.Fatal(err)
	}
	want := []lumen.Artifact{
		{Kind: "tar", URL: lumen.ArtifactPath(digest.Of(plain), "tar"), Hash: digest.Of(plain).String(), Size: int64(len(plain))},
		{Kind: "tgz", URL: lumen.ArtifactPath(digest.Of(sent), "tgz"), Hash: digest.Of(sent).String(), Size: int64(len(sent))},
	}
	if d := cmp.Diff(want, p.Metadata.Artifacts); d != "" {
		t.Error(d)
	}
	if !bytes.Equal(w.read(want[0].URL), plain) || !bytes.Equal(w.read(want[1].URL), sent) {
		t.Error("the artifacts are not what was sent")
	}
}

func TestRefusals(t *testing.T) {
	plain := func(f files) func(*testing.T) []byte { return func(t *testing.T) []byte { return f.tar(t) } }
	for name, tt := range map[string]struct {
		archive func(*testing.T) []byte
		release Release
		who     Principal
		kind    fault.Kind
		code    string
	}{
		"unscoped":            {archive: plain(lib("utils", "1.0.0", "x")), kind: fault.Invalid, code: "bad_name"},
		"upper case":          {archive: plain(lib("@acme/Utils", "1.0.0", "x")), kind: fault.Invalid, code: "bad_name"},
		"two numbers":         {archive: plain(lib(utils, "1.0", "x")), kind: fault.Invalid, code: "bad_version"},
		"leading zero":        {archive: plain(lib(utils, "1.0.01", "x")), kind: fault.Invalid, code: "bad_version"},
		"comma constraint":    {archive: plain(lib(utils, "1.0.0", "x", "[dependencies]", `"@a/b" = ">=0.1.0, <1.0.0"`)), kind: fault.Invalid, code: "bad_constraint"},
		"path dependency":     {archive: plain(lib(utils, "1.0.0", "x", "[dependencies]", `"@a/b" = { path = "../b" }`)), kind: fault.Invalid},
		"private":             {archive: plain(lib(utils, "1.0.0", "x", "publish = false")), kind: fault.Invalid, code: "private_package"},
		"no manifest":         {archive: plain(files{"src/main.lm": "x"}), kind: fault.Invalid},
		"wrapped":             {archive: plain(files{"utils/lumen.toml": manifest(utils, "1.0.0")}), kind: fault.Invalid},
		"traversal":           {archive: plain(files{"lumen.toml": manifest(utils, "1.0.0"), "../evil": "x"}), kind: fault.Invalid},
		"absolute":            {archive: plain(files{"lumen.toml": manifest(utils, "1.0.0"), "/etc/evil": "x"}), kind: fault.Invalid},
		"no archive":          {archive: func(*testing.T) []byte { return []byte("hello") }, kind: fault.Invalid},
		"other name":          {archive: plain(lib(utils, "1.0.0", "x")), release: Release{Name: "@acme/other"}, kind: fault.Invalid, code: "manifest_mismatch"},
		"other version":       {archive: plain(lib(utils, "1.0.0", "x")), release: Release{Version: "1.0.1"}, kind: fault.Invalid, code: "manifest_mismatch"},
		"other hash":          {archive: plain(lib(utils, "1.0.0", "x")), release: Release{Hash: digest.Of(nil).String()}, kind: fault.Invalid, code: "hash_mismatch"},
		"no hash":             {archive: plain(lib(utils, "1.0.0", "x")), release: Release{Hash: "sha256:xyz"}, kind: fault.Invalid, code: "bad_hash"},
		"anonymous":           {archive: plain(lib(utils, "1.0.0", "x")), who: nobody, kind: fault.Unauthenticated},
		"limited token":       {archive: plain(lib(utils, "1.0.0", "x")), who: user{Name: "ci", Only: []string{"lumen:@other/*"}}, kind: fault.Forbidden},
		"npm's token":         {archive: plain(lib(utils, "1.0.0", "x")), who: user{Name: "ci", Only: []string{"@acme/*"}}, kind: fault.Forbidden},
		"import by a user":    {archive: plain(lib(utils, "1.0.0", "x")), release: Release{PublishedAt: time.Unix(0, 0)}, kind: fault.Forbidden},
		"yanked by a user":    {archive: plain(lib(utils, "1.0.0", "x")), release: Release{Yanked: new("")}, kind: fault.Forbidden},
		"too large":           {archive: plain(lib(utils, "1.0.0", strings.Repeat("x", 2<<20))), kind: fault.TooLarge},
		"too large, unpacked": {archive: func(t *testing.T) []byte { return gzipped(t, lib(utils, "1.0.0", strings.Repeat("x", 2<<20)).tar(t)) }, kind: fault.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{MaxPackage: 1 << 20})
			if tt.who == nil {
				tt.who = alice
			}
			_, err := w.send(tt.who, tt.archive(t), tt.release)
			refused(t, name, err, tt.kind, tt.code)
			if w.Stored() != 0 || len(w.index().Packages) != 0 {
				t.Error("something of it is kept")
			}
		})
	}
}

func TestUnscopedIsAnOption(t *testing.T) {
	w := newWorld(t, Options{Unscoped: true})
	w.publish(alice, "utils", "1.0.0")
	if got := w.packageIndex("utils").Latest; got != "1.0.0" {
		t.Errorf("latest = %q", got)
	}
	_, err := w.send(bob, lib("utils", "1.0.1", "x").tar(t), Release{})
	refused(t, "another's package", err, fault.Forbidden, "not_owner")
}

func TestBuildMetadataAlone(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0+a")
	for _, version := range []string{"1.0.0", "1.0.0+b"} {
		_, err := w.send(alice, lib(utils, version, "x").tar(t), Release{})
		refused(t, version, err, fault.Exists, "version_exists")
	}
	w.publish(alice, utils, "1.0.0-rc.1+a")
	w.publish(alice, utils, "1.0.1+a")
}

func TestVersionsAreOrdered(t *testing.T) {
	w := newWorld(t, Options{})
	for _, v := range []string{"1.10.0", "2.0.0-beta.2", "1.9.0", "1.2.0", "2.0.0-beta.10"} {
		w.publish(alice, utils, v)
	}
	x := w.packageIndex(utils)
	if d := cmp.Diff([]string{"1.2.0", "1.9.0", "1.10.0", "2.0.0-beta.2", "2.0.0-beta.10"}, x.Versions); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"2.0.0-beta.2", "2.0.0-beta.10"}, x.Prereleases); d != "" || x.Latest != "1.10.0" {
		t.Errorf("latest %q, pre-releases %s", x.Latest, d)
	}
}

func TestYank(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0", `description = "old"`)
	w.publish(alice, utils, "2.0.0", `description = "new"`)
	signed := w.read(lumen.SignaturePath(utils, "2.0.0"))
	before := must(t, w.ofVersion(w.Metadata, utils, "2.0.0"))

	w.yank(alice, utils, "2.0.0", true, "broken")
	x := w.packageIndex(utils)
	if x.Latest != "1.0.0" || x.Description != "old" || x.Yanked["2.0.0"] != "broken" || len(x.Versions) != 2 {
		t.Errorf("after a yank: %+v", x)
	}
	m := decoded[lumen.Metadata](t, must(t, w.ofVersion(w.Metadata, utils, "2.0.0")))
	if !m.Yanked || m.YankReason != "broken" || w.index().Packages[0].Latest != "1.0.0" {
		t.Errorf("after a yank: %+v", m)
	}
	if !bytes.Equal(signed, w.read(lumen.SignaturePath(utils, "2.0.0"))) {
		t.Error("a yank changed the signature")
	}
	if len(w.read(m.Artifacts[0].URL)) == 0 {
		t.Error("the archive is gone")
	}

	w.yank(alice, utils, "1.0.0", true, "")
	if x := w.packageIndex(utils); x.Latest != "" || x.Description != "new" || len(x.Yanked) != 2 {
		t.Errorf("after all are yanked: %+v", x)
	}
	if found, total, err := w.Search(t.Context(), "", 0, 0); err != nil || total != 0 || len(found) != 0 {
		t.Errorf("Search finds %v, %d, %v; want nothing that is not offered", found, total, err)
	}

	w.yank(alice, utils, "1.0.0", false, "is ignored")
	w.yank(alice, utils, "2.0.0", false, "")
	if after := must(t, w.ofVersion(w.Metadata, utils, "2.0.0")); !bytes.Equal(before.Body, after.Body) {
		t.Errorf("a yank and its undoing leave %s, want %s", after.Body, before.Body)
	}

	revision := w.index().Checkpoint
	w.yank(alice, utils, "1.0.0", false, "")
	if d := cmp.Diff(revision, w.index().Checkpoint); d != "" {
		t.Errorf("a change of nothing changed the checkpoint: %s", d)
	}
	refused(t, "another's", w.Yank(t.Context(), bob, utils, "1.0.0", true, ""), fault.Forbidden, "not_owner")
	refused(t, "absent", w.Yank(t.Context(), alice, utils, "3.0.0", true, ""), fault.NotFound, "")
	refused(t, "absent package", w.Yank(t.Context(), alice, "@acme/none", "3.0.0", true, ""), fault.NotFound, "")
	refused(t, "long", w.Yank(t.Context(), alice, utils, "1.0.0", true, strings.Repeat("x", 501)), fault.Invalid, "text_too_long")
	refused(t, "hidden", w.Yank(t.Context(), alice, utils, "1.0.0", true, "\x1b[2J"), fault.Invalid, "invalid_text")
}

func TestImport(t *testing.T) {
	w := newWorld(t, Options{})
	at := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	p, err := w.send(root, lib("my-utils", "1.0.0", "x").tar(t), Release{PublishedAt: at, Yanked: new("old")})
	if err != nil || p.Metadata.PublishedAt != "2024-01-15T10:30:00Z" || !p.Metadata.Yanked {
		t.Fatalf("Publish = %+v, %v", p, err)
	}
	if x := w.packageIndex("my-utils"); x.Latest != "" || x.Yanked["1.0.0"] != "old" {
		t.Errorf("the index is %+v", x)
	}
	if x := w.index(); x.UpdatedAt != "2024-01-15T10:30:00Z" {
		t.Errorf("updated_at is %q, want that of the last event", x.UpdatedAt)
	}
	w.verify()
}

func TestReadmeIsLeftOutRatherThanRefused(t *testing.T) {
	w := newWorld(t, Options{})
	// Quotes take two bytes each in JSON, control characters six.
	for name, text := range map[string]string{"@acme/plain": strings.Repeat(`"`, 64<<10), "@acme/control": strings.Repeat("\x01", 64<<10)} {
		f := lib(name, "1.0.0", "x")
		f["README.md"] = text
		p, err := w.send(alice, f.tar(t), Release{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := len(lumen.Encode(p.Metadata)); n > maxDocument {
			t.Errorf("the metadata of %s have %d bytes", name, n)
		}
	}
	w.verify()
}

func TestReceiveLeavesNoFiles(t *testing.T) {
	w := newWorld(t, Options{})
	errBroken := errors.New("broken pipe")
	text := lib(utils, "1.0.0", "x").tar(t)
	_, err := w.Receive(t.Context(), alice, &breaking{bytes.NewReader(text[:600]), errBroken})
	if !errors.Is(err, errBroken) {
		t.Errorf("Receive = %v, want the reader's error", err)
	}
	w.SpoolIsEmpty()
}

// breaking is a reader that fails at its end.
type breaking struct {
	*bytes.Reader
	err error
}

func (b *breaking) Read(p []byte) (int, error) {
	n, _ := b.Reader.Read(p)
	if n == 0 {
		return 0, b.err
	}
	return n, nil
}

func TestTooManyVersions(t *testing.T) {
	c := candidate{metadata: lumen.Metadata{Name: utils, Version: "9.9.9"}}
	entries := make([]entry, maxVersions)
	for i := range entries {
		entries[i].version = fmt.Sprintf("1.0.%d", i)
	}
	refused(t, "one more", c.checkNew(entries), fault.Invalid, "too_many_versions")
	if err := c.checkNew(slices.Clip(entries[1:])); err != nil {
		t.Errorf("the last one: %v", err)
	}
}

// What a manifest may hold fits into the rows, or is refused with a reason; signs that JSON can escape take no more room.
func TestLargeMetadata(t *testing.T) {
	w := newWorld(t, Options{})
	for lines, fits := range map[int]bool{800: true, 1000: false} {
		name, deps := fmt.Sprintf("@acme/d%d", lines), []string{"[dependencies]"}
		for i := range lines {
			deps = append(deps, fmt.Sprintf("\"@a/%055d\" = %q", i, strings.Repeat(">=1.0.0 ", 9)))
		}
		_, err := w.send(alice, lib(name, "1.0.0", "x", deps...).tar(t), Release{})
		if fits && err != nil {
			t.Errorf("%d dependencies: %v", lines, err)
		}
		if !fits {
			refused(t, name, err, fault.TooLarge, "metadata_too_large")
		}
	}
	w.verify()
}

func TestImportOfAnImpossibleTime(t *testing.T) {
	w := newWorld(t, Options{})
	for _, at := range []time.Time{time.Date(0, 1, 1, 0, 0, 0, 0, time.FixedZone("", 14*3600)), w.Now().Add(day), time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		_, err := w.send(root, lib(utils, "1.0.0", "x").tar(t), Release{PublishedAt: at})
		refused(t, at.String(), err, fault.Invalid, "")
	}
}

// Two versions whose files would be one on disks that don't tell case apart.
func TestVersionsThatDifferInCase(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0-Alpha")
	for _, version := range []string{"1.0.0-alpha", "1.0.0-ALPHA+Build"} {
		_, err := w.send(alice, lib(utils, version, "x").tar(t), Release{})
		if text := refused(t, version, err, fault.Exists, "version_exists"); !strings.Contains(text, "1.0.0-Alpha") || !strings.Contains(text, "case only") {
			t.Errorf("%s is refused with %q, want the version that is there and the rule", version, text)
		}
	}
	w.publish(alice, utils, "1.0.0-alpha.1")
}

// aborting gives some bytes, then panics as the body of a request that net/http aborts may.
type aborting struct{ io.Reader }

func (b aborting) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

// A reader that panics leaves no file behind; that the spool is empty the world checks when it ends.
func TestReaderThatPanics(t *testing.T) {
	w := newWorld(t, Options{})
	text := lib(utils, "1.0.0", "x").tar(t)
	for name, sent := range map[string][]byte{"tar": text[:len(text)-600], "tgz": gzipped(t, text)[:60], "nothing": nil} {
		func() {
			defer func() {
				if p := recover(); p != http.ErrAbortHandler {
					t.Errorf("%s: the panic is %v, want the reader's own", name, p)
				}
			}()
			u, err := w.Receive(t.Context(), alice, aborting{bytes.NewReader(sent)})
			t.Errorf("%s: Receive returns %v, %v", name, u, err)
		}()
	}
}
