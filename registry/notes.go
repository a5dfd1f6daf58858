package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/transfer"
)

// place is where a data folder's things are: a bucket, a table, or none for the folder itself.
type place struct {
	bucket S3
	table  DynamoDB
	counts DynamoDB // of statistics; none: where other metadata is
}

// writeNote writes JSON that outlives a crash, whole or not at all.
func writeNote(path string, v any) (err error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync()); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return rename(path+".new", path)
}

// rename gives a file or folder another name in the same folder, and makes that durable.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(to))
}

// removeFile removes a file, there or not, for good.
func removeFile(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, syncFolder(filepath.Dir(path)))
}

func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // there a folder can't be synced
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// bucketKey is the row by which all servers of a table agree on the bucket.
func bucketKey() kv.Key { return kv.Key{Partition: transfer.Partition, Sort: "bucket"} }

// agree refuses another bucket than the one that the servers of a shared table have their bytes in: what one of them
// published could not be installed from the other.
func (s stores) agree(c Config) error {
	table, bucket := s.place.table.Table, s.place.bucket
	if table == "" {
		return nil
	}
	if bucket.Bucket == "" {
		c.Log.Warn("metadata is in a table that other servers may share, but the bytes of packages are in this server's data folder, where no other finds them; set S3_BUCKET", "table", table)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		kept, _, found, err := kv.ReadJSON[S3](ctx, s.rows, bucketKey())
		switch {
		case err != nil:
			return err
		case found && !kept.same(bucket):
			return fault.New(fault.Invalid, "the servers of the table %q keep the bytes of packages in %s; set S3_BUCKET and S3_PREFIX to that, or name another table (DYNAMODB_TABLE)", table, kept)
		case found || bucket.Bucket == "":
			return nil
		}
		agreed, begun := kv.PutNew(kv.JSON(bucketKey(), bucket)), lifetime.Begin(c.Now())
		err = s.db.Apply(ctx, agreed, begun)
		if lost, ok := errors.AsType[*kv.ConflictError](err); ok && lost.Key == begun.Row.Key {
			err = s.db.Apply(ctx, agreed) // the table was in use without a bucket
		}
		if err == nil || !errors.Is(err, kv.ErrConflict) { // else another server was faster
			return unlessMoving(err)
		}
	}
}

// unlessMoving lets a server start where writes are stopped: what it wanted to write can wait.
func unlessMoving(err error) error {
	if e, ok := fault.Public(err); ok && (e.Code == transfer.Moving().Code || e.Code == transfer.Moved().Code) {
		return nil
	}
	return err
}

// asideFolder is a data folder that is tidied by Close.
type asideFolder string

// Close puts aside what the folder does not use any more.
func (dir asideFolder) Close() error { return setAside(string(dir)) }

// setAside renames what was left in the folder itself when the registry moved elsewhere. It is not removed: that is up to the operator.
func setAside(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, moveFile)); err == nil {
		return nil // it has not come to its end
	}
	for note, old := range map[string]string{metadataNote: filepath.Join(dir, metadataFile), storageFile: blobFolder(dir)} {
		if _, err := os.Stat(filepath.Join(dir, note)); err != nil {
			continue
		}
		if _, err := os.Stat(old); err != nil {
			continue
		}
		if err := rename(old, fmt.Sprintf("%s.moved-%d", old, time.Now().UnixNano())); err != nil {
			return err
		}
	}
	return nil
}

// Storage tells where the registry's things are: none is the data folder.
func (r *Registry) Storage() (S3, DynamoDB) { return r.stores.place.bucket, r.stores.place.table }
