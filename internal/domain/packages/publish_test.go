package packages

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/store/kv"
)

func TestPublishAndRead(t *testing.T) {
	w := newWorld(t, Options{})
	text := pack(t, `"name":"@acme/a","version":"1.2.0","description":"an <a>","keywords":["one","two"],"author":"Ann <ann@example.com>","dependencies":{"b":"^1"}`,
		"index.js", "a", "README.md", "# A\n")
	res, err := w.send(alice, text, Release{Name: "@acme/a", Version: "1.2.0", Tags: []string{"next"}})
	if err != nil {
		t.Fatal(err)
	}
	if res.Unchanged || res.FirstOf != "@acme" {
		t.Errorf("Publish = unchanged %v, first of %q, want a new version that takes @acme", res.Unchanged, res.FirstOf)
	}
	p := w.get("@acme/a")
	want := &Package{Readme: "# A\n", Head: Head{
		Name: "@acme/a", Revision: w.rev("@acme/a"), Tags: map[string]string{"latest": "1.2.0", "next": "1.2.0"},
		Owners: []string{"alice"}, Created: w.Now(), Modified: w.Now(),
	}}
	got := *p
	got.Versions = nil
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("Package (-want +got):\n%s", diff)
	}
	if len(p.Versions) != 1 || !p.Versions[0].PublishedAt.Equal(w.Now()) {
		t.Fatalf("Package has %+v, want one version of now", p.Versions)
	}
	v := p.Versions[0]
	if string(v.Manifest.Get("dependencies")) != `{"b":"^1"}` || v.Manifest.Text("description") != "an <a>" {
		t.Errorf("the manifest is %s, want what the archive has", v.Manifest)
	}
	if v.Dist.FileCount != 3 || v.Dist.Tarball != "" || v.Dist.Integrity != v.Artifact.Integrity || v.Artifact.Size != int64(len(text)) {
		t.Errorf("dist = %+v of %+v", v.Dist, v.Artifact)
	}
	if v.Publisher.Name != "alice" || len(v.Maintainers) != 1 {
		t.Errorf("published by %v, maintained by %v, want alice", v.Publisher, v.Maintainers)
	}
	key, err := signature.PublicKey(&w.key.PublicKey, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Verify(v.Dist.Signatures[0], "@acme/a", "1.2.0", v.Dist.Integrity); err != nil {
		t.Errorf("the signature: %v", err)
	}
	for _, name := range []string{"1.2.0", "latest", "next"} {
		one, err := w.Version(t.Context(), "@acme/a", name)
		if err != nil {
			t.Fatalf("Version(%s): %v", name, err)
		}
		if diff := cmp.Diff(v, one); diff != "" {
			t.Errorf("Version(%s) differs from the package's (-want +got):\n%s", name, diff)
		}
	}
	if got, err := w.read("@acme/a", "1.2.0"); err != nil || !bytes.Equal(got, text) {
		t.Errorf("the tarball has %d bytes, %v, want those that were sent", len(got), err)
	}
	_, err = w.read("@acme/a", "latest")
	refused(t, "opening a dist-tag", err, fault.NotFound, "")
	w.SpoolIsEmpty()
}

