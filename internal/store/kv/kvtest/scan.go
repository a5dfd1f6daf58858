package kvtest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/org/registry-action/internal/store/kv"
)

func testScanQueries(t *testing.T, s *suite) {
	for _, sort := range []string{"a", "aa", "ab", "abc", "ac", "b", "ba", "\xff", "\xff\xff"} {
		s.apply(t, kv.Put(row("p", sort, "")), kv.Put(row("o", "a"+sort, "")), kv.Put(row("q", "a"+sort, "")))
	}
	for _, c := range []struct {
		q    kv.Query
		want []string
	}{
		{kv.Query{Prefix: "a"}, []string{"a", "aa", "ab", "abc", "ac"}},
		{kv.Query{Prefix: "ab"}, []string{"ab", "abc"}},
		{kv.Query{Prefix: "abcd"}, nil},
		{kv.Query{Prefix: "\xff"}, []string{"\xff", "\xff\xff"}},
		{kv.Query{After: "ac"}, []string{"b", "ba", "\xff", "\xff\xff"}},
		{kv.Query{After: "aba"}, []string{"abc", "ac", "b", "ba", "\xff", "\xff\xff"}},
		{kv.Query{After: "\xff\xff"}, nil},
		{kv.Query{Limit: 2}, []string{"a", "aa"}},
		{kv.Query{Limit: 9}, []string{"a", "aa", "ab", "abc", "ac", "b", "ba", "\xff", "\xff\xff"}},
		{kv.Query{Limit: 100, After: "b"}, []string{"ba", "\xff", "\xff\xff"}},
		{kv.Query{Prefix: "a", After: "aa"}, []string{"ab", "abc", "ac"}},
		{kv.Query{Prefix: "b", After: "a"}, []string{"b", "ba"}},
		{kv.Query{Prefix: "b", After: "b"}, []string{"ba"}},
		{kv.Query{Prefix: "a", After: "b"}, nil},
		{kv.Query{Prefix: "a", After: "aa", Limit: 1}, []string{"ab"}},
		{kv.Query{Prefix: "b", Limit: 5}, []string{"b", "ba"}},
	} {
		wantSorts(t, fmt.Sprintf("Scan(p, %+q)", fmt.Sprint(c.q)), s.sorts(t, "p", c.q), c.want)
	}
}

// manyRows is more than drivers read at once.
const manyRows = 700

func testScanBeyondAPage(t *testing.T, s *suite) {
	sorts := s.fill(t, "p", manyRows, func(i int) kv.Row { return kv.Row{Value: fmt.Append(nil, i)} })
	s.apply(t, kv.Put(row("o", "0001", "")), kv.Put(row("q", "0001", "")))
	wantSorts(t, "whole Scan", s.sorts(t, "p", kv.Query{}), sorts)
	wantSorts(t, "Scan after", s.sorts(t, "p", kv.Query{After: "0300"}), sorts[301:])
	wantSorts(t, "Scan of a prefix", s.sorts(t, "p", kv.Query{Prefix: "0", Limit: 650}), sorts[:650])
	wantSorts(t, "Scan of a limit", s.sorts(t, "p", kv.Query{Limit: 513, After: "0099"}), sorts[100:613])

	var paged []string
	for after := ""; ; after = paged[len(paged)-1] {
		page := s.sorts(t, "p", kv.Query{Limit: 99, After: after})
		paged = append(paged, page...)
		if len(page) < 99 {
			break
		}
	}
	wantSorts(t, "Scans of 99 rows", paged, sorts)
	for r, err := range s.Scan(t.Context(), "p", kv.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.Index(sorts, r.Sort); string(r.Value) != fmt.Sprint(i) {
			t.Fatalf("Scan: row %s has value %q", r.Sort, r.Value)
		}
	}
}

func testScanOfBigRows(t *testing.T, s *suite) {
	big := bytes.Repeat([]byte("x"), kv.MaxValue)
	sorts := s.fill(t, "p", 12, func(i int) kv.Row { return kv.Row{Value: big[i:]} })
	wantSorts(t, "Scan", s.sorts(t, "p", kv.Query{}), sorts)
	wantSorts(t, "Scan", s.sorts(t, "p", kv.Query{Limit: 7, After: "0001"}), sorts[2:9])
}

// A consumer may write while it scans, and the rows that stay come once each.
func testScanLetsWritesIn(t *testing.T, s *suite) {
	sorts := s.fill(t, "p", manyRows, func(int) kv.Row { return kv.Row{} })
	var got []string
	for r, err := range s.Scan(t.Context(), "p", kv.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, r.Sort); len(got)%50 == 1 {
			s.apply(t, kv.Delete(r.Key), kv.Put(row("p", "-"+r.Sort, "behind")), kv.Put(row("other", r.Sort, "")))
		}
	}
	wantSorts(t, "Scan", got, sorts)
}

func testScanTwice(t *testing.T, s *suite) {
	s.apply(t, kv.Put(row("p", "a", "")), kv.Put(row("p", "b", "")), kv.Put(row("p", "c", "")))
	scan := s.Scan(t.Context(), "p", kv.Query{Limit: 2})
	for range 2 {
		var got []string
		for r, err := range scan {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.Sort)
		}
		wantSorts(t, "Scan", got, []string{"a", "b"})
	}
	for range scan {
		break // an abandoned Scan holds nothing up
	}
	s.apply(t, kv.Put(row("p", "a", "again")))
}
