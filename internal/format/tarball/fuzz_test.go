package tarball

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// checkAccepted reads an accepted archive with Go's standard library and
// compares what that finds with the summary.
func checkAccepted(t *testing.T, tgz []byte, sum Summary) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		t.Fatalf("accepted, but %v", err)
	}
	var top string
	rank := 0
	got := Summary{Name: sum.Name, Version: sum.Version, Sums: sum.Sums, Size: int64(len(tgz))}
	for entries := tar.NewReader(z); ; {
		h, err := entries.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		first, inside, _ := strings.Cut(h.Name, "/")
		if top == "" {
			top = first
		}
		if !filepath.IsLocal(h.Name) || first != top {
			t.Fatalf("accepted name %q beside %q", h.Name, top)
		}
		if h.Typeflag == tar.TypeSymlink && !filepath.IsLocal(filepath.Join(filepath.Dir(inside), h.Linkname)) {
			t.Fatalf("accepted link %q to %q", h.Name, h.Linkname)
		}
		if h.Typeflag == tar.TypeReg {
			got.Files++
			got.Unpacked += h.Size
			switch r := readmeRank(inside); {
			case inside == "package.json":
				got.Manifest, _ = io.ReadAll(entries)
			case inside == "binding.gyp":
				got.Gyp = true
			case inside == "npm-shrinkwrap.json":
				got.Shrinkwrap = true
			case r > rank && h.Size > 0:
				text, _ := io.ReadAll(entries)
				rank, got.Readme = r, text[:min(len(text), maxReadme)]
			}
		}
	}
	if len(got.Readme) == maxReadme {
		got.Readme = wholeRunes(got.Readme)
	}
	if diff := cmp.Diff(got, sum); diff != "" {
		t.Fatalf("the summary differs from what the archive has (-archive +summary):\n%s", diff)
	}
}

func checkRefused(t *testing.T, err error) {
	t.Helper()
	if e, ok := fault.Public(err); !ok || e.Kind != fault.Invalid && e.Kind != fault.TooLarge {
		t.Fatalf("error %v is no refusal", err)
	}
}

// fuzzLimits keep single inputs cheap.
func fuzzLimits() Limits { return Limits{Unpacked: 1 << 20} }

// reseal mends the checksums of what looks like a header, so that the fuzzer gets past them.
func reseal(raw []byte) []byte {
	raw = bytes.Clone(raw)
	for at := 0; at+ustar.BlockSize <= len(raw); at += ustar.BlockSize {
		if h := (*ustar.Block)(raw[at:]); string(h[ustar.OffMagic:ustar.OffMagic+5]) == "ustar" {
			sealed(h)
		}
	}
	return raw
}

func FuzzCheck(f *testing.F) {
	index := entry('0', "package/index.js", "x")
	for _, raw := range [][]byte{
		rawTar(manifestEntry(), index),
		rawTar(pax('g', "comment=x"), pax('x', "path=package/a", "mtime=1.5"), index, manifestEntry()),
		rawTar(entry('L', "././@LongLink", "package/long\x00"), index, manifestEntry()),
		rawTar(manifestEntry(), entry('5', "package/lib/", ""), symlink("package/lib/a", "../index.js"), index),
		rawTar(manifestEntry(), linkEntry('1', "package/a", "package/package.json")),
		rawTar(entry('0', "package/readme", "x"), entry('0', "package/README.md", "y"), manifestEntry(), entry('0', "package/binding.gyp", ""), entry('0', "package/npm-shrinkwrap.json", "{}")),
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tgz := gzipped(t, reseal(raw))
		sum, err := Check(bytes.NewReader(tgz), fuzzLimits())
		if err != nil {
			checkRefused(t, err)
			return
		}
		checkAccepted(t, tgz, sum)
	})
}

func FuzzCheckFile(f *testing.F) {
	f.Add(gzipped(f, rawTar(manifestEntry())))
	f.Add(pack(f, new(Packer), testManifest, textFile("a", "b", 0o644)).whole)
	f.Fuzz(func(t *testing.T, tgz []byte) {
		sum, err := Check(bytes.NewReader(tgz), fuzzLimits())
		if err != nil {
			checkRefused(t, err)
			return
		}
		checkAccepted(t, tgz, sum)
	})
}

func FuzzCheckSplit(f *testing.F) {
	s := pack(f, new(Packer), testManifest, textFile("a", "b", 0o644))
	f.Add(s.head, s.body)
	f.Fuzz(func(t *testing.T, head, body []byte) {
		sum, recipe, err := CheckSplit(bytes.NewReader(head), bytes.NewReader(body), fuzzLimits())
		if err != nil {
			checkRefused(t, err)
			return
		}
		tgz, err := io.ReadAll(NewReader(recipe, bytes.NewReader(head), bytes.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := Check(bytes.NewReader(tgz), fuzzLimits())
		if diff := cmp.Diff(whole, sum); err != nil || diff != "" {
			t.Fatalf("the joined file: %v (-whole +split)\n%s", err, diff)
		}
		checkAccepted(t, tgz, sum)
	})
}
