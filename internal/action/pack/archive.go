package pack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// archive reads the files of a .tgz that tarball.Check has accepted, in its
// order. Links are left out, as npm leaves them out when it extracts.
type archive struct {
	file *os.File
	zip  *gzip.Reader
	tar  *tar.Reader
}

func openArchive(path string) (*archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading %s: %w", path, err), f.Close())
	}
	return &archive{file: f, zip: zip, tar: tar.NewReader(zip)}, nil
}

// next goes to the next file. The name is relative to the package's folder.
func (a *archive) next() (name string, h *tar.Header, err error) {
	for {
		h, err = a.tar.Next()
		if err != nil {
			return "", nil, err
		}
		if h.Typeflag == tar.TypeReg {
			_, name, _ = strings.Cut(h.Name, "/")
			return name, h, nil
		}
	}
}

// seek goes on to the file with a name.
func (a *archive) seek(name string) (io.ReadCloser, error) {
	for {
		at, _, err := a.next()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s of %s: %w", name, a.file.Name(), err)
		}
		if at == name {
			return io.NopCloser(a.tar), nil
		}
	}
}

// Close closes the file; what was wrong with its content, a read has said.
func (a *archive) Close() error { return a.file.Close() }

// headers lists the files of an archive.
func headers(path string) (names []string, list []*tar.Header, err error) {
	a, err := openArchive(path)
	if err != nil {
		return nil, nil, err
	}
	defer a.Close()
	for {
		name, h, err := a.next()
		if err == io.EOF {
			return names, list, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", path, err)
		}
		names, list = append(names, name), append(list, h)
	}
}
