package regclient

import (
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/hashicorp/go-retryablehttp"
)

// sourceError is a blob that cannot be read as promised: no try helps.
type sourceError struct{ cause error }

func (e *sourceError) Error() string { return e.cause.Error() }
func (e *sourceError) Unwrap() error { return e.cause }

// source gives each try a body. A try that is over may still be reading while
// the next one starts: only the live body reports progress.
type source struct {
	size     int64
	open     func() (io.ReadCloser, error)
	progress func(int64)

	mu   sync.Mutex
	live *body
}

func (s *source) reader() retryablehttp.ReaderFunc {
	return func() (io.Reader, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.live != nil && s.live.sent > 0 && s.progress != nil {
			s.progress(-s.live.sent)
		}
		s.live = &body{s: s}
		return s.live, nil
	}
}

// report counts n bytes of b.
func (s *source) report(b *body, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.sent += int64(n)
	if s.live == b && n > 0 && s.progress != nil {
		s.progress(int64(n))
	}
}

// body is the blob as one try reads it, opened at the first Read. net/http may
// close it while a Read runs.
type body struct {
	s    *source
	sent int64 // guarded by s.mu
	read int64 // of the reading goroutine

	mu     sync.Mutex
	file   io.ReadCloser
	closed bool
}

func (b *body) Read(p []byte) (int, error) {
	file, err := b.opened()
	if err != nil {
		return 0, err
	}
	n, err := file.Read(p)
	b.read += int64(n)
	if err == nil && b.read == b.s.size {
		var more [1]byte
		extra, end := io.ReadFull(file, more[:])
		b.read, err = b.read+int64(extra), end
	}
	switch {
	case b.read > b.s.size, err == io.EOF && b.read < b.s.size:
		// The last bytes are held back: without them, no server can take the blob.
		return 0, &sourceError{fmt.Errorf("the blob has changed: it had %d bytes when it was planned", b.s.size)}
	case err != nil && err != io.EOF:
		return 0, &sourceError{fmt.Errorf("reading the blob: %w", err)}
	}
	b.s.report(b, n)
	return n, err
}

func (b *body) opened() (io.Reader, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, http.ErrBodyReadAfterClose
	}
	if b.file == nil {
		file, err := b.s.open()
		if err != nil {
			return nil, &sourceError{fmt.Errorf("opening the blob: %w", err)}
		}
		b.file = file
	}
	return b.file, nil
}

// Close closes what Read has opened.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
