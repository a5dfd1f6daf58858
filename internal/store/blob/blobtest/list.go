package blobtest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// fill stores n small blobs and returns their digests in order.
func (s *suite) fill(t *testing.T, n int) (digests []digest.SHA256) {
	t.Helper()
	for i := range n {
		digests = append(digests, s.put(t, fmt.Append(nil, "blob ", i)).Digest)
	}
	slices.SortFunc(digests, compare)
	return digests
}

func testListInOrder(t *testing.T, s *suite) {
	want := s.fill(t, 60)
	if diff := cmp.Diff(want, s.list(t, space, digest.SHA256{})); diff != "" {
		t.Fatalf("List (-want +got):\n%s", diff)
	}
	between := want[10]
	between[len(between)-1]++ // not a blob's digest
	for _, c := range []struct {
		after digest.SHA256
		want  []digest.SHA256
	}{
		{want[0], want[1:]},
		{want[30], want[31:]},
		{between, want[11:]},
		{want[59], nil},
		{digest.SHA256{0xff, 0xff, 0xff, 0xff}, nil},
	} {
		if diff := cmp.Diff(c.want, s.list(t, space, c.after)); diff != "" {
			t.Errorf("List after %s (-want +got):\n%s", c.after, diff)
		}
	}
	var paged []digest.SHA256
	for after, more := (digest.SHA256{}), true; more; {
		more = false
		n := 0
		for info, err := range s.List(t.Context(), space, after) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n > 7 {
				more = true
				break
			}
			paged = append(paged, info.Digest)
		}
		after = paged[len(paged)-1]
	}
	if diff := cmp.Diff(want, paged); diff != "" {
		t.Errorf("Lists of 7 (-want +got):\n%s", diff)
	}
}

// Each blob is deleted as it comes, with the one that would come after it: the
// listing goes on, and misses none of those that stayed.
func testListWhileDeleting(t *testing.T, s *suite) {
	want := s.fill(t, 60)
	stays := map[digest.SHA256]bool{}
	for i, d := range want {
		stays[d] = i%3 == 0
	}
	for info, err := range s.List(t.Context(), space, digest.SHA256{}) {
		if err != nil {
			t.Fatal(err)
		}
		i, ok := slices.BinarySearchFunc(want, info.Digest, compare)
		if !ok || info.Size == 0 {
			t.Fatalf("List yields %+v, which was not put", info)
		}
		delete(stays, info.Digest)
		for _, gone := range want[i:min(i+3, len(want))] {
			if stays[gone] {
				continue
			}
			if err := s.Delete(t.Context(), blob.Key{Space: space, Digest: gone}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for d, missed := range stays {
		if missed {
			t.Errorf("List missed %s", d)
		}
	}
}
