// Package files tells what is inside the archives that the registry keeps: the
// tar.gz of npm and Zig packages and the plain tar of Lumen's.
//
// An archive is read as a stream, never unpacked to disk, and within bounds of
// entries and bytes. What it lists is kept in the cache under what names its
// bytes, which never change; a file is read by streaming up to it.
package files

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/turns"
)

// Source is an archive, a tar or a tar.gz.
type Source struct {
	ID   string // names its bytes for good, as their digest does; who lists under an ID sees what was read under it before
	Top  bool   // its files lie in one folder whose name does not count, as npm's and Zig's do
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// File is a regular file or a link in an archive.
type File struct {
	Path       string        `json:"path"` // slash-separated, below the top folder
	Size       int64         `json:"size"` // bytes
	Executable bool          `json:"executable,omitempty"`
	Link       string        `json:"link,omitempty"` // the target of a link, which is never followed
	SHA256     digest.SHA256 `json:"sha256,omitzero"`
	Entry      int           `json:"entry"` // its place in the archive
}

// Listing is what an archive has.
type Listing struct {
	Files []File `json:"files"`          // by path
	Size  int64  `json:"size"`           // bytes of all files
	More  bool   `json:"more,omitempty"` // there are more files than are listed
}

// Find returns a file by its path.
func (l *Listing) Find(path string) (File, bool) {
	i, ok := slices.BinarySearchFunc(l.Files, path, func(f File, path string) int { return strings.Compare(f.Path, path) })
	if !ok {
		return File{}, false
	}
	return l.Files[i], true
}

// Options bound what is read; zero values mean the defaults.
type Options struct {
	Entries  int   // files that are listed; 20,000
	Unpacked int64 // bytes of the uncompressed tar; 1 GiB
	AtOnce   int   // archives that are read into memory at the same time; 4
	Sending  int   // files that are copied at the same time; 32
}

// Service reads archives. It is safe for concurrent use.
type Service struct {
	cache   *cache.Cache
	opt     Options
	reading turns.Slots
	sending turns.Slots
	listing *turns.Turns // of one archive at a time
}

// New returns a Service. The cache stays the caller's; without one (nil) each listing is made anew.
func New(c *cache.Cache, opt Options) *Service {
	if opt.Entries == 0 {
		opt.Entries = 20_000
	}
	if opt.Unpacked == 0 {
		opt.Unpacked = 1 << 30
	}
	if opt.AtOnce == 0 {
		opt.AtOnce = 4
	}
	if opt.Sending == 0 {
		opt.Sending = 32
	}
	return &Service{cache: c, opt: opt, reading: turns.NewSlots(opt.AtOnce), sending: turns.NewSlots(opt.Sending), listing: turns.New()}
}
