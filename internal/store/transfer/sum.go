package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/store/kv"
)

// Sum is a digest of all rows of a store, in whatever order they come: the sum of the SHA-256 of each.
type Sum struct {
	Rows int64
	sum  [4]uint64 // the least significant first
}

// String shows the digest.
func (s Sum) String() string {
	var b []byte
	for _, word := range s.sum {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	return fmt.Sprintf("%d rows, %s", s.Rows, hex.EncodeToString(b[:8]))
}

func (s *Sum) add(r kv.Row) {
	h := sha256.New()
	var size [8]byte
	for _, part := range [][]byte{[]byte(r.Partition), []byte(r.Sort), r.Value} { // hash.Hash never fails
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	if !r.Expires.IsZero() {
		binary.BigEndian.PutUint64(size[:], uint64(r.Expires.Unix()))
		h.Write(size[:])
	}
	var digest [sha256.Size]byte
	h.Sum(digest[:0])
	var carry uint64
	for i := range s.sum {
		s.sum[i], carry = bits.Add64(s.sum[i], binary.LittleEndian.Uint64(digest[8*i:]), carry)
	}
	s.Rows++
}

// Sums goes through all rows of both stores, but for those that expire before a time.
func (r Rows) Sums(ctx context.Context, until time.Time) (here, there Sum, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { here, err = r.sum(ctx, r.From, until); return err })
	g.Go(func() (err error) { there, err = r.sum(ctx, r.To, until); return err })
	err = g.Wait()
	return here, there, err
}

func (r Rows) sum(ctx context.Context, db kv.Walker, until time.Time) (s Sum, err error) {
	for row, err := range db.Walk(ctx, kv.Key{}) {
		if err != nil {
			return Sum{}, fmt.Errorf("reading all rows: %w", err)
		}
		if r.has(row.Key) && lasts(row, until) {
			s.add(row)
		}
	}
	return s, nil
}
