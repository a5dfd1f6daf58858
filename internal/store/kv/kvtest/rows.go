package kvtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/store/kv"
)

func testRowComesBack(t *testing.T, s *suite) {
	for name, value := range map[string]string{
		"text":   "hello",
		"empty":  "",
		"binary": "\x00\xff\x00",
		"big":    strings.Repeat("x", kv.MaxValue),
	} {
		s.apply(t, kv.Put(row("p", name, value)))
		s.value(t, key("p", name), value)
		rows, err := collect(t.Context(), s.DB, "p", kv.Query{Prefix: name})
		if err != nil || len(rows) != 1 {
			t.Fatalf("Scan of %s: %d rows, %v, want one", name, len(rows), err)
		}
		if got := rows[0]; got.Key != key("p", name) || string(got.Value) != value || !got.Expires.IsZero() {
			t.Fatalf("Scan of %s: got %s %.80q, expires %v", name, got.Key, got.Value, got.Expires)
		}
	}
}

func testPutReplaces(t *testing.T, s *suite) {
	k := key("p", "s")
	s.apply(t, kv.Put(row("p", "s", "a long first value")))
	s.apply(t, kv.Put(row("p", "s", "second")))
	s.value(t, k, "second")
	wantSorts(t, "Scan", s.sorts(t, "p", kv.Query{}), []string{"s"})
	s.apply(t, kv.Delete(k))
	s.absent(t, k)
	s.apply(t, kv.PutNew(row("p", "s", "third")))
	s.value(t, k, "third")
}

func testAbsentRow(t *testing.T, s *suite) {
	s.absent(t, key("none", "none"))
	s.apply(t, kv.Delete(key("none", "none")))
	s.apply(t)
	if got := s.sorts(t, "none", kv.Query{}); got != nil {
		t.Fatalf("Scan of an empty partition yields %q", got)
	}
}

// Sorts are in byte order, not in the order of their characters or numbers.
func testKeysAreAnyBytes(t *testing.T, s *suite) {
	sorts := []string{"\x01", "\x01\x01", " ", "-", "10", "9", "A", "a", "a\x01", "a b", "a/b", "b", "ä", "\xf0\x9f\x92\xa9", "\xff", "\xff\xff"}
	for i := range sorts { // written from both ends to the middle
		if i%2 == 1 {
			i = len(sorts) - i
		}
		s.apply(t, kv.PutNew(row("p\xff", sorts[i], sorts[i])))
	}
	wantSorts(t, "Scan", s.sorts(t, "p\xff", kv.Query{}), sorts)
	for i, sort := range sorts {
		s.value(t, key("p\xff", sort), sort)
		wantSorts(t, fmt.Sprintf("Scan after %q", sort), append([]string{}, s.sorts(t, "p\xff", kv.Query{After: sort})...), sorts[i+1:])
	}
}

func testPartitionsAreApart(t *testing.T, s *suite) {
	// Each of these would show in "b" if partition and sort were only strung together.
	s.apply(t, kv.Put(row("a", "b", "1")), kv.Put(row("ab", "c", "2")), kv.Put(row("b", "a", "3")),
		kv.Put(row("b\x01", "d", "4")), kv.Put(row("ba", "e", "5")), kv.Put(row("a", "bc", "6")))
	wantSorts(t, "Scan of b", s.sorts(t, "b", kv.Query{}), []string{"a"})
	wantSorts(t, "Scan of a", s.sorts(t, "a", kv.Query{}), []string{"b", "bc"})
	wantSorts(t, "Scan of ab", s.sorts(t, "ab", kv.Query{}), []string{"c"})
	s.absent(t, key("b", "d"))
}

func testBytesAreCopied(t *testing.T, s *suite) {
	r := row("p", "s", "value")
	s.apply(t, kv.Put(r))
	r.Value[0] = 'X'
	got, err := s.Get(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
	got.Value[0] = 'Y'
	s.value(t, r.Key, "value")
	rows, err := collect(t.Context(), s.DB, "p", kv.Query{})
	if err != nil {
		t.Fatal(err)
	}
	s.apply(t, kv.Put(row("p", "s", "other")))
	if string(rows[0].Value) != "value" {
		t.Fatalf("the value of a scanned row became %q", rows[0].Value)
	}
	rows[0].Value[0] = 'Z'
	s.value(t, r.Key, "other")
}
