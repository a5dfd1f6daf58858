package adminapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/wire"
)

func (n *node) sendLumen(in wire.LumenImport, file string) (wire.Imported, error) {
	return n.ImportLumen(n.t.Context(), in, strings.NewReader(file), int64(len(file)))
}

// lumenArchive is the archive of a Lumen package, made with tar -z.
func lumenArchive(t *testing.T, name, version string) string {
	t.Helper()
	manifest := fmt.Sprintf("[package]\nname = %q\nversion = %q\n", name, version)
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	if err := w.WriteHeader(&tar.Header{Name: "./lumen.toml", Mode: 0o644, Size: int64(len(manifest))}); err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, manifest)
	w.Close()
	gz.Close()
	return b.String()
}

func TestLumenImport(t *testing.T) {
	n := start(t)
	at, reason := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), "broken; 50% + more"
	file := lumenArchive(t, "@acme/http", "1.0.0")
	in := wire.LumenImport{Name: "@acme/http", Version: "1.0.0", PublishedAt: at, Yanked: &reason, Checksum: checksum(file)}
	out, err := n.sendLumen(in, file)
	if err != nil || out != (wire.Imported{Name: "@acme/http", Version: "1.0.0"}) {
		t.Fatalf("imported %+v, %v", out, err)
	}
	d, err := n.api.Lumen.Metadata(t.Context(), "@acme/http", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	m, err := lumen.DecodeMetadata(d.Body)
	if err != nil || !m.Yanked || m.YankReason != reason || !strings.HasPrefix(m.PublishedAt, "2020-01-02T03:04:05") {
		t.Errorf("stored: %s, %v", d.Body, err)
	}
	if again, err := n.sendLumen(in, file); err != nil || !again.Unchanged {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	present, err := n.PresentLumen(t.Context(), "@acme/http")
	if err != nil || len(present.Versions) != 1 || present.Versions["1.0.0"].String() != checksum(file) {
		t.Errorf("present = %v, %v", present, err)
	}
	if none, err := n.PresentLumen(t.Context(), "@acme/none"); err != nil || len(none.Versions) != 0 {
		t.Errorf("present of nothing = %v, %v", none, err)
	}
	if out, err := n.sendLumen(wire.LumenImport{Name: "plain", Version: "0.1.0"}, lumenArchive(t, "plain", "0.1.0")); err != nil || out.Name != "plain" {
		t.Errorf("a name without a scope: %+v, %v", out, err)
	}
}

func TestLumenImportRefused(t *testing.T) {
	n := start(t)
	file := lumenArchive(t, "@acme/http", "1.0.0")
	good := wire.LumenImport{Name: "@acme/http", Version: "1.0.0"}
	for name, c := range map[string]struct {
		change func(*wire.LumenImport)
		file   string
		want   string
	}{
		"another name":     {func(i *wire.LumenImport) { i.Name = "@acme/other" }, file, "@acme/other"},
		"another version":  {func(i *wire.LumenImport) { i.Version = "1.0.1" }, file, "1.0.1"},
		"another checksum": {func(i *wire.LumenImport) { i.Checksum = checksum("x") }, file, checksum("x")},
		"the future":       {func(i *wire.LumenImport) { i.PublishedAt = time.Now().Add(48 * time.Hour) }, file, "in the future"},
		"no name":          {func(i *wire.LumenImport) { i.Name = "" }, file, "names its package"},
		"no archive":       {func(*wire.LumenImport) {}, "x", ""},
		"too large":        {func(*wire.LumenImport) {}, strings.Repeat("x", 128<<10), ""},
	} {
		in := good
		c.change(&in)
		if _, err := n.sendLumen(in, c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if w := n.request("PUT", "/-/admin/import/lumen?name=a&version=1.0.0&publishedAt=yesterday", file, bearer(controlToken)); w.Code != 400 {
		t.Errorf("a time that is none: %d %s", w.Code, w.Body)
	}
	if present, err := n.PresentLumen(t.Context(), "@acme/http"); err != nil || len(present.Versions) != 0 {
		t.Errorf("what was refused is there: %v, %v", present, err)
	}
}

func TestLumenKeys(t *testing.T) {
	n := start(t)
	before, err := n.LumenKeys(t.Context())
	if err != nil || len(before.Keys) != 1 {
		t.Fatalf("keys = %+v, %v", before, err)
	}
	made, err := n.RotateLumenKey(t.Context())
	if err != nil || made.KeyID == before.Keys[0].KeyID {
		t.Fatalf("rotated to %+v, %v", made, err)
	}
	after, err := n.LumenKeys(t.Context())
	if err != nil || len(after.Keys) != 2 || after.Keys[0].KeyID != made.KeyID || after.Keys[1].NotAfter == "" {
		t.Errorf("keys = %+v, %v", after, err)
	}
	out, err := n.RevokeLumenKey(t.Context(), made.KeyID)
	if err != nil || !out.Key.Revoked || out.Key.KeyID != made.KeyID || out.Current.KeyID == made.KeyID || out.Resigned != 0 {
		t.Errorf("revoked %+v, %v", out, err)
	}
	for _, id := range []string{before.Keys[0].KeyID + "00", "../../tokens"} {
		if _, err := n.RevokeLumenKey(t.Context(), id); err == nil {
			t.Errorf("%q was revoked", id)
		}
	}
	if w := n.request("POST", "/-/admin/keys/lumen/"+made.KeyID+"/revoke", ""); w.Code != 401 && w.Code != 403 {
		t.Errorf("a stranger revokes: %d %s", w.Code, w.Body)
	}
	if strings.Contains(n.log.String(), made.PublicKey) || !strings.Contains(n.log.String(), "lumen:"+made.KeyID) {
		t.Errorf("the log: %s", n.log)
	}
}
