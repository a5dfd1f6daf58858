package fsblob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

const copyBuffer = 64 << 10

// Put stores the bytes of r. If the store has them already, no file is
// written: r is read and its digest checked.
func (s *Store) Put(ctx context.Context, key blob.Key, r io.Reader) (blob.Info, bool, error) {
	if err := check(ctx, key.Space); err != nil {
		return blob.Info{}, false, err
	}
	if key.Digest.IsZero() {
		return s.write(ctx, key, r)
	}
	held, info, err := s.open(key)
	if errors.Is(err, blob.ErrNotFound) {
		return s.write(ctx, key, r)
	}
	if err != nil {
		return blob.Info{}, false, err
	}
	defer func() { _ = held.Close() }() // it was only read
	return s.confirm(ctx, info, held, r)
}

// confirm reads r, which should have the bytes of a blob that is there. If the
// blob is deleted meanwhile, its file, still open, gives the bytes that r can't
// give again.
func (s *Store) confirm(ctx context.Context, info blob.Info, held *os.File, r io.Reader) (blob.Info, bool, error) {
	got, err := copyBytes(ctx, io.Discard, r)
	if err == nil {
		err = checkDigest(info.Key, got)
	}
	if err != nil {
		return blob.Info{}, false, err
	}
	switch _, err := s.root.Lstat(fileName(info.Key)); {
	case errors.Is(err, fs.ErrNotExist):
		return s.write(ctx, info.Key, held)
	case err != nil:
		return blob.Info{}, false, wrap("looking for", info.Key, err)
	}
	if err := s.settle(info.Key); err != nil {
		return blob.Info{}, false, err
	}
	return info, false, nil
}

// write brings the bytes of r in through a temporary file.
func (s *Store) write(ctx context.Context, key blob.Key, r io.Reader) (info blob.Info, created bool, err error) {
	temp := path.Join(tempDir, rand.Text())
	defer func() {
		if !created {
			_ = s.root.Remove(temp) // what stays is removed by the next Open
		}
	}()
	info, err = s.writeTemp(ctx, temp, key, r)
	if err != nil {
		return blob.Info{}, false, err
	}
	if err := s.makeDirsOf(info.Key); err != nil {
		return blob.Info{}, false, err
	}
	if info, created, err = s.name(temp, info); err != nil {
		return blob.Info{}, false, err
	}
	if err := s.settle(info.Key); err != nil {
		return blob.Info{}, created, err
	}
	return info, created, nil
}

// writeTemp writes and syncs a file that has the digest of key, if key has
// one, and describes the blob that it will be.
func (s *Store) writeTemp(ctx context.Context, temp string, key blob.Key, r io.Reader) (info blob.Info, err error) {
	f, err := s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return info, fmt.Errorf("making a temporary blob: %w", err)
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("closing a temporary blob: %w", cerr)
		}
	}()
	got, err := copyBytes(ctx, f, r)
	if err != nil {
		return info, err
	}
	if err := checkDigest(key, got); err != nil {
		return info, err
	}
	if err := f.Sync(); err != nil {
		return info, fmt.Errorf("syncing a temporary blob: %w", err)
	}
	stat, err := f.Stat()
	if err != nil {
		return info, fmt.Errorf("looking at a temporary blob: %w", err)
	}
	return infoOf(blob.Key{Space: key.Space, Digest: got}, stat), ctx.Err()
}

// name gives the temporary file its name, unless a blob has it.
func (s *Store) name(temp string, info blob.Info) (named blob.Info, created bool, err error) {
	s.naming.Lock()
	defer s.naming.Unlock()
	stat, err := s.root.Lstat(fileName(info.Key))
	if err == nil {
		return infoOf(info.Key, stat), false, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = s.root.Rename(temp, fileName(info.Key))
	}
	if err != nil {
		return blob.Info{}, false, fmt.Errorf("naming blob %s: %w", info.Key, err)
	}
	return info, true, nil
}

// settle makes the name of a blob durable, whoever gave it.
func (s *Store) settle(key blob.Key) error {
	if err := s.makeDirsOf(key); err != nil {
		return err
	}
	if err := s.syncDir(dirName(key)); err != nil {
		return fmt.Errorf("settling blob %s: %w", key, err)
	}
	return nil
}

func checkDigest(key blob.Key, got digest.SHA256) error {
	if key.Digest.IsZero() || key.Digest == got {
		return nil
	}
	return fmt.Errorf("putting blob %s: got bytes of %s: %w", key, got, blob.ErrDigest)
}

// copyBytes copies r to w and returns the digest of what it copied. An error
// of r is returned as it is.
func copyBytes(ctx context.Context, w io.Writer, r io.Reader) (got digest.SHA256, err error) {
	hash := sha256.New()
	buf := make([]byte, copyBuffer)
	for {
		if err := ctx.Err(); err != nil {
			return got, err
		}
		n, err := r.Read(buf)
		hash.Write(buf[:n])
		if _, err := w.Write(buf[:n]); err != nil {
			return got, fmt.Errorf("writing a temporary blob: %w", err)
		}
		if err == io.EOF {
			hash.Sum(got[:0])
			return got, nil
		}
		if err != nil {
			return got, err
		}
	}
}
