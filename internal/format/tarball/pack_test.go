package tarball

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// oddFiles are names at every bound of ustar, by their path in the package.
func oddFiles() map[string]string {
	long := strings.Repeat("b", 60)
	files := map[string]string{
		"index.js":                            "console.log('hello')\n",
		"cli.js":                              "#!/usr/bin/env node\n",
		"empty.txt":                           "",
		"block.bin":                           strings.Repeat("\x01", 512),
		"big.txt":                             strings.Repeat("the quick brown fox\n", 20_000),
		"lib/übergröße.js":                    "umlaut",
		"d/" + long + "/f.js":                 "prefix",
		"d/" + long + "/" + long + "/x.js":    "prefix",
		"d/" + strings.Repeat("a", 120):       "name too long for ustar",
		strings.Repeat(long+"/", 3) + "x.js":  "prefix too long for ustar",
		strings.Repeat(long+"/", 10) + "x.js": "far too long for ustar",
	}
	for n := range 10 {
		files["n/"+strings.Repeat("n", 86+n)] = "around the bound of the name field"
		files["p/"+strings.Repeat("p", 138+n)+"/x"] = "around the bound of the prefix field"
	}
	return files
}

func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The tar of a split file is npm's, byte for byte but for the place of package.json.
func TestBytesAreThoseOfNPM(t *testing.T) {
	const manifest = `{"name":"odd","version":"1.0.0","bin":"cli.js"}`
	files := oddFiles()
	files["package.json"] = manifest
	dir := writeTree(t, files)
	modes := map[string]os.FileMode{"index.js": 0o600, "big.txt": 0o777, "empty.txt": 0o444}
	for name, mode := range modes {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", dir, "--cache", t.TempDir())
	tgz, err := os.ReadFile(filepath.Join(dir, "odd-1.0.0.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(tgz, Recipe{}.Header()) {
		t.Errorf("npm's gzip header is % x, ours % x", tgz[:headerSize], Recipe{}.Header())
	}
	npm := gunzip(t, tgz)

	var in []File
	seen := 0
	for r := tar.NewReader(bytes.NewReader(npm)); ; seen++ {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(h.Name, "package/")
		if name == "package.json" {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, File{Name: name, Size: info.Size(), Mode: info.Mode(), Executable: name == "cli.js",
			Open: func() (io.ReadCloser, error) { return os.Open(filepath.Join(dir, name)) }})
	}
	if seen != len(files) {
		t.Fatalf("npm packed %d of %d files", seen, len(files))
	}
	ours := gunzip(t, pack(t, new(Packer), manifest, in...).whole)
	head := ours[:2*ustar.BlockSize]
	before, after, ok := bytes.Cut(npm, head)
	if !ok {
		t.Fatal("npm's entry of package.json is not our head")
	}
	want := slices.Concat(before, after)
	for i, block := range slices.Collect(slices.Chunk(ours[2*ustar.BlockSize:], ustar.BlockSize)) {
		if theirs := want[i*ustar.BlockSize:][:ustar.BlockSize]; !bytes.Equal(block, theirs) {
			t.Fatalf("block %d is\n%q, npm's is\n%q", i, block, theirs)
		}
	}
	if len(ours) != len(npm) {
		t.Errorf("our tar has %d bytes, npm's %d", len(ours), len(npm))
	}
}

func TestToolsReadSplitFiles(t *testing.T) {
	files := map[string]string{"index.js": "module.exports = 42\n", "lib/ü.js": "", "big.txt": strings.Repeat("some text\n", 10_000)}
	var in []File
	for _, name := range []string{"big.txt", "index.js", "lib/ü.js"} {
		in = append(in, textFile(name, files[name], 0o644))
	}
	s := pack(t, new(Packer), testManifest, in...)
	files["package.json"] = testManifest
	dir := t.TempDir()
	tgz := filepath.Join(dir, "a.tgz")
	if err := os.WriteFile(tgz, s.whole, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "gzip", "-t", tgz)
	run(t, dir, "tar", "-xzf", tgz)
	run(t, dir, "npm", "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--silent",
		"--cache", t.TempDir(), "--prefix", dir, tgz)
	for _, root := range []string{"package", "node_modules/@a/pkg"} {
		for name, want := range files {
			got, err := os.ReadFile(filepath.Join(dir, root, name))
			if err != nil || string(got) != want {
				t.Errorf("%s/%s: got %d bytes, %v; want %d", root, name, len(got), err, len(want))
			}
		}
	}
}

// The digest is written down so that a new version of the compressor, or
// another machine, that makes other bytes is noticed.
func TestOutputIsRepeatable(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(rnd.IntN(40))
	}
	content := string(noise) + strings.Repeat("function f() { return 1 }\n", 10_000)
	chunked := textFile("b.js", content, 0o644)
	chunked.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(iotest.HalfReader(iotest.DataErrReader(strings.NewReader(content)))), nil
	}
	var p Packer
	want := pack(t, &p, testManifest, textFile("b.js", content, 0o644))
	const golden = "sha256:361fdbadb722e411b82ae67926282c26c2b0b887aad9a6b8b78b795a17cb30e9"
	if got := want.recipe.Body.Digest.String(); got != golden {
		t.Errorf("the body's digest is %s, want %s", got, golden)
	}
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for range 3 {
				pack(t, &p, testManifest, textFile("other.js", content[i*7777:], 0o644))
				if got := pack(t, &p, testManifest, chunked); !bytes.Equal(got.whole, want.whole) {
					t.Error("a reused compressor, or other read sizes, made other bytes")
				}
			}
		})
	}
	wg.Wait()
	if got := pack(t, new(Packer), testManifest, chunked); !bytes.Equal(got.whole, want.whole) {
		t.Error("a fresh compressor made other bytes")
	}
}

