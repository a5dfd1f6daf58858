package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/crashtest"
)

// WriteUntilKilled is the child's side of RunKill. It puts blobs from several
// goroutines, partly the same ones, and acknowledges their digests. It returns
// if a Put fails.
func WriteUntilKilled(ctx context.Context, s blob.Store, ack func(line string)) error {
	return race(func(writer int) error {
		for {
			seed, size := rand.Uint64(), rand.IntN(32<<10)
			if writer%2 == 0 { // bytes that others put too, now or before
				seed = rand.Uint64N(200)
				size = int(seed) * 100
			}
			content := randomBytes(seed, size)
			key := blob.Key{Space: space}
			if rand.IntN(2) == 0 {
				key = keyOf(content)
			}
			// Many short writes leave many moments to die in.
			info, _, err := s.Put(ctx, key, iotest.HalfReader(bytes.NewReader(content)))
			if err != nil {
				return err
			}
			ack(info.Digest.Hex())
		}
	})
}

// RunKill kills a writer of the store at path, whose child side is
// WriteUntilKilled in crashtest.Main, rounds times. After each it opens the
// store and checks that all acknowledged blobs are there, and that each blob
// has the bytes that its key says.
func RunKill(t *testing.T, path string, rounds int, open OpenFunc) {
	acked, checked := map[string]bool{}, map[digest.SHA256]bool{}
	crashtest.Run(t, path, rounds, func(round int, names []string) {
		for _, name := range names {
			acked[name] = true
		}
		if round == rounds-1 {
			clear(checked) // at the end everything is read once more
		}
		if err := checkKilled(t.Context(), open(t), acked, checked); err != nil {
			t.Fatalf("after kill %d: %v", round+1, err)
		}
	})
}

// checkKilled reads the blobs that are not in checked, and adds them.
func checkKilled(ctx context.Context, s blob.Store, acked map[string]bool, checked map[digest.SHA256]bool) error {
	listed := map[string]bool{}
	for info, err := range s.List(ctx, space, digest.SHA256{}) {
		if err != nil {
			return err
		}
		listed[info.Digest.Hex()] = true
		if checked[info.Digest] {
			continue
		}
		checked[info.Digest] = true
		if err := checkBytes(ctx, s, info); err != nil {
			return err
		}
	}
	for name := range acked {
		if !listed[name] {
			return fmt.Errorf("the acknowledged blob %s is gone", name)
		}
	}
	return nil
}

func checkBytes(ctx context.Context, s blob.Store, info blob.Info) error {
	b, _, err := s.Open(ctx, info.Key)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(b)
	if err == nil && (digest.Of(content) != info.Digest || int64(len(content)) != info.Size) {
		err = fmt.Errorf("blob %s has %d bytes of %s", info.Key, len(content), digest.Of(content))
	}
	return errors.Join(err, b.Close())
}
