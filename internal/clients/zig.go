package clients

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// fromPyPI installs a compiler into an empty folder from its wheel, which pip finds
// as it is configured. Nothing of it is installed into Python.
func fromPyPI(ctx context.Context, tool Tool, tmp string) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("installing %s: python3 with pip is needed to fetch Zig compilers; install them (Debian: apt-get install python3-pip): %w", tool, err)
	}
	wheels := filepath.Join(tmp, "wheels")
	cmd := exec.CommandContext(ctx, python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir",
		"--no-deps", "--only-binary=:all:", "--dest", wheels, "ziglang=="+tool.Version())
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("installing %s with pip (is it there? python3 -m pip --version; Debian: apt-get install python3-pip): %w\n%s", tool, err, out)
	}
	found, err := filepath.Glob(filepath.Join(wheels, "ziglang-*.whl"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("installing %s: pip brought %d wheels: %w", tool, len(found), fs.ErrNotExist)
	}
	if err := errors.Join(unzip(found[0], tmp), os.RemoveAll(wheels)); err != nil {
		return fmt.Errorf("installing %s: %w", tool, err)
	}
	bin := filepath.Join(tmp, "bin")
	err = errors.Join(
		os.Chmod(filepath.Join(tmp, "ziglang", "zig"), 0o755), // a wheel that pip does not install has no modes
		os.Mkdir(bin, 0o755),
		os.Symlink(filepath.Join("..", "ziglang", "zig"), filepath.Join(bin, "zig")),
	)
	if err != nil {
		return fmt.Errorf("installing %s: %w", tool, err)
	}
	return nil
}

// unneeded is more than half of a wheel: the C libraries, for programs that link
// them. On macOS all do.
var unneeded = []string{"libc/", "libcxx/", "libcxxabi/", "libtsan/", "tsan/", "libunwind/", "include/", "docs/"}

// needed reports whether a file of the wheel is part of the compiler.
func needed(name string) bool {
	in, ok := strings.CutPrefix(name, "ziglang/lib/")
	if !ok {
		return name == "ziglang/zig" || name == "ziglang/LICENSE"
	}
	for _, folder := range unneeded {
		if strings.HasPrefix(in, folder) {
			return runtime.GOOS == "darwin"
		}
	}
	return true
}

// unzip writes what is needed of an archive below a folder.
func unzip(archive, to string) (err error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, f := range z.File {
		if !needed(f.Name) || strings.HasSuffix(f.Name, "/") {
			continue
		}
		if err := unzipFile(root, f); err != nil {
			return fmt.Errorf("unpacking %s: %w", f.Name, err)
		}
	}
	return nil
}

func unzipFile(root *os.Root, f *zip.File) (err error) {
	if err := root.MkdirAll(filepath.FromSlash(f.Name[:strings.LastIndexByte(f.Name, '/')]), 0o755); err != nil {
		return err
	}
	src, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := root.Create(filepath.FromSlash(f.Name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	_, err = io.Copy(dst, src)
	return err
}
