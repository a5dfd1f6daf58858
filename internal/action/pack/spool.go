package pack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// spool is a file that tarballs are appended to: making a file of its own for
// each would cost more than compressing a small package.
type spool struct {
	*os.File
	end int64 // bytes; after an error, which ends the Run, there may be more
}

// spools are the spools of one Run: as many as packages are written at once.
type spools struct {
	mu   sync.Mutex
	idle []*spool
}

// take gives the caller a spool, a new file of dir if all others are taken.
func (s *spools) take(dir string) (*spool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.idle) - 1; last >= 0 {
		taken := s.idle[last]
		s.idle = s.idle[:last]
		return taken, nil
	}
	f, err := os.CreateTemp(dir, "tarballs-*")
	if err != nil {
		return nil, err
	}
	return &spool{File: f}, nil
}

func (s *spools) put(back *spool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, back)
}

// close closes the files, which all must have been put back.
func (s *spools) close() error {
	var errs []error
	for _, spool := range s.idle {
		errs = append(errs, spool.Close())
	}
	return errors.Join(errs...)
}

// section is where in a file something is stored.
type section struct {
	path         string
	offset, size int64 // bytes
}

// open opens the file at the section's start.
func (s section) open() (*os.File, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(s.offset, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// reader reads the section, and no more than that of the file.
func (s section) reader() (io.ReadCloser, error) {
	f, err := s.open()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, s.size), f}, nil
}

// copyTo copies the section, which must be complete. From file to file, the
// kernel can do it.
func (s section) copyTo(dst *os.File) (err error) {
	f, err := s.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if n, err := io.CopyN(dst, f, s.size); err != nil {
		return fmt.Errorf("copying %d of %d bytes: %w", n, s.size, err)
	}
	return nil
}
