package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// stored is what a data folder holds, in bytes.
type stored struct {
	blobs  int64 // lengths of the blobs
	blocks int64 // what the disk gives them: whole blocks
	pages  int64 // pages of the database that hold rows
	rows   int64 // of these pages, what is filled
	file   int64 // length of the database's file, which grows ahead
}

func (s stored) minus(o stored) stored {
	return stored{s.blobs - o.blobs, s.blocks - o.blocks, s.pages - o.pages, s.rows - o.rows, s.file - o.file}
}

// look measures the data folder of a server that has stopped.
func look(data string) (stored, error) {
	var s stored
	err := filepath.WalkDir(filepath.Join(data, "blobs"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			s.blobs += info.Size()
			s.blocks += allocated(info)
		}
		return err
	})
	if err != nil {
		return s, err
	}
	return s, s.lookAtDatabase(filepath.Join(data, "metadata.db"))
}

func (s *stored) lookAtDatabase(path string) (err error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.View(func(tx *bbolt.Tx) error {
		s.file = tx.Size()
		return tx.ForEach(func(_ []byte, bucket *bbolt.Bucket) error {
			stats := bucket.Stats()
			s.pages += int64(stats.BranchAlloc + stats.LeafAlloc)
			s.rows += int64(stats.BranchInuse + stats.LeafInuse)
			return nil
		})
	})
}
