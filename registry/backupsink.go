package registry

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/transfer"
)

// dirSink keeps a backup in a folder:
//
//	backup.json                  what describes it, and names the next
//	metadata-{16 hex digits}.db
//	blobs/                       as in a data folder
type dirSink struct {
	dir   string
	temp  string // the metadata, until it has its name
	blobs *fsblob.Store
}

func newDirSink(dir string) (*dirSink, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if n := e.Name(); n != backupNote && n != backupBlobs && !strings.HasPrefix(n, backupNote+".") && !strings.HasPrefix(n, "metadata") {
			return nil, fault.New(fault.Invalid, "the folder %s has other things than a backup, such as %s; name a folder that is empty or has a backup, or a file that ends with .tar", dir, n)
		}
	}
	blobs, err := fsblob.Open(filepath.Join(dir, backupBlobs))
	if err != nil {
		return nil, err
	}
	return &dirSink{dir: dir, temp: filepath.Join(dir, "metadata.new"), blobs: blobs}, nil
}

func (d *dirSink) metadata(ctx context.Context, snapshot string) (string, error) {
	return d.temp, copyFile(ctx, snapshot, d.temp)
}

func (d *dirSink) blob(ctx context.Context, key blob.Key, f *os.File, size int64) error {
	if info, err := d.blobs.Stat(ctx, key); err == nil && info.Size == size {
		return nil // of an earlier backup
	}
	_, _, err := d.blobs.Put(ctx, key, f)
	return err
}

// finish makes the backup the folder's, and then removes what only the one before it needed.
func (d *dirSink) finish(ctx context.Context, b Backup) error {
	b.Metadata = "metadata-" + b.SHA256[:16] + ".db"
	if err := rename(d.temp, filepath.Join(d.dir, b.Metadata)); err != nil {
		return err
	}
	if err := writeNote(filepath.Join(d.dir, backupNote), b); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(d.dir, "metadata-*.db"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if filepath.Base(file) != b.Metadata {
			err = errors.Join(err, os.Remove(file))
		}
	}
	return errors.Join(err, d.prune(ctx, filepath.Join(d.dir, b.Metadata)))
}

// prune removes the blobs that the metadata does not count on.
func (d *dirSink) prune(ctx context.Context, metadata string) (err error) {
	if err := copyFile(ctx, metadata, d.temp); err != nil { // opening it would change it
		return err
	}
	db, err := boltkv.Open(d.temp, boltkv.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, space := range transfer.Spaces {
		for info, err := range d.blobs.List(ctx, space, digest.SHA256{}) {
			if err != nil {
				return err
			}
			held, err := lifetime.IsHeld(ctx, db, info.Key)
			if err == nil && !held {
				err = d.blobs.Delete(ctx, info.Key)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *dirSink) abandon() error { return errors.Join(d.blobs.Close(), removeFile(d.temp)) }

// tarSink writes a backup into one file: blobs, the metadata, and at last what describes it.
type tarSink struct {
	path, temp string // the file, and the metadata on its way
	f          *os.File
	w          *tar.Writer
	done       bool
}

func newTarSink(path string) (*tarSink, error) {
	f, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return &tarSink{path: path, temp: path + ".metadata", f: f, w: tar.NewWriter(f)}, nil
}

func (t *tarSink) metadata(ctx context.Context, snapshot string) (string, error) {
	return t.temp, copyFile(ctx, snapshot, t.temp)
}

func (t *tarSink) blob(ctx context.Context, key blob.Key, f *os.File, size int64) error {
	h := digest.NewHasher()
	if err := t.add(ctx, backupBlobs+"/"+filepath.ToSlash(blobPath(key)), io.TeeReader(f, h), size); err != nil {
		return err
	}
	if h.Sums().SHA256 != key.Digest {
		return fmt.Errorf("reading blob %s: %w", key, blob.ErrDigest)
	}
	return nil
}

func (t *tarSink) add(ctx context.Context, name string, r io.Reader, size int64) error {
	if err := t.w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, Format: tar.FormatPAX, ModTime: time.Unix(0, 0)}); err != nil {
		return err
	}
	_, err := io.Copy(t.w, reading{ctx, io.LimitReader(r, size)})
	return err
}

func (t *tarSink) finish(ctx context.Context, b Backup) error {
	f, err := os.Open(t.temp)
	if err != nil {
		return err
	}
	err = errors.Join(t.add(ctx, backupMetadata, f, b.Size), f.Close())
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	if err := t.add(ctx, backupNote, strings.NewReader(string(text)), int64(len(text))); err != nil {
		return err
	}
	if err := errors.Join(t.w.Close(), t.f.Sync()); err != nil {
		return err
	}
	if err := t.f.Close(); err != nil {
		return err
	}
	t.done = true
	return rename(t.path+".part", t.path)
}

func (t *tarSink) abandon() error {
	err := removeFile(t.temp)
	if !t.done {
		err = errors.Join(err, t.f.Close(), removeFile(t.path+".part"))
	}
	return err
}
