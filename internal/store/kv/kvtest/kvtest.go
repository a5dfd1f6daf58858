// Package kvtest states the laws of package kv as tests. Every driver runs
// them; one that keeps files runs RunKill too.
package kvtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/store/kv"
)

// OpenFunc opens an empty store that takes the time from now. The store is
// closed with t.Cleanup.
type OpenFunc func(t *testing.T, now func() time.Time) kv.DB

// Run checks a driver against the laws.
func Run(t *testing.T, open OpenFunc) {
	laws := []struct {
		name string
		test func(t *testing.T, s *suite)
	}{
		{"RowComesBack", testRowComesBack},
		{"PutReplaces", testPutReplaces},
		{"AbsentRow", testAbsentRow},
		{"KeysAreAnyBytes", testKeysAreAnyBytes},
		{"PartitionsAreApart", testPartitionsAreApart},
		{"BytesAreCopied", testBytesAreCopied},
		{"Conditions", testConditions},
		{"FirstLostConditionIsNamed", testFirstLostConditionIsNamed},
		{"LostConditionWritesNothing", testLostConditionWritesNothing},
		{"Counters", testCounters},
		{"BatchLimits", testBatchLimits},
		{"KeyLimits", testKeyLimits},
		{"QueryLimits", testQueryLimits},
		{"ScanQueries", testScanQueries},
		{"ScanBeyondAPage", testScanBeyondAPage},
		{"ScanOfBigRows", testScanOfBigRows},
		{"ScanLetsWritesIn", testScanLetsWritesIn},
		{"ScanTwice", testScanTwice},
		{"Walk", testWalk},
		{"WalkBeyondAPage", testWalkBeyondAPage},
		{"WalkEnds", testWalkEnds},
		{"ExpiredRowIsAbsent", testExpiredRowIsAbsent},
		{"ExpiredRowLosesConditions", testExpiredRowLosesConditions},
		{"ExpiryChanges", testExpiryChanges},
		{"ManyExpiredRows", testManyExpiredRows},
		{"CountersRaced", testCountersRaced},
		{"PutNewRaced", testPutNewRaced},
		{"SwapRaced", testSwapRaced},
		{"ConflictsStayApart", testConflictsStayApart},
		{"ReadersSeeWholeBatches", testReadersSeeWholeBatches},
		{"CancelledContext", testCancelledContext},
		{"Closed", testClosed},
		{"CloseDuringWrites", testCloseDuringWrites},
	}
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) {
			clock := &clock{}
			clock.set(time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC))
			law.test(t, &suite{DB: open(t, clock.now), clock: clock})
		})
	}
}

// clock is the time the store believes in.
type clock struct{ nanos atomic.Int64 }

func (c *clock) set(at time.Time)        { c.nanos.Store(at.UnixNano()) }
func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// suite is a store under test.
type suite struct {
	kv.DB
	clock *clock
}

func key(partition, sort string) kv.Key { return kv.Key{Partition: partition, Sort: sort} }

func row(partition, sort, value string) kv.Row {
	return kv.Row{Key: key(partition, sort), Value: []byte(value)}
}

func (s *suite) apply(t *testing.T, ops ...kv.Op) {
	t.Helper()
	if err := s.Apply(t.Context(), ops...); err != nil {
		t.Fatalf("Apply: %v", err)
	}
}

// lose applies a batch that must fail with a lost condition at k.
func (s *suite) lose(t *testing.T, k kv.Key, ops ...kv.Op) {
	t.Helper()
	err := s.Apply(t.Context(), ops...)
	conflict, ok := errors.AsType[*kv.ConflictError](err)
	if !ok || !errors.Is(err, kv.ErrConflict) {
		t.Fatalf("Apply: got error %v, want a *ConflictError", err)
	}
	if conflict.Key != k {
		t.Fatalf("Apply: lost at %s, want at %s", conflict.Key, k)
	}
}

// value checks the value of a row.
func (s *suite) value(t *testing.T, k kv.Key, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), k)
	if err != nil {
		t.Fatalf("Get(%s): %v", k, err)
	}
	if got.Key != k || !bytes.Equal(got.Value, []byte(want)) {
		t.Fatalf("Get(%s) = %s %.80q, want value %.80q", k, got.Key, got.Value, want)
	}
}

// absent checks that there is no such row, for Get and Scan.
func (s *suite) absent(t *testing.T, k kv.Key) {
	t.Helper()
	if got, err := s.Get(t.Context(), k); !errors.Is(err, kv.ErrNotFound) {
		t.Fatalf("Get(%s) = %.80q, %v, want ErrNotFound", k, got.Value, err)
	}
	if slices.Contains(s.sorts(t, k.Partition, kv.Query{}), k.Sort) {
		t.Fatalf("Scan yields %s, which Get does not find", k)
	}
}

// sorts returns what a Scan yields.
func (s *suite) sorts(t *testing.T, partition string, q kv.Query) []string {
	t.Helper()
	rows, err := collect(t.Context(), s.DB, partition, q)
	if err != nil {
		t.Fatalf("Scan(%s, %+v): %v", partition, q, err)
	}
	var sorts []string
	for _, r := range rows {
		sorts = append(sorts, r.Sort)
	}
	return sorts
}

func collect(ctx context.Context, db kv.DB, partition string, q kv.Query) (rows []kv.Row, err error) {
	for r, err := range db.Scan(ctx, partition, q) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// fill writes rows 0000, 0001, ... into a partition.
func (s *suite) fill(t *testing.T, partition string, n int, make func(i int) kv.Row) (sorts []string) {
	t.Helper()
	var ops []kv.Op
	for i := range n {
		r := make(i)
		r.Key = key(partition, fmt.Sprintf("%04d", i))
		ops = append(ops, kv.Put(r))
		sorts = append(sorts, r.Sort)
	}
	for chunk := range slices.Chunk(ops, 10) {
		s.apply(t, chunk...)
	}
	return sorts
}

func wantSorts(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}
