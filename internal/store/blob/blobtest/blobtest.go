// Package blobtest states the laws of package blob as tests. Every driver runs
// them; one that keeps files runs RunKill too.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// OpenFunc opens an empty store.
type OpenFunc func(t *testing.T) blob.Store

// Run checks a driver against the laws.
func Run(t *testing.T, open OpenFunc) {
	laws := []struct {
		name string
		test func(t *testing.T, s *suite)
	}{
		{"BlobComesBack", testBlobComesBack},
		{"PutComputesTheDigest", testPutComputesTheDigest},
		{"PutAgain", testPutAgain},
		{"WrongDigest", testWrongDigest},
		{"FailingReader", testFailingReader},
		{"CancelledPut", testCancelledPut},
		{"LargeBlobIsStreamed", testLargeBlobIsStreamed},
		{"AbsentBlob", testAbsentBlob},
		{"SpacesAreApart", testSpacesAreApart},
		{"SpaceNames", testSpaceNames},
		{"CancelledReads", testCancelledReads},
		{"SeekAndReadAt", testSeekAndReadAt},
		{"DeletedWhileOpen", testDeletedWhileOpen},
		{"PutAfterDelete", testPutAfterDelete},
		{"DeletedWhilePutAgain", testDeletedWhilePutAgain},
		{"ListInOrder", testListInOrder},
		{"ListWhileDeleting", testListWhileDeleting},
		{"SamePutsRaced", testSamePutsRaced},
		{"PutsAndDeletesRaced", testPutsAndDeletesRaced},
		{"BlobsAreSeenWhole", testBlobsAreSeenWhole},
	}
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) { law.test(t, &suite{open(t)}) })
	}
}

// suite is a store under test.
type suite struct{ blob.Store }

const space = blob.Commits

func keyOf(content []byte) blob.Key { return blob.Key{Space: space, Digest: digest.Of(content)} }

// randomBytes returns n bytes that only depend on seed and n.
func randomBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{0: byte(seed), 1: byte(seed >> 8), 2: byte(seed >> 16), 3: byte(seed >> 24)})
	_, _ = src.Read(b) // never fails
	return b
}

// put stores content, which the store must not have yet.
func (s *suite) put(t *testing.T, content []byte) blob.Key {
	t.Helper()
	key := keyOf(content)
	info, created, err := s.Put(t.Context(), key, bytes.NewReader(content))
	if err != nil || !created || info.Key != key || info.Size != int64(len(content)) {
		t.Fatalf("Put = %+v, created %t, %v, want the new blob %s of %d bytes", info, created, err, key, len(content))
	}
	return key
}

// has checks that the store has content, for all ways to see it.
func (s *suite) has(t *testing.T, key blob.Key, content []byte) {
	t.Helper()
	stat, err := s.Stat(t.Context(), key)
	if err != nil {
		t.Fatalf("Stat(%s): %v", key, err)
	}
	if stat.Key != key || stat.Size != int64(len(content)) || stat.ModTime.IsZero() {
		t.Fatalf("Stat(%s) = %+v, want %d bytes", key, stat, len(content))
	}
	b, info, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatalf("Open(%s): %v", key, err)
	}
	if diff := cmp.Diff(stat, info); diff != "" {
		t.Fatalf("Stat and Open differ (-Stat +Open):\n%s", diff)
	}
	if len(content) <= 4096 {
		if err := iotest.TestReader(b, content); err != nil { // it tries Seek and ReadAt too
			t.Fatalf("reading %s: %v", key, err)
		}
	}
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("blob %s has %d bytes (%v), want %d others", key, len(got), err, len(content))
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(s.list(t, key.Space, digest.SHA256{}), key.Digest) {
		t.Fatalf("List misses %s", key)
	}
}

// absent checks that there is no such blob, for all ways to see it.
func (s *suite) absent(t *testing.T, key blob.Key) {
	t.Helper()
	if _, err := s.Stat(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("Stat(%s): got %v, want ErrNotFound", key, err)
	}
	b, _, err := s.Open(t.Context(), key)
	if b != nil || !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("Open(%s) = %v, %v, want nil and ErrNotFound", key, b, err)
	}
	if slices.Contains(s.list(t, key.Space, digest.SHA256{}), key.Digest) {
		t.Fatalf("List yields %s", key)
	}
}

// list returns what List yields and checks its order.
func (s *suite) list(t *testing.T, space blob.Space, after digest.SHA256) []digest.SHA256 {
	t.Helper()
	all, err := collect(t.Context(), s.Store, space, after)
	if err != nil {
		t.Fatalf("List(%s): %v", space, err)
	}
	var digests []digest.SHA256
	for _, info := range all {
		digests = append(digests, info.Digest)
	}
	if !slices.IsSortedFunc(digests, compare) || len(slices.Compact(slices.Clone(digests))) != len(digests) {
		t.Fatalf("List(%s) is not in order: %v", space, digests)
	}
	return digests
}

func compare(a, b digest.SHA256) int { return strings.Compare(a.Hex(), b.Hex()) }

func collect(ctx context.Context, s blob.Store, space blob.Space, after digest.SHA256) (all []blob.Info, err error) {
	for info, err := range s.List(ctx, space, after) {
		if err != nil {
			return all, err
		}
		all = append(all, info)
	}
	return all, nil
}

// empty checks that the store has nothing in any space.
func (s *suite) empty(t *testing.T) {
	t.Helper()
	for _, space := range []blob.Space{blob.Commits, blob.Packages} {
		if got := s.list(t, space, digest.SHA256{}); got != nil {
			t.Fatalf("%s has %v, want nothing", space, got)
		}
	}
}
