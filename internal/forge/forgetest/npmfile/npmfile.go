// Package npmfile brings single files of published npm packages to tests:
// fetched once with the npm client under its own configuration, kept in the
// user's cache folder. It is for tests and tools only.
package npmfile

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// maxFile bounds the file that is taken out of a package, in bytes.
const maxFile = 64 << 20

// File names a file of a package.
type File struct {
	Package string // "@octokit/openapi"
	Version string // exact
	Path    string // in the tarball: "package/…"
	// As is the name to keep it under. A change of Convert needs a new name.
	As string
	// Convert writes what is kept; nil keeps the file as it is.
	Convert func(w io.Writer, r io.Reader) error
}

// Get returns the path of the file in the cache, after fetching it if it is
// not there. Several processes may do so at once.
func Get(ctx context.Context, f File) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache folder: %w", err)
	}
	id := strings.ReplaceAll(strings.TrimPrefix(f.Package, "@"), "/", "-") + "-" + f.Version
	path := filepath.Join(cache, "registry-action", id, f.As)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := fetch(ctx, f, path); err != nil {
		return "", fmt.Errorf("fetching %s of %s@%s: %w", f.Path, f.Package, f.Version, err)
	}
	return path, nil
}

func fetch(ctx context.Context, f File, path string) error {
	dir, err := os.MkdirTemp("", "npmfile-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", "--ignore-scripts", f.Package+"@"+f.Version)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack: %w: %s", err, out)
	}
	tgz, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(tgz) != 1 {
		return fmt.Errorf("npm pack left %d tarballs, want 1", len(tgz))
	}
	return extract(f, tgz[0], path)
}

func extract(f File, tgz, path string) error {
	in, err := os.Open(tgz)
	if err != nil {
		return err
	}
	defer in.Close()
	zr, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	tr := tar.NewReader(zr)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("the package has no such file")
		}
		if err != nil {
			return err
		}
		if h.Name == f.Path {
			return keep(f, io.LimitReader(tr, maxFile), path)
		}
	}
}

// keep writes the file beside its place and renames it into it.
func keep(f File, r io.Reader, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
		}
	}()
	if f.Convert != nil {
		err = f.Convert(tmp, r)
	} else {
		_, err = io.Copy(tmp, r)
	}
	if err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
