package boltkv

import (
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/store/kv"
)

// A reader who has seen one row of a batch sees all of it, however often rows
// are read between commits.
func TestRememberedRowsAreNeverOld(t *testing.T) {
	db, err := Open(filepath.Join(t.TempDir(), "db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	a, b := kv.Key{Partition: "p", Sort: "a"}, kv.Key{Partition: "p", Sort: "b"}
	write := func(n int) error {
		v := []byte(strconv.Itoa(n))
		return db.Apply(t.Context(), kv.Put(kv.Row{Key: a, Value: v}), kv.Put(kv.Row{Key: b, Value: v}))
	}
	read := func(k kv.Key) int {
		row, err := db.Get(t.Context(), k)
		n, err2 := strconv.Atoi(string(row.Value))
		if err != nil || err2 != nil {
			t.Errorf("Get(%s) = %q, %v", k, row.Value, err)
		}
		return n
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				if first, second := read(a), read(b); second < first {
					t.Errorf("b is %d after a was %d", second, first)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := range 300 {
		if err := write(n); err != nil {
			t.Error(err)
		}
		if got := read(a); got != n {
			t.Errorf("a is %d after %d was acknowledged", got, n)
		}
	}
	close(done)
	readers.Wait()
}

// What a caller does to a row it has read is its own affair.
func TestRememberedRowsAreCopies(t *testing.T) {
	db, err := Open(filepath.Join(t.TempDir(), "db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	k := kv.Key{Partition: "p", Sort: "s"}
	if err := db.Apply(t.Context(), kv.Put(kv.Row{Key: k, Value: []byte("abc")})); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		row, err := db.Get(t.Context(), k)
		if err != nil || string(row.Value) != "abc" {
			t.Fatalf("Get = %q, %v", row.Value, err)
		}
		row.Value[0] = 'x'
	}
}
