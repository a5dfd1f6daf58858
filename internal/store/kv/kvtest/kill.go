package kvtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/org/registry-action/internal/store/crashtest"
	"github.com/org/registry-action/internal/store/kv"
)

// killPartitions are where each batch of a killed writer has a row.
var killPartitions = []string{"first", "middle", "second", "tail"}

// WriteUntilKilled is the child's side of RunKill. It writes batches from
// several goroutines, a row in every one of killPartitions and a counter, and
// acknowledges their names. It returns if a write fails.
func WriteUntilKilled(ctx context.Context, db kv.DB, ack func(line string)) error {
	return errors.Join(race(func(writer int) error {
		for n := 0; ; n++ {
			name := rand.Text()
			ops := []kv.Op{
				kv.Add(key("count", "all"), 1),
				kv.Put(row("churn", fmt.Sprintf("%d.%d", writer, n%5), string(killValue(name, "")))),
			}
			for _, p := range killPartitions {
				ops = append(ops, kv.PutNew(kv.Row{Key: key(p, name), Value: killValue(name, p)}))
			}
			if err := db.Apply(ctx, ops...); err != nil {
				return err
			}
			ack(name)
		}
	})...)
}

// killValue returns up to 4 KiB that only depend on where they belong.
func killValue(name, partition string) []byte {
	sum := sha256.Sum256([]byte(partition + "/" + name))
	n := int(binary.BigEndian.Uint16(sum[:]) % 4096)
	return bytes.Repeat(sum[:], n/len(sum)+1)[:n]
}

// RunKill kills a writer of the store at path, whose child side is
// WriteUntilKilled in crashtest.Main, rounds times. After each it opens the store and
// checks that all acknowledged batches are there, and that all batches are whole.
func RunKill(t *testing.T, path string, rounds int, open func(t *testing.T) kv.DB) {
	acked := map[string]bool{}
	crashtest.Run(t, path, rounds, func(round int, names []string) {
		for _, name := range names {
			acked[name] = true
		}
		db := open(t)
		if err := checkKilled(t.Context(), db, acked); err != nil {
			t.Fatalf("after kill %d: %v", round+1, err)
		}
		if err := db.Close(); err != nil {
			t.Fatalf("closing after kill %d: %v", round+1, err)
		}
	})
}

func checkKilled(ctx context.Context, db kv.DB, acked map[string]bool) error {
	stored := map[string]int{} // rows of each batch
	for _, p := range killPartitions {
		for r, err := range db.Scan(ctx, p, kv.Query{}) {
			if err != nil {
				return err
			}
			if !bytes.Equal(r.Value, killValue(r.Sort, p)) {
				return fmt.Errorf("row %s has a wrong value of %d bytes", r.Key, len(r.Value))
			}
			stored[r.Sort]++
		}
	}
	for name, rows := range stored {
		if rows != len(killPartitions) {
			return fmt.Errorf("batch %s has %d rows of %d", name, rows, len(killPartitions))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(acked)) {
		if stored[name] == 0 {
			return fmt.Errorf("the acknowledged batch %s is gone", name)
		}
	}
	return checkKillCount(ctx, db, len(stored))
}

func checkKillCount(ctx context.Context, db kv.DB, want int) error {
	count, err := db.Get(ctx, key("count", "all"))
	if errors.Is(err, kv.ErrNotFound) && want == 0 {
		return nil
	}
	if err == nil && string(count.Value) != strconv.Itoa(want) {
		err = fmt.Errorf("the counter says %s batches, there are %d", count.Value, want)
	}
	return err
}
