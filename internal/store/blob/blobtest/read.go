package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

func testAbsentBlob(t *testing.T, s *suite) {
	key := keyOf([]byte("never put"))
	s.absent(t, key)
	for range 2 {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	s.put(t, []byte("something"))
	s.absent(t, key)
	s.absent(t, blob.Key{Space: space})
}

func testSpacesAreApart(t *testing.T, s *suite) {
	content := []byte("in two spaces")
	key := s.put(t, content)
	other := blob.Key{Space: blob.Packages, Digest: key.Digest}
	s.absent(t, other)
	if _, created, err := s.Put(t.Context(), other, bytes.NewReader(content)); err != nil || !created {
		t.Fatalf("Put to the other space: created %t, %v", created, err)
	}
	if err := s.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	s.absent(t, key)
	s.has(t, other, content)
}

func testSpaceNames(t *testing.T, s *suite) {
	content := "x"
	for _, name := range []blob.Space{"", ".", "..", "a/b", "../a", "A", "ä", "a1", ".tmp", "a b", "a\x00", blob.Space(strings.Repeat("a", 33))} {
		key := blob.Key{Space: name, Digest: digest.Of([]byte(content))}
		_, _, putErr := s.Put(t.Context(), key, strings.NewReader(content))
		_, _, openErr := s.Open(t.Context(), key)
		_, statErr := s.Stat(t.Context(), key)
		_, listErr := collect(t.Context(), s.Store, name, digest.SHA256{})
		for method, err := range map[string]error{
			"Put": putErr, "Open": openErr, "Stat": statErr, "List": listErr, "Delete": s.Delete(t.Context(), key),
		} {
			if !errors.Is(err, blob.ErrSpace) {
				t.Errorf("%s in space %q: got %v, want ErrSpace", method, name, err)
			}
		}
	}
	key := blob.Key{Space: "tmp", Digest: digest.Of([]byte(content))}
	if _, _, err := s.Put(t.Context(), key, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	s.has(t, key, []byte(content))
}

func testCancelledReads(t *testing.T, s *suite) {
	content := []byte("x")
	key := s.put(t, content)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, openErr := s.Open(ctx, key)
	_, statErr := s.Stat(ctx, key)
	_, listErr := collect(ctx, s.Store, space, digest.SHA256{})
	for method, err := range map[string]error{
		"Open": openErr, "Stat": statErr, "List": listErr, "Delete": s.Delete(ctx, key),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", method, err)
		}
	}
	s.has(t, key, content)
}

func testSeekAndReadAt(t *testing.T, s *suite) {
	content := randomBytes(5, 10_000)
	b, _, err := s.Open(t.Context(), s.put(t, content))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, c := range []struct{ offset, n int }{{0, 10}, {9_990, 10}, {5_000, 1}, {1, 9_999}, {9_999, 1}} {
		want := content[c.offset : c.offset+c.n]
		at := make([]byte, c.n)
		if _, err := b.ReadAt(at, int64(c.offset)); err != nil && err != io.EOF || !bytes.Equal(at, want) {
			t.Errorf("ReadAt(%d bytes, %d): %v, or wrong bytes", c.n, c.offset, err)
		}
		pos, err := b.Seek(int64(c.offset-len(content)), io.SeekEnd)
		if err != nil || pos != int64(c.offset) {
			t.Fatalf("Seek = %d, %v, want %d", pos, err, c.offset)
		}
		got := make([]byte, c.n)
		if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("Read of %d bytes at %d: %v, or wrong bytes", c.n, c.offset, err)
		}
	}
	if n, err := b.ReadAt(make([]byte, 20), 9_990); n != 10 || err != io.EOF {
		t.Errorf("ReadAt over the end = %d, %v, want 10, io.EOF", n, err)
	}
}

func testDeletedWhileOpen(t *testing.T, s *suite) {
	content := randomBytes(6, 300<<10)
	key := s.put(t, content)
	b, _, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	first := make([]byte, 10)
	if _, err := io.ReadFull(b, first); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	s.absent(t, key)
	if rest, err := io.ReadAll(b); err != nil || !bytes.Equal(append(first, rest...), content) {
		t.Fatalf("after its Delete the open blob gives %d more bytes, %v", len(rest), err)
	}
}

func testPutAfterDelete(t *testing.T, s *suite) {
	content := []byte("comes and goes")
	for range 3 {
		key := s.put(t, content)
		s.has(t, key, content)
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		s.absent(t, key)
	}
}

// A Put that ends after a Delete has its bytes stored, though they were there
// when it began.
func testDeletedWhilePutAgain(t *testing.T, s *suite) {
	content := randomBytes(7, 100<<10)
	key := s.put(t, content)
	atEnd := readFunc(func([]byte) (int, error) {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
		return 0, io.EOF
	})
	info, created, err := s.Put(t.Context(), key, io.MultiReader(bytes.NewReader(content), atEnd))
	if err != nil || !created || info.Key != key || info.Size != int64(len(content)) {
		t.Fatalf("Put = %+v, created %t, %v", info, created, err)
	}
	s.has(t, key, content)
}
