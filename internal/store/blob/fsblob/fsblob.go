// Package fsblob keeps blobs as plain read-only files of one folder:
//
//	<space>/<first 2 hex digits>/<64 hex digits>   a blob, whole and durable
//	.tmp/<random>                                  bytes on their way in
//
// The names are those of the objects in a bucket (s3blob), so that one can be synced with the other.
//
// A blob comes to be by a rename, after its bytes were synced; Put answers
// after the folder was synced too. No name of a space begins with a dot.
package fsblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

const (
	tempDir  = ".tmp"
	dirMode  = 0o750
	fileMode = 0o440
)

// Store keeps blobs in a folder that it has for itself. What it opens are
// *os.File values.
type Store struct {
	root *os.Root

	naming sync.Mutex // held while a blob gets its name
	making sync.Mutex // held while folders are made; guards made
	made   map[string]bool
}

var _ blob.Store = (*Store)(nil)

// Open opens the store in the folder dir, made if there is none. It removes
// what killed writers left half-written: no other process may use the folder,
// which a caller makes sure of by opening the metadata store first.
func Open(dir string) (*Store, error) {
	if err := makeDirs(dir); err != nil {
		return nil, fmt.Errorf("making the blob folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the blob folder: %w", err)
	}
	s := &Store{root: root, made: map[string]bool{}}
	if err := s.emptyTemp(); err != nil {
		return nil, errors.Join(fmt.Errorf("emptying %s: %w", filepath.Join(dir, tempDir), err), root.Close())
	}
	return s, nil
}

// Close lets go of the folder. Open blobs stay readable.
func (s *Store) Close() error { return s.root.Close() }

func (s *Store) emptyTemp() error {
	if err := s.root.RemoveAll(tempDir); err != nil {
		return err
	}
	return s.root.Mkdir(tempDir, dirMode)
}

// Open opens a blob; the result is an *os.File.
func (s *Store) Open(ctx context.Context, key blob.Key) (blob.Blob, blob.Info, error) {
	if err := check(ctx, key.Space); err != nil {
		return nil, blob.Info{}, err
	}
	f, info, err := s.open(key)
	if err != nil {
		return nil, blob.Info{}, err // a nil interface, not a nil file
	}
	return f, info, nil
}

func (s *Store) open(key blob.Key) (*os.File, blob.Info, error) {
	f, err := s.root.Open(fileName(key))
	if err != nil {
		return nil, blob.Info{}, wrap("opening", key, err)
	}
	stat, err := f.Stat()
	if err != nil {
		return nil, blob.Info{}, errors.Join(wrap("opening", key, err), f.Close())
	}
	return f, infoOf(key, stat), nil
}

// Stat describes a blob.
func (s *Store) Stat(ctx context.Context, key blob.Key) (blob.Info, error) {
	if err := check(ctx, key.Space); err != nil {
		return blob.Info{}, err
	}
	stat, err := s.root.Lstat(fileName(key))
	if err != nil {
		return blob.Info{}, wrap("looking for", key, err)
	}
	return infoOf(key, stat), nil
}

// Delete removes a blob. It does not sync: a crash may bring the blob back.
func (s *Store) Delete(ctx context.Context, key blob.Key) error {
	if err := check(ctx, key.Space); err != nil {
		return err
	}
	if err := s.root.Remove(fileName(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap("deleting", key, err)
	}
	return nil
}

func check(ctx context.Context, space blob.Space) error {
	return errors.Join(ctx.Err(), space.Validate())
}

func infoOf(key blob.Key, stat fs.FileInfo) blob.Info {
	return blob.Info{Key: key, Size: stat.Size(), ModTime: stat.ModTime()}
}

// wrap says what was tried; a file that is not there is blob.ErrNotFound.
func wrap(tried string, key blob.Key, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		err = blob.ErrNotFound
	}
	return fmt.Errorf("%s blob %s: %w", tried, key, err)
}

func dirName(key blob.Key) string { return string(key.Space) + "/" + key.Digest.Hex()[:2] }

func fileName(key blob.Key) string {
	hex := key.Digest.Hex()
	return string(key.Space) + "/" + hex[:2] + "/" + hex
}

// digestOf is the digest that a file is named by; ok is false for a file that is no blob.
func digestOf(dir, file string) (d digest.SHA256, ok bool) {
	d, err := digest.Parse(file)
	return d, err == nil && d.Hex() == file && file[:2] == dir
}
