package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/org/registry-action/internal/format/zig"
)

const (
	zigFiles  = 5000
	zigSize   = 100 << 20 // bytes of all of them
	zigFolder = 100       // files of a folder
)

// measureZig hashes a large package as a compiler does, and publishes it.
func measureZig(ctx context.Context, b *bench, dir string) (t table, err error) {
	t.Title = "a Zig package of 100 MiB in 5,000 files"
	folder, archive := filepath.Join(dir, "package"), filepath.Join(dir, "package.tar")
	if err := writeZigPackage(folder, archive); err != nil {
		return t, err
	}
	var ofTar, ofFolder, sums []usage
	for i := range rounds + 1 {
		summed, err := runTool(ctx, dir, environment(), "sha256sum", archive)
		if err != nil {
			return t, err
		}
		hashedTar, err := timed(func() error { return hashTar(ctx, archive) })
		if err != nil {
			return t, err
		}
		hashedFolder, err := timed(func() error { return hashFolder(ctx, folder) })
		if err != nil {
			return t, err
		}
		if i > 0 { // the first round warms up
			sums, ofTar, ofFolder = append(sums, summed), append(ofTar, hashedTar), append(ofFolder, hashedFolder)
		}
	}
	t.took("sha256sum of the tar", typical(sums))
	for _, ours := range []struct {
		what string
		runs []usage
	}{{"hash of the tar", ofTar}, {"hash of the folder", ofFolder}} {
		t.took(ours.what, typical(ours.runs))
		wall, cpu := times(ours.runs, sums)
		t.aim(ours.what+" against sha256sum, wall time", wall, ratio, atMost, 1.3)
		t.aim(ours.what+" against sha256sum, CPU time", cpu, ratio, atMost, 1.3)
	}
	return t, publishZig(ctx, b, dir, archive, &t)
}

// publishZig sends the package as a plain tar and as a tar.gz, and reports the server's memory.
func publishZig(ctx context.Context, b *bench, dir, archive string, t *table) (err error) {
	s, err := b.startServer(ctx, filepath.Join(dir, "data"), "--max-package-size", "300MiB")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	before, err := peak(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	if _, err := runTool(ctx, dir, environment(), "gzip", "--keep", "--fast", archive); err != nil {
		return err
	}
	for _, file := range []string{archive, archive + ".gz"} {
		took, err := runTool(ctx, dir, environment(), "curl", "--silent", "--show-error", "--fail-with-body", "--output", "answer",
			"-F", "tarball=@"+file, s.url+"/zig/publish")
		if err != nil {
			return err
		}
		t.add("publish of "+filepath.Base(file)+", wall time", took.Wall.Seconds(), seconds)
	}
	after, err := peak(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	t.aim("publishing: server above idle", float64(after-before), bytesOf, atMost, memoryLimit)
	return nil
}

func hashTar(ctx context.Context, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	tree, err := zig.Unpack(ctx, f, info.Size(), nil, zig.Limits{})
	if err != nil {
		return err
	}
	_, err = tree.Inspect(ctx)
	return err
}

func hashFolder(ctx context.Context, path string) (err error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	tree, err := zig.OpenFolder(ctx, root, zig.Limits{})
	if err != nil {
		return err
	}
	_, err = tree.Inspect(ctx)
	return err
}

// writeZigPackage writes the package as a folder and as a tar. Its files are random bytes.
func writeZigPackage(folder, archive string) (err error) {
	f, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := tar.NewWriter(f)
	manifest := fmt.Sprintf(".{\n    .name = .large,\n    .version = \"1.0.0\",\n    .fingerprint = 0x%x,\n    .paths = .{\"\"},\n}\n",
		zig.SuggestFingerprint("large", 7))
	if err := addZigFile(w, folder, "build.zig.zon", []byte(manifest)); err != nil {
		return err
	}
	body, random := make([]byte, zigSize/zigFiles), rand.NewChaCha8([32]byte{})
	for i := range zigFiles {
		if _, err := io.ReadFull(random, body); err != nil {
			return err
		}
		if err := addZigFile(w, folder, fmt.Sprintf("src/%d/%d.bin", i/zigFolder, i), body); err != nil {
			return err
		}
	}
	return w.Close()
}

func addZigFile(w *tar.Writer, folder, name string, body []byte) error {
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body))}); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}