func TestEntryMode(t *testing.T) {
	for _, tc := range []struct {
		mode, want os.FileMode
		bin        bool
	}{
		{0o644, 0o644, false}, {0o600, 0o600, false}, {0o777, 0o755, false}, {0o444, 0o644, false},
		{0o000, 0o600, false}, {0o664, 0o644, true}, {0o600, 0o711, true}, {0o4755, 0o755, false},
	} {
		want := tc.want
		if tc.bin {
			want |= 0o111
		}
		if got := entryMode(File{Mode: tc.mode, Executable: tc.bin}); got != want {
			t.Errorf("entryMode(%o, bin=%v) = %o, want %o", tc.mode, tc.bin, got, want)
		}
	}
}

func TestWriteBodyRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"": "its name is empty", "/etc/passwd": "absolute", "../x": `a part ".."`, "a/../b": `a part ".."`,
		"./a": `a part "."`, "a//b": "empty part", "a/": "empty part", "a\x00b": "NUL", `a\b`: "backslash",
		"C:/x": "drive letter", "package.json": "packed apart", "Package.JSON": "packed apart", "\xff": "not UTF-8",
		strings.Repeat("a", 1020): "longer than 1024", strings.Repeat("a/", 130) + "a": "128 folders",
	} {
		f := textFile(name, "x", 0o644)
		f.Open = func() (io.ReadCloser, error) { t.Errorf("%q was opened", name); return nil, io.EOF }
		_, err := new(Packer).WriteBody(io.Discard, []File{f})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("WriteBody(%.40q) = %v, want %q", name, err, want)
		}
	}
	twice := []File{textFile("a", "", 0o644), textFile("a", "", 0o644)}
	if _, err := new(Packer).WriteBody(io.Discard, twice); !errors.Is(err, fault.Invalid) {
		t.Errorf("WriteBody of the same name twice = %v", err)
	}
}

func TestFileChangesWhilePacking(t *testing.T) {
	for _, size := range []int64{0, 3, 5, 1 << 20} {
		f := textFile("src/a.js", "four", 0o644)
		f.Size = size
		_, err := new(Packer).WriteBody(io.Discard, []File{f})
		if err == nil || !strings.Contains(err.Error(), "src/a.js changed while it was being packed") {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

// A failed run leaves nothing in the compressor that the next run uses.
func TestErrorsOfFilesAndWriters(t *testing.T) {
	var p Packer
	want := pack(t, &p, testManifest, textFile("a", "content", 0o644))
	boom := errors.New("boom")
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	closed := false
	broken := textFile("a", "", 0o644)
	broken.Size = 2 << 20
	broken.Open = func() (io.ReadCloser, error) {
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(noise), iotest.ErrReader(boom)), closer(func() error { closed = true; return nil })}, nil
	}
	if _, err := p.WriteBody(io.Discard, []File{broken}); !errors.Is(err, boom) || !closed {
		t.Errorf("a file that fails: %v, closed %v", err, closed)
	}
	broken.Open = func() (io.ReadCloser, error) { return nil, boom }
	if _, err := p.WriteBody(io.Discard, []File{broken}); !errors.Is(err, boom) {
		t.Errorf("a file that can't be opened: %v", err)
	}
	full := writer(func([]byte) (int, error) { return 0, boom })
	if _, err := p.WriteBody(full, []File{textFile("a", string(noise), 0o644)}); !errors.Is(err, boom) {
		t.Errorf("a writer that fails: %v", err)
	}
	if _, err := p.WriteHead(full, noise, ""); !errors.Is(err, boom) {
		t.Errorf("a writer that fails: %v", err)
	}
	got := pack(t, &p, testManifest, textFile("a", "content", 0o644))
	if diff := cmp.Diff(want.whole, got.whole); diff != "" {
		t.Errorf("after failed runs other bytes: %s", diff)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

type closer func() error

func (c closer) Close() error { return c() }
