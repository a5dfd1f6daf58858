package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
)

// Backup describes a backup. As the file backup.json it is the last of one that is written: without it there is none.
type Backup struct {
	Format   int       `json:"format"` // backupFormat
	Created  time.Time `json:"created"`
	Version  string    `json:"version"`  // of the program
	Metadata string    `json:"metadata"` // file
	Size     int64     `json:"size"`     // of the metadata, in bytes
	SHA256   string    `json:"sha256"`   // of the metadata, in hex
	Blobs    int64     `json:"blobs"`
	Bytes    int64     `json:"bytes"` // of the blobs
}

const (
	backupFormat   = 1
	backupNote     = "backup.json"
	backupBlobs    = "blobs"
	backupMetadata = "metadata.db" // in a single file
)

// BackupSource is what to back up.
type BackupSource struct {
	Snapshot string // file of the metadata at one moment
	Blobs    string // folder of the blobs
	Version  string
	Progress func(done, total int64) // blobs; nil: nobody looks
}

// backupSink takes a backup: blobs, the metadata, and what describes them.
type backupSink interface {
	metadata(ctx context.Context, snapshot string) (file string, err error) // puts aside where the copy can be read
	blob(ctx context.Context, key blob.Key, f *os.File, size int64) error
	finish(ctx context.Context, b Backup) error
	abandon() error
}

// WriteBackup writes a backup to a single file, if to ends with .tar, or else to a folder; of one that is in the folder
// already it keeps the blobs. A backup is there when it is complete; until then the one before it is.
func WriteBackup(ctx context.Context, from BackupSource, to string) (b Backup, err error) {
	var sink backupSink
	if strings.HasSuffix(to, ".tar") {
		sink, err = newTarSink(to)
	} else {
		sink, err = newDirSink(to)
	}
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, sink.abandon()) }()
	return from.write(ctx, sink)
}

func (from BackupSource) write(ctx context.Context, sink backupSink) (b Backup, err error) {
	created := time.Now().UTC()
	copied, err := sink.metadata(ctx, from.Snapshot)
	if err != nil {
		return b, fmt.Errorf("copying the metadata: %w", err)
	}
	b = Backup{Format: backupFormat, Created: created, Version: from.Version, Metadata: backupMetadata}
	if b.Blobs, b.Bytes, err = from.writeBlobs(ctx, copied, created, sink); err != nil {
		return b, err
	}
	if b.Size, b.SHA256, err = hashFile(copied); err != nil {
		return b, err
	}
	return b, sink.finish(ctx, b)
}

// writeBlobs copies every blob that the metadata counts on.
func (from BackupSource) writeBlobs(ctx context.Context, metadata string, created time.Time, sink backupSink) (n, bytes int64, err error) {
	db, err := boltkv.Open(metadata, boltkv.Options{})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	root, err := os.OpenRoot(from.Blobs)
	if errors.Is(err, fs.ErrNotExist) { // nothing was published yet
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("opening the blobs: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	total, done := int64(0), int64(0)
	for _, err := range heldIn(ctx, db) {
		if err != nil {
			return 0, 0, err
		}
		total++
	}
	for h, err := range heldIn(ctx, db) {
		if err != nil {
			return 0, 0, err
		}
		size, err := writeBlob(ctx, root, h, created, sink)
		if err != nil {
			return 0, 0, err
		}
		if size >= 0 {
			n, bytes = n+1, bytes+size
		}
		if done++; from.Progress != nil {
			from.Progress(done, total)
		}
	}
	return n, bytes, nil
}

// heldIn yields the blobs that metadata counts on.
func heldIn(ctx context.Context, db kv.Walker) func(yield func(lifetime.Held, error) bool) {
	return func(yield func(lifetime.Held, error) bool) {
		for r, err := range db.Walk(ctx, kv.Key{}) {
			if err != nil {
				yield(lifetime.Held{}, err)
				return
			}
			h, ok, err := lifetime.HeldBy(r)
			if err != nil || ok {
				if !yield(h, err) || err != nil {
					return
				}
			}
		}
	}
}

// writeBlob copies a blob of the live registry; -1 is the size of one that is not there, nor has to be: its time was
// over, or its bytes had not come yet.
func writeBlob(ctx context.Context, root *os.Root, h lifetime.Held, created time.Time, sink backupSink) (size int64, err error) {
	if err := h.Space.Validate(); err != nil {
		return 0, err
	}
	f, err := root.Open(blobPath(h.Key))
	if errors.Is(err, fs.ErrNotExist) {
		if h.Firm(created) {
			return 0, fault.New(fault.NotFound, "the bytes %s, which a package needs, are not there; if a version was just unpublished, make the backup again", h.Key)
		}
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // it is only read
	stat, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := sink.blob(ctx, h.Key, f, stat.Size()); err != nil {
		if errors.Is(err, blob.ErrDigest) {
			err = fault.Wrap(err, fault.Invalid, "the bytes %s are damaged on the server's disk; nothing was backed up", h.Key)
		}
		return 0, err
	}
	return stat.Size(), nil
}

// blobPath is where a blob is below a folder of blobs.
func blobPath(key blob.Key) string {
	hex := key.Digest.Hex()
	return filepath.Join(string(key.Space), hex[:2], hex)
}

func hashFile(path string) (size int64, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = f.Close() }() // it is only read
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

// copyFile copies a file into a new one that only this user may read, for good.
func copyFile(ctx context.Context, from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it is only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, reading{ctx, in})
	return errors.Join(err, out.Sync(), out.Close())
}

// reading ends with its context.
type reading struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (r reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
