package storetest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

func put(s *Stores, sort string) error {
	return s.DB.Apply(s.t.Context(), kv.Put(kv.Row{Key: kv.Key{Partition: "p", Sort: sort}}))
}

func has(s *Stores, sort string) bool {
	_, err := s.DB.Get(s.t.Context(), kv.Key{Partition: "p", Sort: sort})
	return err == nil
}

func TestWritesFail(t *testing.T) {
	lost := errors.New("lost")
	s := Open(t)
	s.DB.FailFrom(1, lost)
	if err := put(s, "a"); err != nil || !has(s, "a") {
		t.Errorf("the first write: %v", err)
	}
	for range 2 {
		if err := put(s, "b"); !errors.Is(err, lost) || has(s, "b") {
			t.Errorf("a write after the crash: %v, there %t", err, has(s, "b"))
		}
	}
	s.DB.BeforeApply = nil
	s.DB.Doubt(1, lost)
	for i, sort := range []string{"c", "d", "e"} {
		if err := put(s, sort); errors.Is(err, lost) != (i == 1) || !has(s, sort) {
			t.Errorf("write %d with the second in doubt: %v, there %t", i, err, has(s, sort))
		}
	}
}

func TestBlobsFail(t *testing.T) {
	full := errors.New("full")
	s := Open(t)
	text := []byte("the bytes of a blob that is not short")
	key := blob.Key{Space: blob.Packages, Digest: digest.Of(text)}
	s.Blobs.PutErr = full
	if _, _, err := s.Blobs.Put(t.Context(), key, bytes.NewReader(text)); !errors.Is(err, full) || s.Stored() != 0 {
		t.Errorf("Put = %v, %d are stored, want %v and none", err, s.Stored(), full)
	}
	s.Blobs.PutErr = nil
	slept := false
	s.Blobs.AfterPut = func() { slept = true }
	if _, _, err := s.Blobs.Put(t.Context(), key, bytes.NewReader(text)); err != nil || s.Stored() != 1 || !slept {
		t.Errorf("Put = %v, %d are stored, want 1; AfterPut was called: %t", err, s.Stored(), slept)
	}
}
