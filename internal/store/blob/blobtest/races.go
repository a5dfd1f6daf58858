package blobtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

const racers = 8

// race runs f in goroutines that start together and joins what they return.
func race(f func(i int) error) error {
	var wg sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, racers)
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errors.Join(errs...)
}

// Of several Puts of the same bytes one creates the blob, announced or not,
// and all succeed.
func testSamePutsRaced(t *testing.T, s *suite) {
	for round := range 8 {
		content := randomBytes(uint64(100+round), 50<<10)
		var creators atomic.Int32
		err := race(func(i int) error {
			key := keyOf(content)
			if i%2 == 1 {
				key.Digest = digest.SHA256{}
			}
			info, created, err := s.Put(t.Context(), key, bytes.NewReader(content))
			if created {
				creators.Add(1)
			}
			if err == nil && (info.Key != keyOf(content) || info.Size != int64(len(content))) {
				err = fmt.Errorf("info is %+v", info)
			}
			return err
		})
		if err != nil {
			t.Fatalf("Put: %v", err)
		}
		if n := creators.Load(); n != 1 {
			t.Fatalf("%d Puts say that they created the blob, want one", n)
		}
		s.has(t, keyOf(content), content)
	}
}

// Put, Open and Delete of one key at once: nothing fails, and what is opened is whole.
func testPutsAndDeletesRaced(t *testing.T, s *suite) {
	content := randomBytes(8, 20<<10)
	key := keyOf(content)
	err := race(func(i int) error {
		for range 20 {
			switch i % 4 {
			case 0, 1:
				if _, _, err := s.Put(t.Context(), key, bytes.NewReader(content)); err != nil {
					return err
				}
			case 2:
				if err := s.Delete(t.Context(), key); err != nil {
					return err
				}
			default:
				if err := readWhole(t, s, key, content); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readWhole checks a blob that may be absent.
func readWhole(t *testing.T, s *suite, key blob.Key, want []byte) error {
	b, info, err := s.Open(t.Context(), key)
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer b.Close()
	got, err := io.ReadAll(b)
	if err != nil {
		return err
	}
	if info.Size != int64(len(got)) || !bytes.Equal(got, want) {
		return fmt.Errorf("blob %s: %d bytes of %d, or wrong ones", key, len(got), len(want))
	}
	return nil
}

// While a Put is under way there is nothing to see of its blob.
func testBlobsAreSeenWhole(t *testing.T, s *suite) {
	content := randomBytes(9, 500<<10)
	key := keyOf(content)
	reads := 0
	r := readFunc(func(p []byte) (int, error) {
		s.absent(t, key)
		s.empty(t)
		n := copy(p[:min(len(p), 100<<10)], content[reads:])
		if reads += n; n == 0 {
			return 0, io.EOF
		}
		return n, nil
	})
	if _, _, err := s.Put(t.Context(), key, r); err != nil {
		t.Fatal(err)
	}
	s.has(t, key, content)
}
