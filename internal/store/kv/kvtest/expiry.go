package kvtest

import (
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

func (s *suite) expiring(sort, value string, in time.Duration) kv.Row {
	r := row("p", sort, value)
	r.Expires = s.clock.now().Add(in)
	return r
}

func testExpiredRowIsAbsent(t *testing.T, s *suite) {
	r := s.expiring("a", "v", time.Minute)
	s.apply(t, kv.Put(r), kv.Put(s.expiring("b", "v", time.Hour)), kv.Put(row("p", "c", "v")),
		kv.Put(s.expiring("past", "v", -time.Hour)), kv.Put(kv.Row{Key: key("p", "epoch"), Expires: time.Unix(0, 0)}))
	due := r.Expires.Truncate(time.Second)
	got, err := s.Get(t.Context(), r.Key)
	if err != nil || !got.Expires.Equal(due) {
		t.Fatalf("Get: expires %v, %v, want %v", got.Expires, err, due)
	}
	rows, err := collect(t.Context(), s.DB, "p", kv.Query{})
	if err != nil || len(rows) != 3 || !rows[0].Expires.Equal(due) || !rows[2].Expires.IsZero() {
		t.Fatalf("Scan: got %v, %v", rows, err)
	}
	s.clock.set(due.Add(-time.Nanosecond))
	s.value(t, r.Key, "v")
	s.clock.set(due)
	s.absent(t, r.Key)
	wantSorts(t, "Scan", s.sorts(t, "p", kv.Query{Limit: 1}), []string{"b"})
	s.clock.advance(100 * 365 * 24 * time.Hour)
	wantSorts(t, "Scan", s.sorts(t, "p", kv.Query{}), []string{"c"})
}

func testExpiredRowLosesConditions(t *testing.T, s *suite) {
	for _, sort := range []string{"swap", "drop", "check", "new", "count", "recount", "delete"} {
		s.apply(t, kv.Put(s.expiring(sort, "7", time.Minute)))
	}
	s.clock.advance(time.Minute)
	old := []byte("7")
	// The first is judged before any write could have purged the rows.
	s.lose(t, key("p", "check"), kv.Check(old, key("p", "check")))
	s.lose(t, key("p", "swap"), kv.Swap(old, row("p", "swap", "8")))
	s.lose(t, key("p", "drop"), kv.Drop(old, key("p", "drop")))
	s.apply(t, kv.PutNew(row("p", "new", "fresh")), kv.Add(key("p", "count"), 1), kv.AddUntil(key("p", "recount"), 1, s.clock.now().Add(2*time.Hour)), kv.Delete(key("p", "delete")))
	s.clock.advance(time.Hour)
	s.value(t, key("p", "new"), "fresh")
	s.value(t, key("p", "count"), "1") // neither the old number nor the old Expires
	s.value(t, key("p", "recount"), "1")
	wantSorts(t, "Scan", s.sorts(t, "p", kv.Query{}), []string{"count", "new", "recount"})
	s.clock.advance(time.Hour)
	wantSorts(t, "Scan", s.sorts(t, "p", kv.Query{}), []string{"count", "new"})
}

// A row's last write decides when it expires; an Add that names no time leaves that as it is.
func testExpiryChanges(t *testing.T, s *suite) {
	for _, sort := range []string{"longer", "never", "shorter", "count", "deleted", "prolonged"} {
		s.apply(t, kv.Put(s.expiring(sort, "1", time.Minute)))
	}
	s.apply(t, kv.AddUntil(key("p", "prolonged"), 1, s.clock.now().Add(time.Hour)), kv.AddUntil(key("p", "first"), 1, s.clock.now().Add(time.Minute)))
	s.apply(t, kv.Put(s.expiring("longer", "2", time.Hour)), kv.Swap([]byte("1"), row("p", "never", "2")),
		kv.Put(s.expiring("shorter", "2", 10*time.Second)), kv.Add(key("p", "count"), 1), kv.Delete(key("p", "deleted")))
	s.apply(t, kv.PutNew(row("p", "deleted", "2")))
	for _, step := range []struct {
		wait time.Duration
		want []string
	}{
		{0, []string{"count", "deleted", "first", "longer", "never", "prolonged", "shorter"}},
		{10 * time.Second, []string{"count", "deleted", "first", "longer", "never", "prolonged"}},
		{50 * time.Second, []string{"deleted", "longer", "never", "prolonged"}},
		{time.Hour, []string{"deleted", "never"}},
	} {
		s.clock.advance(step.wait)
		wantSorts(t, "before a write", s.sorts(t, "p", kv.Query{}), step.want)
		s.apply(t, kv.Put(row("other", "s", "a write may purge")))
		wantSorts(t, "after a write", s.sorts(t, "p", kv.Query{}), step.want)
	}
}

func testManyExpiredRows(t *testing.T, s *suite) {
	due := s.clock.now().Add(time.Minute)
	s.fill(t, "p", manyRows, func(i int) kv.Row {
		if i%350 == 349 {
			return kv.Row{}
		}
		return kv.Row{Expires: due}
	})
	s.clock.advance(time.Minute)
	for range 5 {
		wantSorts(t, "Scan", s.sorts(t, "p", kv.Query{}), []string{"0349", "0699"})
		wantSorts(t, "Scan of one", s.sorts(t, "p", kv.Query{Limit: 1, After: "0349"}), []string{"0699"})
		s.apply(t, kv.Put(row("other", "s", "a write may purge")))
	}
}