func TestPackument(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.10.0")
	w.Pass(time.Hour)
	w.publish(alice, "a", "1.9.0-beta.1", "beta")
	if err := w.Star(t.Context(), bob, "a", true); err != nil {
		t.Fatal(err)
	}
	p, err := w.Packument(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if p.Rev != w.rev("a") || !p.Users["bob"] || p.Maintainers[0].Name != "alice" || p.Versions[0].Version != "1.9.0-beta.1" {
		t.Errorf("Packument = %+v", p)
	}
	want := map[string]string{
		"created": "2026-03-01T12:30:00.000Z", "modified": "2026-03-01T13:30:00.000Z",
		"1.10.0": "2026-03-01T12:30:00.000Z", "1.9.0-beta.1": "2026-03-01T13:30:00.000Z",
	}
	if diff := cmp.Diff(want, p.Time); diff != "" {
		t.Errorf("time (-want +got):\n%s", diff)
	}
	text, err := p.Encode(packument.Full)
	if err != nil {
		t.Fatal(err)
	}
	back, err := packument.Parse(text, "a")
	if err != nil || len(back.Versions) != 2 || back.DistTags["latest"] != "1.10.0" {
		t.Errorf("the document reads back as %+v, %v", back, err)
	}
}

func TestSameBytesAgain(t *testing.T) {
	w := newWorld(t, Options{})
	text := tgz(t, "a", "1.0.0", "x")
	first, err := w.send(alice, text, Release{})
	if err != nil {
		t.Fatal(err)
	}
	w.Pass(time.Hour)
	before := w.rev("a")
	again, err := w.send(alice, text, Release{})
	if err != nil || !again.Unchanged {
		t.Fatalf("the same again: unchanged %v, %v", again.Unchanged, err)
	}
	if diff := cmp.Diff(first.Version, again.Version); diff != "" {
		t.Errorf("the same again gives another version (-first +again):\n%s", diff)
	}
	if w.rev("a") != before {
		t.Error("a publish that changes nothing raised the revision")
	}
	if again, err = w.send(alice, text, Release{Tags: []string{"stable"}}); err != nil || !again.Unchanged {
		t.Fatalf("the same with a tag: unchanged %v, %v", again.Unchanged, err)
	}
	if p := w.get("a"); p.Tags["stable"] != "1.0.0" || p.Revision == before {
		t.Errorf("the same with a tag: tags %v at %s, want stable too", p.Tags, p.Revision)
	}
	_, err = w.send(bob, text, Release{})
	refused(t, "the same by somebody else", err, fault.Forbidden, "not_owner")
}

func TestOtherBytesOfAVersion(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	for _, version := range []string{"1.0.0", "1.0.0+build.7", "v1.0.0"} { // one version for npm
		_, err := w.send(alice, tgz(t, "a", version, "other"), Release{})
		message := refused(t, version, err, fault.Exists, "version_exists")
		if want := "You cannot publish over the previously published versions: 1.0.0."; message != want {
			t.Errorf("message = %q, want %q", message, want)
		}
	}
	_, err := w.send(root, tgz(t, "a", "1.0.0", "other"), Release{})
	refused(t, "as an admin", err, fault.Exists, "version_exists")
	if w.Stored() != 1 {
		t.Errorf("%d blobs are stored, want only the published", w.Stored())
	}
}

// npm drops build metadata from versions, so that a version has one name.
func TestBuildMetadata(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0+build.7")
	if got := w.get("a").list(); got != "1.0.0" {
		t.Errorf("versions = %s, want 1.0.0", got)
	}
	if _, err := w.Version(t.Context(), "a", "1.0.0+other"); err != nil {
		t.Errorf("asked for with build metadata: %v", err)
	}
	if p := w.get("a"); p.Tags["latest"] != "1.0.0" {
		t.Errorf("latest = %q", p.Tags["latest"])
	}
}

func TestNamesAreNotFolded(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	w.publish(bob, "A", "2.0.0")
	if w.get("a").list() != "1.0.0" || w.get("A").list() != "2.0.0" || w.get("A").Owners[0] != "bob" {
		t.Error("a and A are mixed up")
	}
}

func TestWhatTheClientSaysMustAgree(t *testing.T) {
	w := newWorld(t, Options{})
	text := tgz(t, "a", "1.0.0", "x")
	other := w.publish(alice, "other", "1.0.0").Version.Artifact
	tests := []struct {
		name string
		who  Principal
		r    Release
		kind fault.Kind
		code string
	}{
		{"name", alice, Release{Name: "b"}, fault.Invalid, "name_mismatch"},
		{"name in another case", alice, Release{Name: "A"}, fault.Invalid, "name_mismatch"},
		{"version", alice, Release{Version: "1.0.1"}, fault.Invalid, "version_mismatch"},
		{"version that is none", alice, Release{Version: "../1.0.0"}, fault.Invalid, "version_mismatch"},
		{"integrity", alice, Release{Integrity: other.Integrity}, fault.Invalid, "integrity_mismatch"},
		{"weak integrity", alice, Release{Integrity: "sha1-AAAA"}, fault.Invalid, "integrity_mismatch"},
		{"shasum", alice, Release{Shasum: other.Shasum}, fault.Invalid, "integrity_mismatch"},
		{"access", alice, Release{Access: "secret"}, fault.Invalid, "invalid_access"},
		{"import of a time", alice, Release{PublishedAt: w.Now()}, fault.Forbidden, ""},
		{"import of a publisher", bot, Release{Publisher: "root"}, fault.Forbidden, ""},
		{"import of a deprecation", alice, Release{Deprecated: "x"}, fault.Forbidden, ""},
		{"import of an escape", root, Release{Deprecated: "\x1b[31m"}, fault.Invalid, "invalid_message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.send(tt.who, text, tt.r)
			refused(t, "Publish", err, tt.kind, tt.code)
		})
	}
	if _, err := w.Publish(t.Context(), alice, Release{Name: "a"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a tarball: %v", err)
	}
	if _, err := w.Package(t.Context(), "a"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a refused package is here: %v", err)
	}
	sums := w.publish(alice, "a", "0.9.0").Version.Artifact
	sum := Release{
		Name: "a", Version: "v0.9.0", Shasum: strings.ToUpper(sums.Shasum),
		Integrity: "sha1-AAAA " + sums.Integrity + "?foo",
	}
	if _, err := w.send(alice, tgz(t, "a", "0.9.0", "a0.9.0"), sum); err != nil {
		t.Errorf("other ways to write the same: %v", err)
	}
	w.SpoolIsEmpty()
}

// Manifest confusion: what a client shows beside the archive never becomes what is installed.
func TestTheArchiveDecides(t *testing.T) {
	w := newWorld(t, Options{})
	extra, err := packument.ParseObject([]byte(`{"dependencies":{"evil":"*"},"scripts":{"install":"evil"},"bin":"evil","gitHead":"abc",
		"_nodeVersion":"24.0.0","_npmVersion":["x"],"_npmUser":{"name":"root"},"dist":{"tarball":"http://evil"},"hasInstallScript":false}`))
	if err != nil {
		t.Fatal(err)
	}
	text := pack(t, `"name":"a","version":"1.0.0","dependencies":{"good":"1"},"scripts":{"postinstall":"x"},"dist":{"shasum":"0"},
		"deprecated":"no","_npmUser":{"name":"root"},"maintainers":["root"],"_id":"b@1","hasInstallScript":false,"custom":{"z":1,"a":2}`)
	if _, err := w.send(alice, text, Release{Extra: extra}); err != nil {
		t.Fatal(err)
	}
	p, err := w.Packument(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := p.Encode(packument.Full)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"evil", "root", `"b@1"`, `"deprecated"`, `"hasInstallScript":false`} {
		if bytes.Contains(doc, []byte(bad)) {
			t.Errorf("the packument has %s:\n%s", bad, doc)
		}
	}
	for _, good := range []string{`"dependencies":{"good":"1"}`, `"gitHead":"abc"`, `"_nodeVersion":"24.0.0"`, `"hasInstallScript":true`, `"custom":{"z":1,"a":2}`} {
		if !bytes.Contains(doc, []byte(good)) {
			t.Errorf("the packument lacks %s:\n%s", good, doc)
		}
	}
}

func TestInstallScriptsAndShrinkwrap(t *testing.T) {
	w := newWorld(t, Options{})
	if _, err := w.send(alice, pack(t, `"name":"a","version":"1.0.0"`, "binding.gyp", "{}", "npm-shrinkwrap.json", "{}"), Release{}); err != nil {
		t.Fatal(err)
	}
	if v := w.get("a").Versions[0]; !v.InstallScript || !v.Shrinkwrap {
		t.Errorf("install script %v, shrinkwrap %v, want both", v.InstallScript, v.Shrinkwrap)
	}
}

func TestLatest(t *testing.T) {
	w := newWorld(t, Options{})
	latestIs := func(want string) {
		t.Helper()
		if got := w.get("a").Tags["latest"]; got != want {
			t.Errorf("latest = %s, want %s", got, want)
		}
	}
	w.publish(alice, "a", "1.0.0-beta.1", "beta")
	latestIs("1.0.0-beta.1") // the first always is
	w.publish(alice, "a", "1.0.0-beta.2", "beta")
	latestIs("1.0.0-beta.1")
	w.publish(alice, "a", "2.0.0")
	latestIs("2.0.0")
	w.publish(alice, "a", "1.5.0") // as on the public registry: the newest publish
	latestIs("1.5.0")
	w.publish(alice, "a", "3.0.0-rc.1")
	latestIs("3.0.0-rc.1")
}

func TestImport(t *testing.T) {
	w := newWorld(t, Options{})
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, version := range []string{"2.0.0", "1.0.0"} {
		_, err := w.send(root, tgz(t, "a", version, version), Release{PublishedAt: old.Add(time.Duration(-i) * day), Publisher: "carol", Deprecated: "use b"})
		if err != nil {
			t.Fatal(err)
		}
	}
	p := w.get("a")
	if !p.Created.Equal(old.Add(-day)) || !p.Modified.Equal(old) || p.Tags["latest"] != "2.0.0" {
		t.Errorf("imported: created %v, modified %v, tags %v", p.Created, p.Modified, p.Tags)
	}
	// A name that is only said to have published owns nothing: anybody might take that account.
	if v := p.Versions[0]; v.Publisher.Name != "carol" || v.Deprecated != "use b" || p.Owners[0] != "root" {
		t.Errorf("imported: by %v, deprecated %q, owned by %v", v.Publisher, v.Deprecated, p.Owners)
	}
}

func TestReadme(t *testing.T) {
	w := newWorld(t, Options{})
	publish := func(version, readme string, r Release) {
		t.Helper()
		files := []string{"index.js", version}
		if readme != "" {
			files = append(files, "README.md", readme)
		}
		if _, err := w.send(alice, pack(t, `"name":"a","version":"`+version+`"`, files...), r); err != nil {
			t.Fatal(err)
		}
	}
	is := func(want string) {
		t.Helper()
		if got := w.get("a").Readme; got != want {
			t.Errorf("readme = %.40q, want %.40q", got, want)
		}
	}
	publish("1.0.0", "one", Release{Readme: "the client's"})
	is("one")
	publish("2.0.0", "two", Release{})
	is("two")
	publish("3.0.0", "", Release{Readme: "the client's"})
	is("the client's")
	publish("4.0.0", "", Release{})
	is("")
	if err := w.Tag(t.Context(), alice, "a", "latest", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	is("one") // it is the latest version's
	long := strings.Repeat("é", maxReadme)
	publish("5.0.0", long, Release{})
	is(long[:maxReadme])
	publish("6.0.0", "one", Release{}) // stored once
	if err := w.Unpublish(t.Context(), alice, "a", "", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	is("one")
	if err := w.Unpublish(t.Context(), alice, "a", "", "6.0.0", "5.0.0"); err != nil {
		t.Fatal(err)
	}
	is("")
	if _, err := w.DB.Get(t.Context(), readmeKey("a", readmeID("one"))); !errors.Is(err, kv.ErrNotFound) {
		t.Errorf("a text that no version has is still stored: %v", err)
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t, Options{MaxPackage: 4 << 20})
	_, err := w.send(alice, make([]byte, 5<<20), Release{})
	if err == nil {
		t.Error("garbage was taken")
	}
	noise := strings.Repeat("x", 5<<20)
	_, err = w.Receive(t.Context(), nobody, strings.NewReader(noise))
	refused(t, "anonymous upload", err, fault.Unauthenticated, "")

	var big strings.Builder // a package.json that does not compress into a row
	for i := range 30_000 {
		fmt.Fprintf(&big, `%x`, readmeID(fmt.Sprint(i))[:16])
	}
	_, err = w.send(alice, pack(t, `"name":"a","version":"1.0.0","x":"`+big.String()+`"`), Release{})
	refused(t, "a huge package.json", err, fault.TooLarge, "")
	if w.Stored() != 0 {
		t.Error("bytes of a refused package are stored")
	}
	w.SpoolIsEmpty()
}

// A preview never becomes a release: its version says which commit it is, and is another thing in each repository.
func TestVersionsOfPreviews(t *testing.T) {
	w := newWorld(t, Options{})
	for _, version := range []string{"0.0.0-commit.g0123456789", "0.0.0-commit.g0123456789+build", "v0.0.0-commit.g0"} {
		refused(t, version, w.try(root, "a", version), fault.Invalid, "preview_version")
	}
	w.publish(alice, "a", "0.0.0-commit.1")
}
