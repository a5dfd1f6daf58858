package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/transfer"
	"github.com/org/registry-action/internal/wire"
)

// finish removes the marks of a move that has come to its end. The registry is at its new place already, so that what
// goes wrong here is only told.
func (r *moving) finish(ctx context.Context) error {
	err := errors.Join(r.unmarkTarget(ctx), r.markLeft(ctx), r.dropClaim(ctx))
	if err == nil {
		err = removeFile(filepath.Join(r.config.DataDir, moveFile))
	}
	if err != nil {
		r.config.Log.WarnContext(ctx, "the registry was moved, but not all marks of it are gone", "err", err)
		r.note("not all marks of the move could be removed (%s); that does no harm, and the same command tries again", said(err))
	}
	if !r.point {
		return nil
	}
	if r.writes() {
		r.note("restart the server of this data folder, without S3_BUCKET and DYNAMODB_TABLE or with those of the new place; until then it takes no changes")
	}
	if r.plan.Counts {
		r.note("restart the servers of this registry, without DYNAMODB_ANALYTICS_TABLE or with that of the new place; until then they count no downloads")
	}
	if old := r.stores.place.counts; r.plan.Counts && old.Table != "" {
		r.note("the table %q is as it was; delete it when you are sure", old.Table)
	}
	if old := r.plan.Left; old.Table != "" {
		r.note("the table %q is as it was, and its servers take no changes any more; delete it when you are sure", old.Table)
	}
	if old := r.stores.place.bucket; r.plan.Blobs && old.Bucket != "" {
		r.note("the bytes in %s are as they were; delete them when you are sure", old)
	}
	if r.writes() && (!r.shared || r.plan.Blobs && r.plan.S3.Bucket != "") {
		r.note("what was moved from %s stays there, in %s.moved-* and %s.moved-*; delete it when you are sure", r.config.DataDir, metadataFile, filepath.Base(blobFolder("")))
	}
	return nil
}

// unmarkTarget lets servers use the tables that were filled. (That of statistics is unmarked by whoever uses it, too.)
func (r *moving) unmarkTarget(ctx context.Context) error {
	if r.to != nil && r.to.counts != nil {
		if err := transfer.Unmark(ctx, r.to.counts, r.plan.ID); err != nil {
			return err
		}
	}
	if r.plan.Table.Table == "" {
		return nil
	}
	if r.to != nil && r.to.rows != nil {
		return transfer.Unmark(ctx, r.to.rows, r.plan.ID)
	}
	return transfer.Unmark(ctx, r.stores.rows, r.plan.ID)
}

// markLeft keeps the servers of the table that the registry came from from writing.
func (r *moving) markLeft(ctx context.Context) error {
	if r.plan.Left.Table == "" {
		return nil
	}
	left := transfer.Marker{ID: r.plan.ID, State: transfer.Left}
	if r.shared {
		return transfer.Mark(ctx, r.stores.rows, left)
	}
	db, err := openTable(r.config, r.plan.Left)
	if err != nil {
		return err
	}
	return errors.Join(transfer.Mark(ctx, db, left), db.Close())
}

// dropClaim removes the mark of the bucket that was filled.
func (r *moving) dropClaim(ctx context.Context) error {
	if r.plan.S3.Bucket == "" {
		return nil
	}
	blobs, err := openBucket(r.config, r.plan.S3)
	if err != nil {
		return err
	}
	key, _ := claimOf(r.plan)
	return errors.Join(blobs.Delete(ctx, key), blobs.Close())
}

// snapshotFile, in the spool folder, is the last snapshot that was asked for.
const snapshotFile = "snapshot.db"

// Snapshot writes the metadata, as it is at one moment, into a file of the data folder. There is one at a time.
func (m *mover) Snapshot(context.Context) (wire.Snapshot, error) {
	m.snapping.Lock()
	defer m.snapping.Unlock()
	if t := m.stores.place.table.Table; t != "" {
		return wire.Snapshot{}, fault.New(fault.Invalid, "the metadata is in the table %q; back it up with DynamoDB's point-in-time recovery, and the bucket with its versioning", t)
	}
	if b := m.stores.place.bucket; b.Bucket != "" {
		return wire.Snapshot{}, fault.New(fault.Invalid, "the bytes of packages are in %s, and a backup of the metadata alone installs nothing; stop the server and copy the data folder, or move it to DynamoDB, too", b)
	}
	source, ok := m.stores.rows.(io.WriterTo)
	if !ok {
		return wire.Snapshot{}, errors.New("the store of metadata has no snapshots")
	}
	path := filepath.Join(m.stores.spool, snapshotFile)
	if err := writeSnapshot(path, source); err != nil {
		return wire.Snapshot{}, fmt.Errorf("writing a snapshot of the metadata: %w", err)
	}
	return wire.Snapshot{
		File:  filepath.Join(filepath.Base(m.stores.spool), snapshotFile),
		Blobs: filepath.Base(blobFolder("")),
	}, nil
}

func writeSnapshot(path string, source io.WriterTo) error {
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = source.WriteTo(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return os.Rename(temp, path)
}
