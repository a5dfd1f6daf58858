package zig

import (
	"cmp"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// Limits bound an archive; zero fields stand for the defaults.
type Limits struct {
	Entries  int   // files, links and folders; 100,000
	Unpacked int64 // bytes of all files; 1 GiB
	Manifest int64 // bytes of build.zig.zon; 1 MiB
	Ratio    int64 // how many bytes a compressed one may become, past 64 MiB; 200

	ratioFrom int64 // 64 MiB; tests can't wait for so much
}

const (
	maxWindow = 64 << 20 // bytes of history that a decompressor may want

	maxPath  = 1024     // bytes of a name, and of a link's target
	maxAbove = 128      // folders above an entry
	maxNames = 32 << 20 // bytes of all names and targets
)

func (l Limits) withDefaults() Limits {
	return Limits{
		Entries:  cmp.Or(l.Entries, 100_000),
		Unpacked: cmp.Or(l.Unpacked, 1<<30),
		Manifest: cmp.Or(l.Manifest, 1<<20),
		Ratio:    cmp.Or(l.Ratio, 200),

		ratioFrom: cmp.Or(l.ratioFrom, 64<<20),
	}
}

// tarBytes is how large a tar within the limits can be: up to three headers an entry, and padding.
func (l Limits) tarBytes() int64 { return l.Unpacked + int64(l.Entries)*6*ustar.BlockSize + 1<<20 }

// checkRatio refuses what expands too far: used compressed bytes became n.
func (l Limits) checkRatio(n, used int64) error {
	if n > l.ratioFrom && n/l.Ratio > used {
		return tooLarge("the archive expands more than %d times; that is the limit", l.Ratio)
	}
	return nil
}

// builder collects the entries of a Tree within its limits.
type builder struct {
	tree     *Tree
	lim      Limits
	unpacked int64 // bytes of all files
	names    int   // bytes of all names
}

func (b *builder) add(e Entry) error {
	b.unpacked += max(e.Size, 0)
	b.names += len(e.Name) + len(e.Link)
	switch {
	case len(b.tree.Entries) >= b.lim.Entries:
		return tooLarge("the package has more than %d files, links and folders; that is the limit", b.lim.Entries)
	case e.Size < 0 || b.unpacked < 0 || b.unpacked > b.lim.Unpacked:
		return b.lim.unpackedTooLarge()
	case len(e.Name) > maxPath:
		return tooLarge("the name %.100q… is longer than %d bytes; shorten it", e.Name, maxPath)
	case len(e.Link) > maxPath:
		return tooLarge("the target of the link %.200q is longer than %d bytes; shorten it", e.Name, maxPath)
	case strings.Count(e.Name, "/") > maxAbove:
		return tooLarge("the entry %.200q lies more than %d folders deep; that is the limit", e.Name, maxAbove)
	case b.names > maxNames:
		return tooLarge("the names of the package's files are more than %s in all; that is the limit", fault.Bytes(maxNames))
	}
	b.tree.Entries = append(b.tree.Entries, e)
	return nil
}

func (l Limits) unpackedTooLarge() error {
	return tooLarge("the package unpacks to more than %s; that is the limit", fault.Bytes(l.Unpacked))
}

// bad refuses bytes that are no archive.
func bad(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).WithCode("bad_archive")
}

// badPackage refuses what no compiler could use.
func badPackage(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).WithCode("bad_package")
}

func tooLarge(format string, args ...any) *fault.Error {
	return fault.New(fault.TooLarge, format, args...)
}
