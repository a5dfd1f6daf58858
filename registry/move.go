package registry

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/transfer"
	"github.com/org/registry-action/internal/wire"
)

// The bounds of the passes of a move.
const (
	clockMargin   = time.Hour        // by which the times of blobs may be wrong, and a blob under way older than its end
	leftOutMargin = 10 * time.Minute // rows that expire so soon are not compared
	resumeTimeout = 30 * time.Second
)

// moving is one run of a move.
type moving struct {
	*mover
	plan   plan
	to     *target
	cargo  []*cargo
	began  time.Time
	shared bool // other servers may write to the store of rows
	point  bool // of no return: what is noted in the data folder may be the new place already
}

// run makes a move: it copies while everything goes on, then stops writes, copies what was changed since, compares,
// and notes the new place in the data folder. An error before that leaves the registry as it was.
func (m *mover) run(ctx context.Context, p plan) (err error) {
	r := &moving{mover: m, plan: p, began: time.Now(), shared: m.stores.place.table.Table != ""}
	if p.nothing() {
		m.note("everything is there already")
		return r.finish(ctx)
	}
	if r.to, err = openTarget(ctx, m.config, p); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.to.close()) }()
	defer func() {
		if err != nil && !r.point {
			err = errors.Join(err, r.resume())
		}
	}()
	r.load()
	if err := r.copyOnline(ctx); err != nil {
		return err
	}
	stopped := time.Now()
	if err := r.stop(ctx); err != nil {
		return err
	}
	if err := r.copyRest(ctx); err != nil {
		return err
	}
	if err := r.verify(ctx); err != nil {
		return err
	}
	if err := r.turn(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	m.status.ReadOnly = time.Since(stopped).Round(time.Millisecond).String()
	m.mu.Unlock()
	return r.finish(ctx)
}

// load names the rows that move.
func (r *moving) load() {
	metadata, batch := r.stores.rows, 0
	if !r.shared {
		batch = kv.MaxBatch
	}
	if r.plan.Rows {
		metadata, batch = r.to.rows, r.to.batch
		all := &cargo{Rows: transfer.Rows{From: r.stores.rows, To: metadata, Batch: batch}, gate: r.stores.gate, shared: r.shared}
		if r.plan.Counts {
			all.Of = func(k kv.Key) bool { return !stats.Owns(k) }
		}
		r.cargo = append(r.cargo, all)
	}
	if r.plan.Counts {
		counts := &cargo{Rows: transfer.Rows{From: r.stores.counts, To: metadata, Of: stats.Owns, Batch: batch}, gate: r.stores.countsGate, shared: r.shared}
		if r.to.counts != nil {
			counts.To, counts.Batch = r.to.counts, 0
		}
		r.cargo = append(r.cargo, counts)
	}
}

// writes reports whether others than statistics move, and writes must stop for it.
func (r *moving) writes() bool { return r.plan.Rows || r.plan.Blobs }

// block lets writes to what moves answer err; nil: they go on.
func (r *moving) block(err error) {
	if r.writes() {
		r.stores.gate.Stop(err)
	}
	if r.plan.Counts {
		r.stores.countsGate.Stop(err)
	}
}

// forAll does a step for all rows that move, and counts with n.
func (r *moving) forAll(n *transfer.Progress, step func(*cargo) error) error {
	for _, c := range r.cargo {
		c.Progress = n
		if err := step(c); err != nil {
			return err
		}
	}
	return nil
}

// until is before when rows expire that are not compared.
func (r *moving) until() time.Time { return r.config.Now().Add(leftOutMargin) }

// copyOnline copies and compares everything while it changes.
func (r *moving) copyOnline(ctx context.Context) error {
	rows, blobs, err := r.totals(ctx)
	if err != nil {
		return err
	}
	n := r.phase(wire.PhaseCopying, rows, blobs)
	if r.plan.Blobs {
		if err := r.blobs(n).Copy(ctx); err != nil {
			return err
		}
	}
	if err := r.forAll(n, func(c *cargo) error { return c.online(ctx, r.until()) }); err != nil {
		return err
	}
	if !r.plan.Blobs || r.shared {
		return nil
	}
	if err := r.blobs(n).Copy(ctx); err != nil { // also removes what the sweeper has removed here
		return err
	}
	return r.forAll(n, func(c *cargo) error { return c.catchUp(ctx) })
}

func (r *moving) blobs(n *transfer.Progress) transfer.Blobs {
	return transfer.Blobs{From: r.stores.raw, To: r.to.blobs, Progress: n}
}

