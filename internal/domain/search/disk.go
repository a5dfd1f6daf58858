package search

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// version names the folder of the index. Raise it with every change of what is indexed: the index is then made anew.
const version = "v2"

// positionKey is the index's own row of a position.
var positionKey = []byte("position")

// position is how far the index has come. It is written together with what it tells of.
type position struct {
	Seen   time.Time `json:"seen"`            // of the feed
	Walked time.Time `json:"walked,omitzero"` // when all documents were last looked at; zero: never yet
}

// openIndex opens what is in the folder, or makes a new index there: in place of one that is missing, of another version, or damaged.
func (s *Service) openIndex() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, version)
	for _, e := range entries {
		if e.Name() != version {
			if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if _, err := os.Stat(path); err == nil {
		err := s.openOld(path)
		if err == nil {
			return nil
		}
		s.opt.Log.Warn("the search index is damaged, and is made anew", "folder", path, "err", err)
	}
	return s.makeNew(path)
}

func (s *Service) makeNew(path string) (err error) {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	s.position, s.index = position{}, nil
	made, err := bleve.NewUsing(path, bleve.NewIndexMapping(), scorch.Name, scorch.Name, nil)
	if err != nil {
		return fmt.Errorf("making the search index in %s: %w", path, err)
	}
	s.index = made
	return nil
}

// openOld opens an index whose files are as they were written. What is in them is not looked at with more care, so
// damage that happens later shows when it is read.
func (s *Service) openOld(path string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("opening it: %v\n%s", p, debug.Stack())
		}
	}()
	if err := verify(path); err != nil {
		return err
	}
	old, err := bleve.OpenUsing(path, map[string]any{"bolt_timeout": "2s"})
	if err != nil {
		return err
	}
	text, err := old.GetInternal(positionKey)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &s.position)
	}
	if err != nil {
		return errors.Join(err, old.Close())
	}
	s.index = old
	return nil
}

// verify reads the files of an index, without changing it, and compares their checksums.
func verify(path string) (err error) {
	x, err := bleve.OpenUsing(path, map[string]any{"read_only": true, "bolt_timeout": "2s"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	advanced, err := x.Advanced()
	if err != nil {
		return err
	}
	r, err := advanced.Reader()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	segments, err := segmentsOf(r)
	if err != nil {
		return err
	}
	for _, s := range segments {
		if file, ok := s.Segment().(segment.PersistedSegment); ok {
			if err := verifyFile(file.Path()); err != nil {
				return err
			}
		}
	}
	return nil
}

// verifyFile compares a file with the CRC-32 that it ends with.
func verifyFile(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size() - crc32.Size
	if size < 0 {
		return fmt.Errorf("%s has %d bytes", path, info.Size())
	}
	h := crc32.NewIEEE()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, size)); err != nil {
		return err
	}
	var want [crc32.Size]byte
	if _, err := f.ReadAt(want[:], size); err != nil {
		return err
	}
	if h.Sum32() != binary.BigEndian.Uint32(want[:]) {
		return fmt.Errorf("%s does not have the checksum it was written with", path)
	}
	return nil
}
