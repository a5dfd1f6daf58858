package kvtest

import (
	"math"
	"strconv"
	"testing"

	"github.com/org/registry-action/internal/store/kv"
)

func testConditions(t *testing.T, s *suite) {
	there, empty, none := key("p", "there"), key("p", "empty"), key("p", "none")
	old := []byte("old")
	put := func(k kv.Key) kv.Row { return kv.Row{Key: k, Value: []byte("new")} }
	for _, c := range []struct {
		name string
		op   kv.Op
		wins bool
		then string // the value after; "-": absent
	}{
		{"PutNew there", kv.PutNew(put(there)), false, "old"},
		{"PutNew empty", kv.PutNew(put(empty)), false, ""},
		{"PutNew none", kv.PutNew(put(none)), true, "new"},
		{"Swap equal", kv.Swap(old, put(there)), true, "new"},
		{"Swap other", kv.Swap([]byte("ol"), put(there)), false, "old"},
		{"Swap longer", kv.Swap([]byte("old "), put(there)), false, "old"},
		{"Swap nil of a value", kv.Swap(nil, put(there)), false, "old"},
		{"Swap nil of empty", kv.Swap(nil, put(empty)), true, "new"},
		{"Swap empty of empty", kv.Swap([]byte{}, put(empty)), true, "new"},
		{"Swap value of empty", kv.Swap(old, put(empty)), false, ""},
		{"Swap nil of none", kv.Swap(nil, put(none)), false, "-"},
		{"Swap to the same", kv.Swap(old, kv.Row{Key: there, Value: old}), true, "old"},
		{"Drop equal", kv.Drop(old, there), true, "-"},
		{"Drop other", kv.Drop([]byte("x"), there), false, "old"},
		{"Drop empty", kv.Drop(nil, empty), true, "-"},
		{"Drop none", kv.Drop(nil, none), false, "-"},
		{"Check equal", kv.Check(old, there), true, "old"},
		{"Check other", kv.Check([]byte("x"), there), false, "old"},
		{"Check empty", kv.Check(nil, empty), true, ""},
		{"Check nil of a value", kv.Check(nil, there), false, "old"},
		{"Check none", kv.Check(nil, none), false, "-"},
		{"Put", kv.Put(put(there)), true, "new"},
		{"Delete", kv.Delete(there), true, "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.apply(t, kv.Put(kv.Row{Key: there, Value: old}), kv.Put(kv.Row{Key: empty}), kv.Delete(none))
			if k := c.op.Row.Key; c.wins {
				s.apply(t, c.op)
			} else {
				s.lose(t, k, c.op)
			}
			if c.then == "-" {
				s.absent(t, c.op.Row.Key)
			} else {
				s.value(t, c.op.Row.Key, c.then)
			}
		})
	}
}

func testFirstLostConditionIsNamed(t *testing.T, s *suite) {
	s.apply(t, kv.Put(row("p", "a", "1")))
	s.lose(t, key("p", "b"),
		kv.Check([]byte("1"), key("p", "a")), kv.Check(nil, key("p", "b")), kv.Check(nil, key("p", "c")))
}

func testLostConditionWritesNothing(t *testing.T, s *suite) {
	s.apply(t, kv.Put(row("p", "kept", "1")), kv.Put(row("p", "taken", "1")), kv.Add(key("p", "count"), 5))
	lost := kv.PutNew(row("p", "taken", "2"))
	writes := []kv.Op{
		kv.Put(row("p", "put", "x")),
		kv.PutNew(row("q", "new", "x")),
		kv.Swap([]byte("1"), row("p", "kept", "2")),
		kv.Add(key("p", "count"), 1),
	}
	check := func() {
		t.Helper()
		wantSorts(t, "Scan", s.sorts(t, "p", kv.Query{}), []string{"count", "kept", "taken"})
		s.absent(t, key("q", "new"))
		s.value(t, key("p", "kept"), "1")
		s.value(t, key("p", "taken"), "1")
		s.value(t, key("p", "count"), "5")
	}
	s.lose(t, lost.Row.Key, append([]kv.Op{lost}, writes...)...)
	check()
	s.lose(t, lost.Row.Key, append(writes, lost)...)
	check()
}

func testCounters(t *testing.T, s *suite) {
	k := key("p", "count")
	for _, step := range []struct {
		delta int64
		want  string
	}{{3, "3"}, {0, "3"}, {-10, "-7"}, {7, "0"}, {math.MaxInt64, "9223372036854775807"}, {-1, "9223372036854775806"}} {
		s.apply(t, kv.Add(k, step.delta))
		s.value(t, k, step.want)
	}
	s.lose(t, k, kv.Add(k, 2))
	s.apply(t, kv.Swap([]byte("9223372036854775806"), kv.Row{Key: k, Value: []byte(strconv.Itoa(math.MinInt64))}))
	s.lose(t, k, kv.Add(k, -1))
	s.lose(t, k, kv.Add(k, math.MinInt64))
	s.apply(t, kv.Add(k, math.MaxInt64))
	s.value(t, k, "-1")
	got, err := s.Get(t.Context(), k)
	if n, ok := got.Counter(); err != nil || !ok || n != -1 {
		t.Fatalf("Counter() = %d, %t, %v, want -1", n, ok, err)
	}
	for _, value := range []string{"", "x", "1 ", "+1", "01", "-0", "1.0", "0x1", "9223372036854775808"} {
		s.apply(t, kv.Put(row("p", "no", value)))
		s.lose(t, key("p", "no"), kv.Add(key("p", "no"), 1))
		s.value(t, key("p", "no"), value)
	}
}
