package adminapi_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/wire"
)

func (n *node) send(in wire.Import, file string) (wire.Imported, error) {
	return n.Import(n.t.Context(), in, strings.NewReader(file), int64(len(file)))
}

func checksum(file string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(file))) }

func TestImport(t *testing.T) {
	n := start(t)
	at := time.Date(2020, 1, 2, 3, 4, 5, 678e6, time.UTC)
	file := tgz(t, `{"name":"@acme/a","version":"1.0.0","description":"a"}`)
	in := wire.Import{
		Name: "@acme/a", Version: "1.0.0", Tags: []string{"latest", "stable"}, PublishedAt: at, Deprecated: "use b & c; 50% off + more", Publisher: "Ann <ann@acme.example>",
		Checksum: checksum(file),
	}
	out, err := n.send(in, file)
	if err != nil || out != (wire.Imported{Name: "@acme/a", Version: "1.0.0", FirstOf: "@acme"}) {
		t.Fatalf("imported %+v, %v", out, err)
	}
	p, err := n.packages.Package(t.Context(), "@acme/a")
	if err != nil {
		t.Fatal(err)
	}
	v := p.Versions[0]
	if !v.PublishedAt.Equal(at) || v.Deprecated != in.Deprecated || v.Publisher.Name != in.Publisher || p.Tags["stable"] != "1.0.0" {
		t.Errorf("stored: %v, %q, %v, tags %v", v.PublishedAt, v.Deprecated, v.Publisher, p.Tags)
	}
	if again, err := n.send(in, file); err != nil || !again.Unchanged {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	present, err := n.Present(t.Context(), "@acme/a")
	if err != nil || len(present.Versions) != 1 || present.Versions["1.0.0"].String() != checksum(file) {
		t.Errorf("present = %v, %v", present, err)
	}
	if none, err := n.Present(t.Context(), "none"); err != nil || len(none.Versions) != 0 {
		t.Errorf("present of nothing = %v, %v", none, err)
	}
}

// Versions without tags leave the tags alone, so that an import can follow
// publishes that came here meanwhile.
func TestImportWithoutTags(t *testing.T) {
	n := start(t)
	for _, v := range []struct {
		version string
		tags    []string
		latest  string
	}{{"1.0.0", nil, "1.0.0"}, {"2.0.0", []string{"latest"}, "2.0.0"}, {"1.1.0", nil, "2.0.0"}, {"3.0.0-beta", []string{"beta"}, "2.0.0"}} {
		if _, err := n.send(wire.Import{Name: "a", Version: v.version, Tags: v.tags}, tgz(t, `{"name":"a","version":"`+v.version+`"}`)); err != nil {
			t.Fatal(err)
		}
		p, err := n.packages.Package(t.Context(), "a")
		if err != nil || p.Tags["latest"] != v.latest {
			t.Errorf("after %s latest is %q, %v; want %s", v.version, p.Tags["latest"], err, v.latest)
		}
	}
}

func TestImportRefusals(t *testing.T) {
	n := start(t)
	file := tgz(t, `{"name":"a","version":"1.0.0"}`)
	good := wire.Import{Name: "a", Version: "1.0.0"}
	with := func(f func(*wire.Import)) wire.Import {
		in := good
		f(&in)
		return in
	}
	tests := []struct {
		name   string
		in     wire.Import
		file   string
		status int
		text   string
	}{
		{"no name", with(func(i *wire.Import) { i.Name = "" }), file, 400, "name"},
		{"no version", with(func(i *wire.Import) { i.Version = "" }), file, 400, "version"},
		{"another's file", with(func(i *wire.Import) { i.Name = "@b/a" }), file, 400, `"a"`},
		{"another version's file", with(func(i *wire.Import) { i.Version = "2.0.0" }), file, 400, "1.0.0"},
		{"a path", with(func(i *wire.Import) { i.Name = "../../a" }), file, 400, ""},
		{"another checksum", with(func(i *wire.Import) { i.Checksum = checksum("x") }), file, 400, "checksum"},
		{"no checksum at all", with(func(i *wire.Import) { i.Checksum = "sha256:" }), file, 400, "checksum"},
		{"another shasum", with(func(i *wire.Import) { i.Shasum = strings.Repeat("0", 40) }), file, 400, "shasum"},
		{"another integrity", with(func(i *wire.Import) { i.Integrity = "sha512-AAAA" }), file, 400, "integrity"},
		{"the future", with(func(i *wire.Import) { i.PublishedAt = time.Now().Add(1000 * time.Hour) }), file, 400, "future"},
		{"a publisher of lines", with(func(i *wire.Import) { i.Publisher = "x\ny" }), file, 400, "publisher"},
		{"a tag that is none", with(func(i *wire.Import) { i.Tags = []string{"1.0"} }), file, 400, "dist-tag"},
		{"junk", good, "junk", 400, ""},
		{"nothing", good, "", 400, ""},
		{"large", good, strings.Repeat("x", 65<<10), 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := n.send(tt.in, tt.file)
			if s := status(err); s < 400 || s >= 500 || tt.status != 0 && s != tt.status || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v (%d), want %d with %q", err, status(err), tt.status, tt.text)
			}
			if p, err := n.Present(t.Context(), "a"); err != nil || len(p.Versions) != 0 {
				t.Errorf("present = %v, %v", p, err)
			}
		})
	}
	if w := n.request("PUT", "/-/admin/import?name=a&version=1.0.0&publishedAt=yesterday", file, bearer(controlToken)); w.Code != 400 {
		t.Errorf("a time that is none = %d %s", w.Code, w.Body)
	}
}

// The bytes of a version never change, whoever imports.
func TestImportOverAPublish(t *testing.T) {
	n := start(t)
	if _, err := n.send(wire.Import{Name: "a", Version: "1.0.0"}, tgz(t, `{"name":"a","version":"1.0.0"}`)); err != nil {
		t.Fatal(err)
	}
	_, err := n.send(wire.Import{Name: "a", Version: "1.0.0"}, tgz(t, `{"name":"a","version":"1.0.0","description":"other"}`))
	if status(err) != 409 {
		t.Errorf("other bytes: %v, want 409", err)
	}
	if err := n.packages.Unpublish(t.Context(), auth.Operator(), "a", "", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	_, err = n.send(wire.Import{Name: "a", Version: "1.0.0"}, tgz(t, `{"name":"a","version":"1.0.0","description":"other"}`))
	if status(err) != 409 {
		t.Errorf("other bytes over a tombstone: %v, want 409", err)
	}
}
