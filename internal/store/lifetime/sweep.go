package lifetime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

// Due returns the op that has the sweeper do a task for id soon after t.
func (k *Keeper) Due(t time.Time, task, id string) kv.Op {
	return kv.Put(kv.Row{Key: kv.Key{Partition: duePartition(t), Sort: task + "/" + id}})
}

// Begin returns the op that has the sweepers of a new store look back two days only: without it the first sweep looks at
// every hour of the Horizon. It is lost where a sweep has been.
func Begin(now time.Time) kv.Op {
	return kv.PutNew(kv.JSON(sweptKey(), now.UTC().Truncate(time.Hour).Add(-48*time.Hour)))
}

// Task removes what id names, if its time is over, and reports whether it did.
type Task func(ctx context.Context, id string) (removed bool, err error)

// Swept counts what a sweep removed, by task; blobs are under "blob".
type Swept map[string]int

// Sweep does the tasks that are due and removes blobs whose time is over. It
// may run on several servers at once. Bytes go at the latest two hours after
// what kept them. A task that fails is done again within two hours.
func (k *Keeper) Sweep(ctx context.Context, tasks map[string]Task) (Swept, error) {
	total := Swept{}
	end := k.now().Truncate(time.Hour) // rows are only added to this hour's bucket or later ones
	hour, raw, found, err := kv.ReadJSON[time.Time](ctx, k.db, sweptKey())
	if err != nil {
		return total, err
	}
	if !found {
		hour = end.Add(-k.opt.Horizon)
	}
	for hour = hour.Truncate(time.Hour); hour.Before(end); hour = hour.Add(time.Hour) {
		if err := k.sweepHour(ctx, hour, tasks, total); err != nil {
			return total, err
		}
	}
	err = k.db.Apply(ctx, kv.Upsert(raw, found, kv.JSON(sweptKey(), end)))
	if errors.Is(err, kv.ErrConflict) {
		err = nil // another server's sweep got there too
	}
	return total, err
}

func (k *Keeper) sweepHour(ctx context.Context, hour time.Time, tasks map[string]Task, total Swept) error {
	for r, err := range k.db.Scan(ctx, duePartition(hour), kv.Query{}) {
		if err != nil {
			return err
		}
		ops := []kv.Op{kv.Delete(r.Key)}
		if err := k.sweepRow(ctx, r, tasks, total); err != nil {
			k.opt.Log.ErrorContext(ctx, "sweeping failed; trying again later", "row", r.Sort, "err", err)
			later := k.now().Add(time.Hour) // another sweep may just be done with this hour
			ops = append(ops, kv.Put(kv.Row{Key: kv.Key{Partition: duePartition(later), Sort: r.Sort}}))
		}
		if err := k.db.Apply(ctx, ops...); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) sweepRow(ctx context.Context, r kv.Row, tasks map[string]Task, total Swept) error {
	name, id, _ := strings.Cut(r.Sort, "/")
	task := tasks[name]
	if name == "blob" {
		task = k.sweepBlob
	}
	if task == nil {
		return fmt.Errorf("row %s names no task", r.Key)
	}
	removed, err := task(ctx, id)
	if removed {
		total[name]++
	}
	return err
}

func (k *Keeper) sweepBlob(ctx context.Context, id string) (bool, error) {
	space, hex, _ := strings.Cut(id, "/")
	d, err := digest.Parse(hex)
	if err != nil {
		return false, err
	}
	return k.reap(ctx, blob.Key{Space: blob.Space(space), Digest: d})
}
