package tarball

import (
	"cmp"
	"math"

	"github.com/org/registry-action/internal/fault"
)

// Limits bound what an archive may ask of its reader. A zero field stands for
// the default. Names are always bounded: 1024 bytes, 128 folders.
type Limits struct {
	Entries  int   // files, links and folders, those that names imply too
	Unpacked int64 // bytes of the uncompressed tar
	Manifest int64 // bytes of package.json
	// Ratio is how many bytes one compressed byte may become, once an archive
	// has unpacked to more than 64 MiB. Deflate's own limit is 1032.
	Ratio int64
}

const (
	ratioFrom       = 64 << 20
	defaultManifest = 1 << 20
	// headSlack is how much longer than the largest package.json its compressed
	// head may be: the tar header, and deflate's blocks around each hole.
	headSlack = 64 << 10
)

// MaxHead is how many bytes a head can have that the default Limits accept.
const MaxHead = defaultManifest + headSlack

// DefaultLimits returns 100,000 entries, 1 GiB unpacked, a package.json of
// 1 MiB and a ratio of 200. The largest packages of npm stay below a third of each.
func DefaultLimits() Limits {
	return Limits{Entries: 100_000, Unpacked: 1 << 30, Manifest: defaultManifest, Ratio: 200}
}

// LimitsFor returns the limits of a registry that takes tarballs of so many bytes: the defaults, but
// that a large one may have ten times its own size unpacked.
func LimitsFor(tarball int64) Limits {
	const growth = 10
	l := DefaultLimits()
	l.Unpacked = max(l.Unpacked, growth*min(tarball, math.MaxInt64/growth))
	return l
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Entries:  cmp.Or(l.Entries, d.Entries),
		Unpacked: cmp.Or(l.Unpacked, d.Unpacked),
		Manifest: cmp.Or(l.Manifest, d.Manifest),
		Ratio:    cmp.Or(l.Ratio, d.Ratio),
	}
}

// bad refuses an archive; the text names the rule and the entry.
func bad(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).WithCode("bad_archive")
}

func tooLarge(format string, args ...any) *fault.Error {
	return fault.New(fault.TooLarge, format, args...)
}
