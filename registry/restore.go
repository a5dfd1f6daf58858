package registry

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv/boltkv"
)

// maxNote bounds backup.json, in bytes.
const maxNote = 64 << 10

// restoring is a data folder that is being made of a backup.
type restoring struct {
	dir      string
	blobs    *fsblob.Store
	progress func(done, total int64)
	done     int64
}

// Restore makes a new data folder of a backup. Every digest is checked; the folder is there when all of it is.
func Restore(ctx context.Context, from, to string, progress func(done, total int64)) (b Backup, err error) {
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
		return b, fault.New(fault.Invalid, "the folder %s is not empty; name a new one with --data (REGISTRY_DATA)", to)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	stat, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return b, fault.New(fault.NotFound, "there is no backup %s; name the folder or .tar file that registry-server backup has made", from)
	}
	if err != nil {
		return b, fmt.Errorf("opening the backup: %w", err)
	}
	r := &restoring{dir: filepath.Clean(to) + ".restoring", progress: progress}
	if err := errors.Join(os.RemoveAll(r.dir), os.MkdirAll(r.dir, 0o700)); err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }() // it has another name by then, if all went well
	if r.blobs, err = fsblob.Open(blobFolder(r.dir)); err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, r.blobs.Close()) }()
	if stat.IsDir() {
		b, err = r.readDir(ctx, from)
	} else {
		b, err = r.readTar(ctx, from)
	}
	if err != nil {
		return b, err
	}
	if err := r.check(ctx, b); err != nil {
		return b, err
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	return b, rename(r.dir, filepath.Clean(to))
}

func (r *restoring) file() string { return filepath.Join(r.dir, metadataFile) }

// parseBackup reads what describes a backup.
func parseBackup(in io.Reader) (b Backup, err error) {
	text, err := io.ReadAll(io.LimitReader(in, maxNote))
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fault.Wrap(err, fault.Invalid, "%s of the backup is damaged", backupNote)
	}
	if b.Format != backupFormat {
		return b, fault.New(fault.Invalid, "the backup has the format %d, this program reads %d; use the version that made it (%.40q)", b.Format, backupFormat, b.Version)
	}
	if filepath.Base(b.Metadata) != b.Metadata || b.Metadata == "" || b.Metadata == "." || b.Metadata == ".." {
		return b, fault.New(fault.Invalid, "%s of the backup names no file of metadata", backupNote)
	}
	return b, nil
}

func incomplete(cause error) error {
	return fault.Wrap(cause, fault.Invalid, "the backup is not complete: its last file, %s, is missing; use an earlier one", backupNote)
}

// readDir copies a backup that is a folder.
func (r *restoring) readDir(ctx context.Context, dir string) (b Backup, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	note, err := root.Open(backupNote)
	if errors.Is(err, fs.ErrNotExist) {
		return b, incomplete(err)
	}
	if err != nil {
		return b, err
	}
	b, err = parseBackup(note)
	if err = errors.Join(err, note.Close()); err != nil {
		return b, err
	}
	if err := copyFile(ctx, filepath.Join(dir, b.Metadata), r.file()); err != nil {
		return b, fault.Wrap(err, fault.Invalid, "the metadata of the backup can't be read")
	}
	if err := checkHash(r.file(), b); err != nil {
		return b, err
	}
	db, err := boltkv.Open(r.file(), boltkv.Options{})
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for h, err := range heldIn(ctx, db) {
		if err != nil {
			return b, err
		}
		f, err := root.Open(path.Join(backupBlobs, filepath.ToSlash(blobPath(h.Key))))
		if errors.Is(err, fs.ErrNotExist) {
			continue // check says whether it matters
		}
		if err != nil {
			return b, err
		}
		if err := errors.Join(r.blob(ctx, h.Key, f, b.Blobs), f.Close()); err != nil {
			return b, err
		}
	}
	return b, nil
}

// readTar copies a backup that is one file.
func (r *restoring) readTar(ctx context.Context, file string) (b Backup, err error) {
	f, err := os.Open(file)
	if err != nil {
		return b, err
	}
	defer func() { _ = f.Close() }() // it is only read
	for t := tar.NewReader(reading{ctx, f}); ; {
		h, err := t.Next()
		if err == io.EOF {
			return b, incomplete(err)
		}
		if err != nil {
			return b, fault.Wrap(err, fault.Invalid, "the backup %s is no complete tar archive; use an earlier one", file)
		}
		switch name := h.Name; {
		case name == backupNote:
			if b, err = parseBackup(t); err != nil {
				return b, err
			}
			return b, checkHash(r.file(), b)
		case name == backupMetadata:
			err = r.metadata(t)
		case strings.HasPrefix(name, backupBlobs+"/"):
			var key blob.Key
			if key, err = parseBlobPath(strings.TrimPrefix(name, backupBlobs+"/")); err == nil {
				err = r.blob(ctx, key, t, 0)
			}
		default:
			err = fault.New(fault.Invalid, "the file %.80q has no place in a backup", name)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = incomplete(err)
		}
		if err != nil {
			return b, err
		}
	}
}

func (r *restoring) metadata(in io.Reader) error {
	f, err := os.OpenFile(r.file(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	return errors.Join(err, f.Sync(), f.Close())
}

func (r *restoring) blob(ctx context.Context, key blob.Key, in io.Reader, total int64) error {
	if _, _, err := r.blobs.Put(ctx, key, in); err != nil {
		if errors.Is(err, blob.ErrDigest) {
			err = fault.Wrap(err, fault.Invalid, "the bytes %s of the backup are damaged; use an earlier one", key)
		}
		return err
	}
	if r.done++; r.progress != nil {
		r.progress(r.done, total)
	}
	return nil
}

// parseBlobPath undoes blobPath.
func parseBlobPath(name string) (key blob.Key, err error) {
	parts := strings.Split(name, "/")
	if len(parts) == 3 {
		key.Space = blob.Space(parts[0])
		key.Digest, err = digest.Parse(parts[2])
	}
	if len(parts) != 3 || err != nil || key.Space.Validate() != nil || filepath.ToSlash(blobPath(key)) != name {
		return key, fault.New(fault.Invalid, "the file %.120q of the backup is named as no blob is", name)
	}
	return key, nil
}

func checkHash(file string, b Backup) error {
	size, sum, err := hashFile(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (size != b.Size || sum != b.SHA256) {
		return fault.Wrap(err, fault.Invalid, "the metadata of the backup is damaged; use an earlier one")
	}
	return err
}

// check makes sure that the bytes are there that the metadata counts on.
func (r *restoring) check(ctx context.Context, b Backup) (err error) {
	db, err := boltkv.Open(r.file(), boltkv.Options{})
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "the metadata of the backup is damaged; use an earlier one")
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for h, err := range heldIn(ctx, db) {
		if err != nil {
			return err
		}
		_, err := r.blobs.Stat(ctx, h.Key)
		if errors.Is(err, blob.ErrNotFound) && !h.Firm(b.Created) {
			continue
		}
		if err != nil {
			return fault.Wrap(err, fault.Invalid, "the bytes %s, which a package needs, are missing in the backup; use an earlier one", h.Key)
		}
	}
	if r.done < b.Blobs {
		return fault.New(fault.Invalid, "the backup has %d blobs, it should have %d; use an earlier one", r.done, b.Blobs)
	}
	return nil
}
