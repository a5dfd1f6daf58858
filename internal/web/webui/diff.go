package webui

import (
	"context"
	"slices"

	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/format/filelist"
	"github.com/org/registry-action/internal/format/manifestdiff"
)

const (
	shownChanges  = 200       // files in the table of a page
	shownDiff     = 30 << 10  // bytes of diff lines on a page that shows several files
	shownFileDiff = 50 << 10  // the same of one file's page
	diffedFile    = 512 << 10 // bytes of a file that is compared line by line
	diffedAll     = 4 << 20   // of all that are compared for a page
)

// comparison is the content of the fragment "diff": what is different in two archives.
type comparison struct {
	Added, Removed, Changed, Same int   // files
	Before, After                 int64 // bytes of all files
	Files                         []fileChange
	Left                          int  // changed files that Files leaves out
	Partial                       bool // an archive has more files than are listed
	Manifest                      []manifestdiff.Field
	Texts                         []textChange
	More                          bool // files changed that are not among Texts
}

// fileChange is a file that is not the same in both archives.
type fileChange struct {
	filelist.Change
	URL string // of the page that compares it line by line
}

// diffWant says what of a comparison a page shows.
type diffWant struct {
	Manifest string                   // the manifest's path, "package.json"; none if empty
	Only     string                   // the one file that is shown line by line; empty: those that fit
	From     int                      // files to pass over in the table
	URL      func(path string) string // of the page that shows one file; nil: there is none
}

// compare compares two archives. It is for all pages that do: of versions and of commits. A nil archive is empty:
// the package is not there.
func (u *UI) compare(ctx context.Context, before, after *files.Source, want diffWant) (*comparison, error) {
	a, err := u.listing(ctx, before)
	if err != nil {
		return nil, err
	}
	b, err := u.listing(ctx, after)
	if err != nil {
		return nil, err
	}
	changed, same := filelist.Compare(a, b)
	c := &comparison{Same: same, Before: a.Size, After: b.Size, Partial: a.More || b.More}
	changes := make([]fileChange, len(changed))
	for i, change := range changed {
		switch changes[i].Change = change; change.What {
		case filelist.Added:
			c.Added++
		case filelist.Removed:
			c.Removed++
		default:
			c.Changed++
		}
		if want.URL != nil {
			changes[i].URL = want.URL(change.Path())
		}
	}
	if c.Texts, c.More, err = u.compareTexts(ctx, before, after, changes, want.Only); err != nil || want.Only != "" {
		return c, err
	}
	if c.Manifest, err = u.compareManifests(ctx, before, after, a, b, want.Manifest); err != nil {
		return nil, err
	}
	from := min(max(want.From, 0), len(changes))
	c.Files = changes[from:min(from+shownChanges, len(changes))]
	c.Left = len(changes) - from - len(c.Files)
	return c, nil
}

// Of counts the changed files.
func (c *comparison) Of() int { return c.Added + c.Removed + c.Changed }

func (u *UI) listing(ctx context.Context, src *files.Source) (*files.Listing, error) {
	if src == nil {
		return &files.Listing{}, nil
	}
	return u.Files.List(ctx, *src)
}

// readOf reads files of an archive that may be missing.
func (u *UI) readOf(ctx context.Context, src *files.Source, wanted []files.File) (map[string][]byte, error) {
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(f files.File) bool { return f.Path == "" })
	if src == nil || len(wanted) == 0 {
		return map[string][]byte{}, nil
	}
	return u.Files.Read(ctx, *src, diffedAll, wanted...)
}
