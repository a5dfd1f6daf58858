// Package changes tells what became of packages between two commits, for who reviews the change: sizes, files,
// dependencies, the ways into a package and which of them lead nowhere, and what newly runs at install.
//
// It knows neither commits nor stores: it is given pairs of packages, and archives to look into. Only packages that may
// have changed are opened, a bounded number of them, a few at a time and for a bounded time; of the others it says that
// it does not know all. What two packages differ in never changes, so it is remembered.
package changes

import (
	"context"
	"log/slog"
	"time"

	"github.com/org/registry-action/internal/format/entrypoints"
	"github.com/org/registry-action/internal/format/filelist"
	"github.com/org/registry-action/internal/format/manifestdiff"
	"github.com/org/registry-action/internal/memo"
)

// Archive is what a package is made of.
type Archive interface {
	List(ctx context.Context) (*filelist.List, error)
	Read(ctx context.Context, limit int64, wanted ...filelist.File) (map[string][]byte, error)
}

// Kind is whose package one is.
type Kind string

// The kinds of packages, by their manifests.
const (
	NPM   Kind = "package.json"
	Zig   Kind = "build.zig.zon"
	Lumen Kind = "lumen.toml"
)

// Package is a package of a commit.
type Package struct {
	ID             string // names its bytes for good, as their digest does
	Kind           Kind
	Commit         string // its SHA, whose digits are in the package's version
	Size, Unpacked int64  // bytes of the archive, and of its files
	Archive        Archive
}

// Pair is a package in two commits.
type Pair struct {
	Name          string
	Before, After *Package // nil: that commit has none of the name
	Same          bool     // it is known that they have the same content, but for the digits of their commits
}

// What became of a package.
type What string

// What may have become of a package.
const (
	Changed What = "changed"
	Added   What = "added"
	Removed What = "removed"
	Same    What = "unchanged"
)

// Change is what became of a package. Without a base What is empty.
type Change struct {
	Pair
	What What
	Facts
}

// Facts are what is different in two packages. Of an added one they are all dependencies and install scripts, but no
// files and entries: those are all new.
type Facts struct {
	Files        *Files // nil if the package is added
	Dependencies []manifestdiff.Dependency
	Entries      []manifestdiff.Entry
	Scripts      []manifestdiff.Script
	Broken       []entrypoints.Entry // of the later package, whether or not they were broken before
	Incomplete   bool                // an archive or its manifest could not be read, or a list other than of files was cut

	same bool // nothing is different but the digits of the commits
}

// Files are the paths of files that are not the same, with how many there are.
type Files struct {
	Added, Removed, Changed Paths
}

// Paths are the first of some paths, and how many there are of them.
type Paths struct {
	First []string
	Count int
}

// Options bound the work; zero values mean the defaults.
type Options struct {
	Packages int           // packages that are opened for an answer; 100
	AtOnce   int           // packages of an answer that are opened at the same time; 4
	Time     time.Duration // that an answer may take; 10 s
	Log      *slog.Logger  // hears of archives that can't be read; nil discards
}

// Service compares packages. It is safe for concurrent use.
type Service struct {
	opt   Options
	known *memo.Memo[Facts]
}

// How much is remembered, and for how long.
const (
	maxKnown  = 500
	keepKnown = 24 * time.Hour
)

// New returns a Service.
func New(opt Options) *Service {
	if opt.Packages == 0 {
		opt.Packages = 100
	}
	if opt.AtOnce == 0 {
		opt.AtOnce = 4
	}
	if opt.Time == 0 {
		opt.Time = 10 * time.Second
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{opt: opt, known: memo.New[Facts](maxKnown, time.Now)}
}
