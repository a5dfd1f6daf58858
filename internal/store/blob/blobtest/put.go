package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

func testBlobComesBack(t *testing.T, s *suite) {
	s.empty(t)
	for i, size := range []int{0, 1, 2000, 64 << 10, 64<<10 + 1, 1 << 20} {
		content := randomBytes(uint64(i), size)
		s.has(t, s.put(t, content), content)
	}
}

func testPutComputesTheDigest(t *testing.T, s *suite) {
	content := []byte("not announced")
	for i, want := range []bool{true, false} {
		info, created, err := s.Put(t.Context(), blob.Key{Space: space}, iotest.OneByteReader(bytes.NewReader(content)))
		if err != nil || created != want || info.Key != keyOf(content) || info.Size != int64(len(content)) {
			t.Fatalf("Put %d = %+v, created %t, %v", i+1, info, created, err)
		}
	}
	s.has(t, keyOf(content), content)
}

// A repeated Put reads and checks everything and changes nothing.
func testPutAgain(t *testing.T, s *suite) {
	content := randomBytes(1, 200<<10)
	key := s.put(t, content)
	before, err := s.Stat(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []blob.Key{key, {Space: space}} {
		r := strings.NewReader(string(content))
		info, created, err := s.Put(t.Context(), k, r)
		if err != nil || created || info != before || r.Len() != 0 {
			t.Fatalf("Put again = %+v, created %t, %v, %d bytes unread, want %+v", info, created, err, r.Len(), before)
		}
		failure := errors.New("the archive is bad")
		if _, _, err := s.Put(t.Context(), k, failAfter(content, failure)); err != failure {
			t.Fatalf("Put again of a failing reader: got %v, want its error", err)
		}
	}
	if _, _, err := s.Put(t.Context(), key, bytes.NewReader(content[1:])); !errors.Is(err, blob.ErrDigest) {
		t.Fatalf("Put of other bytes: got %v, want ErrDigest", err)
	}
	s.has(t, key, content)
}

func testWrongDigest(t *testing.T, s *suite) {
	announced, sent := []byte("announced"), []byte("sent")
	_, created, err := s.Put(t.Context(), keyOf(announced), bytes.NewReader(sent))
	if created || !errors.Is(err, blob.ErrDigest) {
		t.Fatalf("Put: created %t, %v, want ErrDigest", created, err)
	}
	s.absent(t, keyOf(announced))
	s.absent(t, keyOf(sent))
	s.empty(t)
	s.has(t, s.put(t, announced), announced)
}

// failAfter reads content and then fails, instead of io.EOF.
func failAfter(content []byte, err error) io.Reader {
	return io.MultiReader(bytes.NewReader(content), iotest.ErrReader(err))
}

func testFailingReader(t *testing.T, s *suite) {
	failure := errors.New("the archive is bad")
	for _, size := range []int{0, 1, 64 << 10, 300 << 10} {
		content := randomBytes(2, size)
		for _, key := range []blob.Key{keyOf(content), {Space: space}} {
			for name, r := range map[string]io.Reader{
				"after the bytes":     failAfter(content, failure),
				"with the last bytes": iotest.DataErrReader(failAfter(content, failure)),
			} {
				if _, created, err := s.Put(t.Context(), key, r); created || err != failure {
					t.Fatalf("Put of %d bytes and an error %s: created %t, %v, want the reader's error", size, name, created, err)
				}
				s.absent(t, keyOf(content))
			}
		}
	}
	if _, _, err := s.Put(t.Context(), blob.Key{Space: space}, iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("Put of a body cut short: %v", err)
	}
	s.empty(t)
}

// readFunc is a Read method.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func testCancelledPut(t *testing.T, s *suite) {
	content := randomBytes(3, 100)
	ctx, cancel := context.WithCancel(t.Context())
	endless := readFunc(func(p []byte) (int, error) {
		cancel() // in the middle of the bytes, which would go on for ever
		return copy(p, content), nil
	})
	if _, created, err := s.Put(ctx, blob.Key{Space: space}, endless); created || !errors.Is(err, context.Canceled) {
		t.Fatalf("Put: created %t, %v, want context.Canceled", created, err)
	}
	if _, created, err := s.Put(ctx, keyOf(content), bytes.NewReader(content)); created || !errors.Is(err, context.Canceled) {
		t.Fatalf("Put with a cancelled context: created %t, %v, want context.Canceled", created, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	atEnd := readFunc(func([]byte) (int, error) {
		cancel()
		return 0, io.EOF
	})
	_, created, err := s.Put(ctx, keyOf(content), io.MultiReader(bytes.NewReader(content), atEnd))
	if created || !errors.Is(err, context.Canceled) {
		t.Fatalf("Put cancelled at its end: created %t, %v, want context.Canceled", created, err)
	}
	s.empty(t)
}

// A large blob passes through: while it does, the heap stays well below its size.
func testLargeBlobIsStreamed(t *testing.T, s *suite) {
	const size, chunk, allowed = 24 << 20, 4 << 20, 12 << 20
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	line := randomBytes(4, 64<<10)
	before, read, peak := heap(), 0, uint64(0)
	r := readFunc(func(p []byte) (int, error) {
		if read == size {
			return 0, io.EOF
		}
		n := copy(p, line[read%len(line):])
		n = min(n, chunk-read%chunk)
		if read += n; read%chunk == 0 {
			peak = max(peak, heap())
		}
		return n, nil
	})
	info, created, err := s.Put(t.Context(), blob.Key{Space: space}, r)
	if err != nil || !created || info.Size != size {
		t.Fatalf("Put = %+v, created %t, %v", info, created, err)
	}
	if peak > before+allowed {
		t.Errorf("the heap grew by %d bytes during a Put of %d, %d are allowed", peak-before, size, allowed)
	}
	if want := digest.Of(bytes.Repeat(line, size/len(line))); info.Digest != want {
		t.Errorf("Put: digest %s, want %s", info.Digest, want)
	}
}
