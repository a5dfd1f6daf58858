package kvtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/store/kv"
)

func (s *suite) beyond(t *testing.T, what string, ops ...kv.Op) {
	t.Helper()
	if err := s.Apply(t.Context(), ops...); !errors.Is(err, kv.ErrLimit) {
		t.Fatalf("Apply of %s: got %v, want ErrLimit", what, err)
	}
}

func testBatchLimits(t *testing.T, s *suite) {
	batch := func(n, size int) (ops []kv.Op) {
		for i := range n {
			ops = append(ops, kv.Put(row("p", fmt.Sprintf("%03d", i), strings.Repeat("x", size))))
		}
		return ops
	}
	s.beyond(t, "101 ops", batch(kv.MaxBatch+1, 1)...)
	s.beyond(t, "too many bytes", batch(kv.MaxBatchBytes/kv.MaxValue+1, kv.MaxValue)...)
	s.beyond(t, "a value too big", kv.Put(row("p", "s", strings.Repeat("x", kv.MaxValue+1))))
	s.beyond(t, "two ops on one key", kv.Put(row("p", "s", "1")), kv.Put(row("p", "t", "1")), kv.Delete(key("p", "s")))
	s.beyond(t, "a check and a write of one key", kv.Check(nil, key("p", "s")), kv.Put(row("p", "s", "1")))
	s.beyond(t, "an unknown kind", kv.Op{Kind: kv.OpAdd + 1, Row: row("p", "s", "")})
	if got := s.sorts(t, "p", kv.Query{}); got != nil {
		t.Fatalf("refused batches left %q", got)
	}
	s.apply(t, batch(kv.MaxBatch, 1)...)
	s.apply(t, batch(kv.MaxBatchBytes/kv.MaxValue-1, kv.MaxValue)...)
	if got := len(s.sorts(t, "p", kv.Query{})); got != kv.MaxBatch {
		t.Fatalf("Scan yields %d rows, want %d", got, kv.MaxBatch)
	}
}

func testKeyLimits(t *testing.T, s *suite) {
	long := strings.Repeat("k", kv.MaxKey)
	s.apply(t, kv.Put(row(long, long, "v")))
	s.value(t, key(long, long), "v")
	// Keys of bytes that are no text, as long as they may be.
	high := strings.Repeat("\xff", kv.MaxKey)
	s.apply(t, kv.Put(row(high, high[:kv.MaxKey/2], "v")))
	s.value(t, key(high, high[:kv.MaxKey/2]), "v")
	for what, k := range map[string]kv.Key{
		"an empty partition":    key("", "s"),
		"an empty sort":         key("p", ""),
		"a partition too long":  key(long+"k", "s"),
		"a sort too long":       key("p", long+"k"),
		"high bytes too many":   key("p", high[:kv.MaxKey/2+1]),
		"a NUL in a partition":  key("p\x00", "s"),
		"a NUL in a sort":       key("p", "\x00s"),
		"the zero key, nothing": {},
	} {
		s.beyond(t, what, kv.Put(row("p", "fine", "v")), kv.Put(kv.Row{Key: k}))
		s.beyond(t, what, kv.Delete(k))
		s.beyond(t, what, kv.Check(nil, k))
		s.beyond(t, what, kv.Add(k, 1))
		if _, err := s.Get(t.Context(), k); !errors.Is(err, kv.ErrLimit) {
			t.Fatalf("Get of %s: got %v, want ErrLimit", what, err)
		}
	}
	s.absent(t, key("p", "fine"))
}

func testQueryLimits(t *testing.T, s *suite) {
	long := strings.Repeat("k", kv.MaxKey+1)
	for _, c := range []struct {
		partition string
		q         kv.Query
	}{
		{"", kv.Query{}},
		{long, kv.Query{}},
		{"p\x00", kv.Query{}},
		{"p", kv.Query{Limit: -1}},
		{"p", kv.Query{Prefix: long}},
		{"p", kv.Query{Prefix: "a\x00"}},
		{"p", kv.Query{Prefix: strings.Repeat("\xff", kv.MaxKey/2+1)}},
		{"p", kv.Query{After: strings.Repeat("\xff", kv.MaxKey/2+1)}},
		{"p", kv.Query{After: long}},
		{"p", kv.Query{After: "\x00"}},
	} {
		if rows, err := collect(t.Context(), s.DB, c.partition, c.q); !errors.Is(err, kv.ErrLimit) {
			t.Errorf("Scan(%.20q, %.80v) = %d rows, %v, want ErrLimit", c.partition, c.q, len(rows), err)
		}
	}
}
