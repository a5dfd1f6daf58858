package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/transfer"
)

func startContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}

// target is the open stores that a registry moves to; nil for what stays.
type target struct {
	rows   kv.Walker
	batch  int       // rows written together
	counts kv.Walker // the table of statistics
	blobs  blob.Store
	local  []io.Closer // stores in the data folder
	far    []io.Closer
}

func (t *target) close() error {
	err := t.closeLocal()
	for _, c := range t.far {
		err = errors.Join(err, c.Close())
	}
	return err
}

// closeLocal closes what is in the data folder, once.
func (t *target) closeLocal() error {
	var err error
	for _, c := range t.local {
		err = errors.Join(err, c.Close())
	}
	t.local = nil
	return err
}

// openTarget opens the stores of a plan and makes sure that they are empty, or were begun to be filled by it.
func openTarget(ctx context.Context, c Config, p plan) (t *target, err error) {
	t = &target{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	if p.Rows {
		if err := t.openRows(ctx, c, p); err != nil {
			return t, err
		}
	}
	if p.Counts && p.Analytics.Table != "" {
		if t.counts, err = t.openFar(ctx, c, p.Analytics, p.ID); err != nil {
			return t, err
		}
	}
	if p.Blobs {
		return t, t.openBlobs(ctx, c, p)
	}
	return t, nil
}

func (t *target) openRows(ctx context.Context, c Config, p plan) (err error) {
	if p.Table.Table == "" {
		path := filepath.Join(c.DataDir, fillingMetadata)
		if err := takeBack(filepath.Join(c.DataDir, metadataFile), path); err != nil {
			return err
		}
		db, err := boltkv.Open(path, boltkv.Options{Now: c.Now})
		if err != nil {
			return fmt.Errorf("opening the metadata to fill: %w", err)
		}
		t.rows, t.batch, t.local = db, kv.MaxBatch, append(t.local, db)
		return nil
	}
	t.rows, err = t.openFar(ctx, c, p.Table, p.ID)
	return err
}

// openFar opens a table for a move of an id.
func (t *target) openFar(ctx context.Context, c Config, table DynamoDB, id string) (kv.Walker, error) {
	db, err := openTable(c, table)
	if err != nil {
		return nil, err
	}
	t.far = append(t.far, db)
	return db, claimTable(ctx, db, table.Table, id)
}

// claimTable marks a table as the target of a move. One that has rows of anything else is refused.
func claimTable(ctx context.Context, db kv.Walker, table, id string) error {
	m, err := transfer.ReadMarker(ctx, db)
	if err != nil {
		return noRights(err, table)
	}
	if m.ID == id {
		return nil
	}
	for _, err := range db.Walk(ctx, kv.Key{}) {
		if err != nil {
			return noRights(err, table)
		}
		return fault.New(fault.Invalid, "the table %q is not empty, and what is in it is not of this move; name another one (DYNAMODB_TABLE, DYNAMODB_ANALYTICS_TABLE), or empty it", table)
	}
	if err := transfer.Mark(ctx, db, transfer.Marker{ID: id, State: transfer.Filling}); err != nil {
		return noRights(err, table)
	}
	return nil
}

func noRights(err error, table string) error {
	return fault.Wrap(err, fault.Unavailable, "the table %q can't be read and written: %s; a move needs the right to dynamodb:Scan on it besides those of a server", table, said(err))
}

// said is what may be told of an error.
func said(err error) string {
	if e, ok := fault.Public(err); ok {
		return e.Message
	}
	return "the log of the server says why"
}

func (t *target) openBlobs(ctx context.Context, c Config, p plan) error {
	if p.S3.Bucket == "" {
		dir := filepath.Join(c.DataDir, fillingBlobs)
		if err := takeBack(blobFolder(c.DataDir), dir); err != nil {
			return err
		}
		blobs, err := fsblob.Open(dir)
		if err != nil {
			return fmt.Errorf("opening the blobs to fill: %w", err)
		}
		t.blobs, t.local = blobs, append(t.local, blobs)
		return nil
	}
	blobs, err := openBucket(c, p.S3)
	if err != nil {
		return err
	}
	t.blobs, t.far = blobs, append(t.far, blobs)
	if err := claimBucket(ctx, blobs, p); err != nil {
		if _, ok := fault.Public(err); ok && errors.Is(err, fault.Invalid) {
			return err
		}
		return fault.Wrap(err, fault.Unavailable, "%s can't be read and written: %s; a move needs the rights of a server: s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload", p.S3, said(err))
	}
	return nil
}

// claimSpace is the space of blobs that mark buckets.
const claimSpace blob.Space = "moves"

// claimOf is the blob that marks a bucket as the target of a move.
func claimOf(p plan) (blob.Key, []byte) {
	text := []byte("A registry is being moved here: " + p.ID + "\n")
	return blob.Key{Space: claimSpace, Digest: digest.Of(text)}, text
}

// claimBucket marks a bucket as the target of a move. One that has blobs of anything else is refused: whoever keeps
// them there would remove ours.
func claimBucket(ctx context.Context, blobs blob.Store, p plan) error {
	key, text := claimOf(p)
	_, err := blobs.Stat(ctx, key)
	if err == nil || !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	for _, space := range append([]blob.Space{claimSpace}, transfer.Spaces...) {
		for _, err := range blobs.List(ctx, space, digest.SHA256{}) {
			if err != nil {
				return err
			}
			return fault.New(fault.Invalid, "%s is not empty, and what is in it is not of this move; name another bucket (S3_BUCKET) or prefix (S3_PREFIX), or empty it", p.S3)
		}
	}
	if _, _, err := blobs.Put(ctx, key, bytes.NewReader(text)); err != nil {
		return err
	}
	f, _, err := blobs.Open(ctx, key)
	if err != nil {
		return err
	}
	return f.Close()
}

// takeBack gives what was complete, in a move that was killed then, the name it was filled under.
func takeBack(complete, filling string) error {
	_, err := os.Stat(complete)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filling); err == nil {
		return fault.New(fault.Invalid, "the data folder has both %s and %s, of which no move knows; move the first away", filepath.Base(complete), filepath.Base(filling))
	}
	return rename(complete, filling)
}
