package zig

import (
	"archive/tar"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/ustar"
)

const (
	benchFiles = 5000
	benchSize  = 100 << 20 // bytes of all of them
)

// benchFolder is a package of 5,000 files with 100 MiB, on disk and as a tar.
func benchFolder(b *testing.B) (dir, archive string) {
	b.Helper()
	dir, archive = b.TempDir(), filepath.Join(b.TempDir(), "package.tar")
	f, err := os.Create(archive)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	body := make([]byte, benchSize/benchFiles)
	rand.NewChaCha8([32]byte{}).Read(body)
	for i := range benchFiles {
		name := fmt.Sprintf("src/%d/%d.zig", i%50, i)
		copy(body, name)
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(full, body, 0o644); err != nil {
			b.Fatal(err)
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(body)), Mode: 0o644}); err != nil {
			b.Fatal(err)
		}
		w.Write(body)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return dir, archive
}

// BenchmarkHash hashes a tar and a folder, beside sha256sum over the same bytes; run it with -cpu 1,2 and under taskset.
func BenchmarkHash(b *testing.B) {
	dir, archive := benchFolder(b)
	b.Run("tar", func(b *testing.B) {
		b.SetBytes(benchSize)
		b.ReportAllocs()
		for b.Loop() {
			f, err := os.Open(archive)
			if err != nil {
				b.Fatal(err)
			}
			info, err := f.Stat()
			if err != nil {
				b.Fatal(err)
			}
			tree, err := Unpack(b.Context(), f, info.Size(), nil, Limits{})
			benchInspect(b, tree, err)
			f.Close()
		}
	})
	b.Run("folder", func(b *testing.B) {
		b.SetBytes(benchSize)
		b.ReportAllocs()
		for b.Loop() {
			root, err := os.OpenRoot(dir)
			if err != nil {
				b.Fatal(err)
			}
			tree, err := OpenFolder(b.Context(), root, Limits{})
			benchInspect(b, tree, err)
			root.Close()
		}
	})
	for name, args := range map[string][]string{
		"sha256sum-one-file": {"sha256sum", archive},
		"sha256sum-files":    {"sh", "-c", `find "$0" -type f -print0 | xargs -0 sha256sum`, dir},
	} {
		b.Run(name, func(b *testing.B) {
			if _, err := exec.LookPath("sha256sum"); err != nil {
				b.Skip("no sha256sum here")
			}
			b.SetBytes(benchSize)
			for b.Loop() {
				if err := exec.Command(args[0], args[1:]...).Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchInspect(b *testing.B, tree *Tree, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := tree.Inspect(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkWrite packs the same package anew.
func BenchmarkWrite(b *testing.B) {
	_, archive := benchFolder(b)
	f, err := os.Open(archive)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	tree, err := Unpack(b.Context(), f, benchSize+benchFiles*4*ustar.BlockSize, nil, Limits{})
	if err != nil {
		b.Fatal(err)
	}
	p, err := tree.Inspect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	started := time.Now()
	for b.Loop() {
		if err := p.Write(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(time.Since(started).Seconds()/float64(b.N), "s/package")
}