// totals counts what is in the data folder, where that is fast. A row is looked at three times: it is copied, and compared
// from both sides.
func (r *moving) totals(ctx context.Context) (rows, blobs int64, err error) {
	for _, c := range r.cargo {
		n, err := c.count(ctx)
		if err != nil {
			return 0, 0, err
		}
		rows += 3 * n
	}
	if r.plan.Blobs && r.stores.place.bucket.Bucket == "" {
		for _, space := range transfer.Spaces {
			for _, err := range r.stores.raw.List(ctx, space, digest.SHA256{}) {
				if err != nil {
					return 0, 0, err
				}
				blobs++
			}
		}
	}
	return rows, blobs, nil
}

// stop stops all writes, of other servers too.
func (r *moving) stop(ctx context.Context) error {
	r.phase(wire.PhaseStopping, 0, 0)
	r.block(transfer.Moving())
	if !r.shared {
		return nil
	}
	if r.plan.Rows {
		if err := transfer.Mark(ctx, r.stores.rows, transfer.Marker{ID: r.plan.ID, State: transfer.Leaving}); err != nil {
			return fmt.Errorf("telling the servers of the table to stop writing: %w", err)
		}
	}
	if r.plan.Counts {
		if err := r.holdCounting(ctx); err != nil {
			return fmt.Errorf("telling the servers of the table to stop counting: %w", err)
		}
	}
	return waitFor(ctx, r.config.settle)
}

// resume lets writes go on.
func (r *moving) resume() error {
	ctx, cancel := context.WithTimeout(context.Background(), resumeTimeout)
	defer cancel()
	var err error
	if r.shared {
		err = errors.Join(transfer.Unmark(ctx, r.stores.rows, r.plan.ID), releaseCounting(ctx, r.stores.rows, r.plan.ID))
	}
	r.block(nil)
	return err
}

// copyRest copies what was changed since copyOnline.
func (r *moving) copyRest(ctx context.Context) error {
	n := r.phase(wire.PhaseFinishing, 0, 0)
	if r.plan.Blobs {
		copied := func() error { return r.blobs(n).CopySince(ctx, r.began.Add(-clockMargin)) }
		if r.shared {
			copied = func() error { return r.blobs(n).Copy(ctx) }
		}
		if err := copied(); err != nil {
			return err
		}
	}
	return r.forAll(n, func(c *cargo) error { return c.rest(ctx) })
}

// verify compares the rows of both sides. Blobs were compared when they were listed, and have the digest they are named by.
func (r *moving) verify(ctx context.Context) error {
	n := r.phase(wire.PhaseVerifying, 0, 0)
	return r.forAll(n, func(c *cargo) error { return c.verify(ctx, r.until()) })
}

// turn makes the new place that of the data folder. The halves go one after the other; between them, too, everything
// is there: what is moved to the folder last, or from it first, is the bytes, as a table says where its bytes are.
func (r *moving) turn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.plan.Rows {
		if err := r.noteCounting(ctx, r.to.rows); err != nil {
			return err
		}
	}
	if err := r.to.closeLocal(); err != nil { // so that its files can be renamed
		return err
	}
	r.point = true
	r.mu.Lock()
	r.moved = true
	r.mu.Unlock()
	r.block(transfer.Moved())
	dir, steps := r.config.DataDir, []func(string) error{r.turnRows, r.turnBlobs}
	if r.plan.S3.Bucket != "" {
		steps = []func(string) error{r.turnBlobs, r.turnRows}
	}
	if r.plan.Counts && !r.plan.Rows { // else the metadata says it where it goes
		steps = append(steps, func(string) error { return r.noteCounting(ctx, r.stores.rows) })
	}
	for _, step := range steps {
		if err := step(dir); err != nil {
			return fmt.Errorf("noting the new place in the data folder; restart the server and begin the migration again: %w", err)
		}
	}
	return nil
}

func (r *moving) turnRows(dir string) error {
	switch note := filepath.Join(dir, metadataNote); {
	case !r.plan.Rows:
		return nil
	case r.plan.Table.Table != "":
		return noteTable(dir, r.plan.Table)
	default:
		if err := rename(filepath.Join(dir, fillingMetadata), filepath.Join(dir, metadataFile)); err != nil {
			return err
		}
		return removeFile(note)
	}
}

func (r *moving) turnBlobs(dir string) error {
	switch note := filepath.Join(dir, storageFile); {
	case !r.plan.Blobs:
		return nil
	case r.plan.S3.Bucket != "":
		return remember(dir, r.plan.S3)
	default:
		if err := rename(filepath.Join(dir, fillingBlobs), blobFolder(dir)); err != nil {
			return err
		}
		return removeFile(note)
	}
}
