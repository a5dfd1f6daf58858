package tarball

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/ustar"
)

const testManifest = `{"name":"@a/pkg","version":"1.2.3"}`

// textFile is a File with its content in memory.
func textFile(name, content string, mode fs.FileMode) File {
	return File{Name: name, Size: int64(len(content)), Mode: mode, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

// split is a packed archive: both runs, their recipe and the joined file.
type split struct {
	head, body []byte
	recipe     Recipe
	whole      []byte
}

func pack(t testing.TB, p *Packer, manifest string, files ...File) split {
	t.Helper()
	var head, body bytes.Buffer
	h, err := p.WriteHead(&head, []byte(manifest), "")
	if err != nil {
		t.Fatalf("WriteHead: %v", err)
	}
	b, err := p.WriteBody(&body, files)
	if err != nil {
		t.Fatalf("WriteBody: %v", err)
	}
	s := split{head: head.Bytes(), body: body.Bytes(), recipe: Join(h, b)}
	r := NewReader(s.recipe, bytes.NewReader(s.head), bytes.NewReader(s.body))
	if s.whole, err = io.ReadAll(r); err != nil {
		t.Fatalf("reading the joined file: %v", err)
	}
	return s
}

func gunzip(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("gunzip: %v", err)
	}
	return raw
}

func gzipped(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(raw)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rawTar joins entries and ends the archive.
func rawTar(entries ...string) []byte {
	return []byte(strings.Join(entries, "") + strings.Repeat("\x00", 2*ustar.BlockSize))
}

// entry is a ustar entry made by hand; change edits the header before it is sealed.
func entry(kind byte, name, content string, change ...func(h *ustar.Block)) string {
	h := newHeader(name, int64(len(content)), 0o644, kind)
	for _, f := range change {
		f(h)
	}
	return string(sealed(h)) + content + strings.Repeat("\x00", int(ustar.Padding(int64(len(content)))))
}

func symlink(name, target string) string { return linkEntry('2', name, target) }

func linkEntry(kind byte, name, target string) string {
	return entry(kind, name, "", func(h *ustar.Block) { copy(h[ustar.OffLink:ustar.EndLink], target) })
}

func manifestEntry() string { return entry('0', "package/package.json", testManifest) }

// goTar writes an archive with archive/tar.
func goTar(t testing.TB, headers ...*tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := strings.Repeat("x", int(h.Size))
		if strings.HasSuffix(h.Name, "/package.json") {
			content = testManifest
			h.Size = int64(len(content))
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// run runs a command and returns what it printed.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, fmt.Sprint(args), err, out)
	}
	return string(out)
}

// pax is an extension header of records "key=value".
func pax(kind byte, records ...string) string {
	var body strings.Builder
	for _, r := range records {
		key, value, _ := strings.Cut(r, "=")
		body.WriteString(paxRecord(key, value))
	}
	return entry(kind, "PaxHeader/x", body.String())
}

func set(off int, text string) func(h *ustar.Block) {
	return func(h *ustar.Block) { copy(h[off:], text) }
}
