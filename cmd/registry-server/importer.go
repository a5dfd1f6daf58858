package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"os"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/wire"
)

// source is another registry. Its errors are those after which going on makes no sense.
type source interface {
	Len() int // packages, at most
	Packages(ctx context.Context) iter.Seq2[foreign.Package, error]
	// Open opens the archive of a version; problem is what is wrong with it.
	Open(ctx context.Context, file string) (a archive, problem, err error)
	// Claims reports whether to believe what the registry says of an archive that the server has already: opening costs a download.
	Claims() bool
	Notes() []string // what of it is not imported, once Packages has ended
}

// archive is an open archive.
type archive interface {
	io.ReadSeekCloser
	io.ReaderAt
	Stat() (fs.FileInfo, error)
}

// folder is the folder of another registry.
type folder interface {
	Len() int
	Packages() iter.Seq[foreign.Package]
	Open(file string) (*os.File, error)
	Notes() []string
}

// local is a source that is a folder.
type local struct{ folder }

func (l local) Packages(context.Context) iter.Seq2[foreign.Package, error] {
	return func(yield func(foreign.Package, error) bool) {
		for p := range l.folder.Packages() {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (l local) Open(_ context.Context, file string) (archive, error, error) {
	f, err := l.folder.Open(file)
	return f, err, nil
}

func (local) Claims() bool { return false }

// atOnce is how many packages are imported at a time: each waits for the disk
// most of its time.
const atOnce = 4

// target is where a server takes in the packages of a kind.
type target interface {
	present(ctx context.Context, name string) (wire.Present, error)
	send(ctx context.Context, name string, v foreign.Version, archive io.Reader, size int64) (wire.Imported, error)
}

// importer takes the packages of a source to a server.
type importer struct {
	target   target
	source   source
	progress *progress

	mu     sync.Mutex
	report report
}

func newImporter(to target, from source, s streams) *importer {
	return &importer{target: to, source: from, progress: newProgress(from.Len(), s), report: report{Refused: []refusal{}}}
}

// run imports all packages. An error is one after which going on makes no sense;
// what is refused is in the report.
func (im *importer) run(ctx context.Context) (report, error) {
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	var broken error
	for p, err := range im.source.Packages(each) {
		if broken = err; err != nil || each.Err() != nil {
			break
		}
		g.Go(func() error { return im.pkg(each, p) })
	}
	err := cmp.Or(g.Wait(), broken) // what ends the import cancels the reading
	if err == nil {
		err = context.Cause(ctx)
	}
	im.progress.end()
	im.report.Notes = im.source.Notes()
	im.report.sort()
	return im.report, err
}

// pkg imports the versions of a package, oldest first.
func (im *importer) pkg(ctx context.Context, p foreign.Package) error {
	t := tally{name: p.Name}
	if p.Problem != nil {
		t.refuse("", p.Problem)
		im.done(t)
		return nil
	}
	present, err := im.target.present(ctx, p.Name)
	if err != nil {
		if !refused(err) {
			return err
		}
		t.refuse("", err)
	} else {
		for _, v := range p.Versions {
			if err := im.version(ctx, &t, present, v); err != nil {
				return err
			}
		}
	}
	im.done(t)
	return nil
}

// version imports one version. An error is one that has nothing to do with it.
func (im *importer) version(ctx context.Context, t *tally, present wire.Present, v foreign.Version) error {
	if v.Problem != nil {
		t.refuse(v.Version, v.Problem)
		return nil
	}
	if sum, ok := present.Versions[v.Version]; ok && im.source.Claims() && sum.String() == v.Checksum {
		t.present++
		return nil
	}
	f, problem, err := im.source.Open(ctx, v.File)
	if err != nil {
		return err
	}
	if problem != nil {
		t.refuse(v.Version, problem)
		return nil
	}
	defer f.Close() // it is only read
	there, err := isPresent(present, v.Version, f)
	if err != nil {
		t.refuse(v.Version, err)
		return nil
	}
	if there {
		t.present++
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		t.refuse(v.Version, err)
		return nil
	}
	out, err := im.target.send(ctx, t.name, v, io.NewSectionReader(f, 0, info.Size()), info.Size())
	switch {
	case err == nil:
		t.add(out)
	case refused(err):
		t.refuse(v.Version, explain(err, v.Hint))
	default:
		return err
	}
	return nil
}

// npmTarget takes npm packages.
type npmTarget struct{ client *adminclient.Client }

func (n npmTarget) present(ctx context.Context, name string) (wire.Present, error) {
	return n.client.Present(ctx, name)
}

func (n npmTarget) send(ctx context.Context, name string, v foreign.Version, archive io.Reader, size int64) (wire.Imported, error) {
	return n.client.Import(ctx, wire.Import{
		Name: name, Version: v.Version, Tags: v.Tags, PublishedAt: v.PublishedAt, Deprecated: v.Deprecated, Publisher: v.Publisher,
		Checksum: v.Checksum, Integrity: v.Integrity, Shasum: v.Shasum,
	}, archive, size)
}

// isPresent reports whether the server has a version with the bytes of f. Other
// bytes are the server's to refuse.
func isPresent(present wire.Present, version string, f io.ReadSeeker) (bool, error) {
	sum, ok := present.Versions[version]
	if clean, err := semver.Clean(version); !ok && err == nil { // else the server says what is wrong with it
		sum, ok = present.Versions[clean.String()]
	}
	if !ok {
		return false, nil
	}
	h := digest.NewHasher()
	if _, err := io.Copy(h, f); err != nil {
		return false, err
	}
	return h.Sums().SHA256 == sum, nil
}

// refused reports whether the server said no to this one version or package.
func refused(err error) bool {
	e, ok := errors.AsType[*adminclient.Error](err)
	return ok && e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden
}

// explain adds a hint to a refusal of a tarball that is not what it should be.
func explain(err error, hint string) error {
	e, ok := errors.AsType[*adminclient.Error](err)
	if !ok || hint == "" || !slices.Contains([]string{"name_mismatch", "version_mismatch", "integrity_mismatch"}, e.Code) {
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}

// done adds a package to the report.
func (im *importer) done(t tally) {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.report.add(t)
	im.progress.add(t)
}
