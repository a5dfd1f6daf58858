package pack

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/manifest"
	"github.com/org/registry-action/internal/format/tarball"
)

const manifestName = "package.json"

// readManifest reads the package.json of a folder of the workspace.
func (p *packer) readManifest(root *os.Root) (*manifest.Manifest, error) {
	path, err := filepath.Rel(p.ws.Root, filepath.Join(root.Name(), manifestName))
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", manifestName, root.Name(), err)
	}
	f, err := root.Open(manifestName)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	limit := tarball.DefaultLimits().Manifest
	src, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if int64(len(src)) > limit {
		return nil, fault.New(fault.TooLarge, "%s is larger than the %d bytes a registry takes", path, limit)
	}
	return manifest.Parse(path, src)
}

// source is a file being packed. It yields exactly the file that was listed: one
// that grows, shrinks or is written to meanwhile fails the pack.
type source struct {
	ctx  context.Context
	file *os.File
	pkg  string
	name string
	was  fs.FileInfo
}

// opener opens a file below an os.Root: links are followed only as far as that allows.
type opener func() (*os.File, error)

// openSource opens a listed file.
func openSource(ctx context.Context, open opener, pkg, name string, size int64) (io.ReadCloser, error) {
	f, err := open()
	if err != nil {
		return nil, fmt.Errorf("%s: reading %s: %w", pkg, name, err)
	}
	s := &source{ctx: ctx, file: f, pkg: pkg, name: name}
	if s.was, err = f.Stat(); err == nil && (!s.was.Mode().IsRegular() || s.was.Size() != size) {
		err = s.changed()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

func (s *source) changed() error {
	return fault.New(fault.Invalid, "%s: %s changed while it was being packed; let whatever writes it finish first", s.pkg, s.name)
}

// Read checks at the end that the file is still the one that was opened.
func (s *source) Read(b []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	n, err := s.file.Read(b)
	if err != io.EOF {
		return n, err
	}
	now, statErr := s.file.Stat()
	if statErr != nil {
		return n, statErr
	}
	if now.Size() != s.was.Size() || !now.ModTime().Equal(s.was.ModTime()) {
		return n, s.changed()
	}
	return n, io.EOF
}

// Close closes the file.
func (s *source) Close() error { return s.file.Close() }
