package parity

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"

	"github.com/org/registry-action/internal/format/packlist"
	"github.com/org/registry-action/internal/format/tarball"
)

const manifestName = "package.json"

// ours packs a tree with our packages and reads the result's entries. The runs
// of the tarball go to files in scratch.
func ours(packer *tarball.Packer, tree Tree, scratch string) (entries []Entry, err error) {
	listed, err := packlist.List(tree.Dir, packlist.Options{WorkspaceRoot: tree.Workspace, Workspaces: tree.Members})
	if err != nil {
		return nil, err
	}
	roots := packlist.Roots{}
	defer roots.Close()
	var manifest []byte
	files := make([]tarball.File, 0, len(listed))
	for _, f := range listed {
		if f.Path == manifestName {
			if manifest, err = os.ReadFile(filepath.Join(tree.Dir, manifestName)); err != nil {
				return nil, err
			}
			continue
		}
		files = append(files, tarball.File{
			Name: f.Path, Size: f.Size, Mode: f.Mode, Executable: f.Executable,
			Open: func() (io.ReadCloser, error) { return roots.Open(f) },
		})
	}
	head, headRun, err := writeRun(scratch, func(w io.Writer) (tarball.Run, error) { return packer.WriteHead(w, manifest, "") })
	if err != nil {
		return nil, fmt.Errorf("writing the head of %s: %w", tree.Name, err)
	}
	defer head.Close()
	body, bodyRun, err := writeRun(scratch, func(w io.Writer) (tarball.Run, error) { return packer.WriteBody(w, files) })
	if err != nil {
		return nil, fmt.Errorf("writing the body of %s: %w", tree.Name, err)
	}
	defer body.Close()
	unzipped, err := gzip.NewReader(tarball.NewReader(tarball.Join(headRun, bodyRun), head, body))
	if err != nil {
		return nil, fmt.Errorf("reading our tarball of %s: %w", tree.Name, err)
	}
	return ReadEntries(unzipped)
}

// writeRun writes a run to an unnamed file and returns it for reading.
func writeRun(scratch string, write func(io.Writer) (tarball.Run, error)) (*os.File, tarball.Run, error) {
	f, err := os.CreateTemp(scratch, "run")
	if err != nil {
		return nil, tarball.Run{}, err
	}
	run, err := write(f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = os.Remove(f.Name())
	}
	if err != nil {
		f.Close()
		return nil, tarball.Run{}, err
	}
	return f, run, nil
}
