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

	"github.com/org/registry-action/internal/format/filelist"
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
type File = filelist.File

// Listing is what an archive has.
type Listing = filelist.List

// Archive is a Source with who reads it.
type Archive struct {
	service *Service
	source  Source
}

// Archive returns an archive that can be read.
func (s *Service) Archive(src Source) Archive { return Archive{s, src} }

// List is Service.List.
func (a Archive) List(ctx context.Context) (*Listing, error) { return a.service.List(ctx, a.source) }

// Read is Service.Read.
func (a Archive) Read(ctx context.Context, limit int64, wanted ...File) (map[string][]byte, error) {
	return a.service.Read(ctx, a.source, limit, wanted...)
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
