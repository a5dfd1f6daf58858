package lumenfolder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

// Tree is a registry whose files are fetched by name and not listed.
type Tree interface {
	// Open opens a file; fs.ErrNotExist if there is none. The caller closes it.
	Open(ctx context.Context, path string) (io.ReadCloser, error)
}

// fetches is how many documents of a package are fetched at the same time.
const fetches = 8

// Remote is a registry behind a Tree: on a web server, or in a bucket. What its indexes do not list is not found.
type Remote struct {
	tree  Tree
	most  int64 // bytes of an archive
	names []string
}

// Fetch reads index.json. Archives of more than most bytes are refused.
func Fetch(ctx context.Context, tree Tree, most int64) (*Remote, error) {
	r := &Remote{tree: tree, most: most}
	text, err := r.read(ctx, lumen.IndexPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no index.json; give the root of a Lumen registry, such as https://registry.example.com/lumen: %w", err)
	}
	if err != nil {
		return nil, err
	}
	x, err := lumen.DecodeIndex(text)
	if err != nil {
		return nil, err
	}
	if x.Packages == nil {
		return nil, errors.New("the index.json there has no packages, not even none; give the root of a Lumen registry, such as https://registry.example.com/lumen")
	}
	for _, e := range x.Packages {
		r.names = append(r.names, e.Name)
	}
	slices.Sort(r.names)
	r.names = slices.Compact(r.names)
	return r, nil
}

// Len is the number of packages.
func (r *Remote) Len() int { return len(r.names) }

// Notes says what of the registry is not imported.
func (*Remote) Notes() []string {
	return []string{"signatures are not imported: the server signs with its own key"}
}

// Packages yields the packages by name. An error is one of the registry as a whole, which can't be asked at the moment, and the last.
func (r *Remote) Packages(ctx context.Context) iter.Seq2[foreign.Package, error] {
	return func(yield func(foreign.Package, error) bool) {
		for _, name := range r.names {
			p, err := r.pkg(ctx, name)
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

func (r *Remote) pkg(ctx context.Context, name string) (p foreign.Package, err error) {
	p.Name = name
	if p.Problem = lumen.ValidName(name, true); p.Problem != nil {
		return p, nil
	}
	text, err := r.read(ctx, lumen.PackageIndexPath(name))
	var x lumen.PackageIndex
	if p.Problem, err = missing(lumen.PackageIndexPath(name), err); err != nil || p.Problem != nil {
		return p, err
	}
	if x, p.Problem = lumen.DecodePackageIndex(text); p.Problem != nil {
		return p, nil
	}
	listed := slices.Clone(x.Versions)
	slices.SortFunc(listed, lumen.Compare)
	listed = slices.Compact(listed)
	p.Versions = make([]foreign.Version, len(listed))
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(fetches)
	for i, version := range listed {
		if each.Err() != nil {
			break
		}
		g.Go(func() (err error) {
			p.Versions[i], err = r.version(each, name, version)
			if reason, ok := x.Yanked[version]; ok {
				p.Versions[i].Yanked = &reason
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return p, err
	}
	foreign.Sort(p.Versions)
	return p, context.Cause(ctx)
}

func (r *Remote) version(ctx context.Context, name, version string) (v foreign.Version, err error) {
	v.Version = version
	if v.Problem = lumen.ValidVersion(version); v.Problem != nil {
		return v, nil
	}
	path := lumen.MetadataPath(name, version)
	text, err := r.read(ctx, path)
	if v.Problem, err = missing(path, err); err != nil || v.Problem != nil {
		return v, err
	}
	m, problem := lumen.DecodeMetadata(text)
	if v.Problem = problem; problem != nil {
		return v, nil
	}
	describe(&v, m)
	v.File, v.Checksum, v.Problem = locate(m)
	return v, nil
}

// locate finds where the archive of a version is: where its metadata says, or, if that is elsewhere or nowhere, by its hash.
func locate(m lumen.Metadata) (file, checksum string, err error) {
	a, err := sent(m)
	if err != nil {
		return "", "", err
	}
	if a.Hash != "" {
		d, err := digest.Parse(a.Hash)
		if err != nil {
			return "", "", fmt.Errorf("the hash of its artifact is none: %w", err)
		}
		file, checksum = lumen.ArtifactPath(d, cmp.Or(a.Kind, "tar")), d.String()
	}
	if url := strings.TrimPrefix(a.URL, "/"); fs.ValidPath(url) && url != "." && !strings.Contains(url, "://") {
		file = url
	}
	if file == "" {
		return "", "", fmt.Errorf("its artifact %.200q is not in the registry", a.URL)
	}
	return file, checksum, nil
}

// read reads a document.
func (r *Remote) read(ctx context.Context, path string) ([]byte, error) {
	body, err := r.tree.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(body, foreign.MaxJSON+1))
	err = errors.Join(err, body.Close())
	if err == nil && len(text) > foreign.MaxJSON {
		err = &tooLargeError{path, foreign.MaxJSON}
	}
	return text, err
}

// tooLargeError is a file of more bytes than are read.
type tooLargeError struct {
	path string
	most int64
}

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("%s has more than %d bytes; that is the limit", e.path, e.most)
}

// missing tells a file that is not there, or is too large, which is a problem of one package, from a registry that can't be asked.
func missing(path string, err error) (problem, fatal error) {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: %w", path, fs.ErrNotExist), nil
	}
	if large, ok := errors.AsType[*tooLargeError](err); ok {
		return large, nil
	}
	return nil, err
}

// Archive is a file that was fetched. Close removes it.
type Archive struct{ *os.File }

// Close closes and removes the file.
func (a Archive) Close() error { return errors.Join(a.File.Close(), os.Remove(a.Name())) }

// Open fetches an archive. problem is what is wrong with this one; an error that the registry can't be asked.
func (r *Remote) Open(ctx context.Context, file string) (a Archive, problem, err error) {
	body, err := r.tree.Open(ctx, file)
	if problem, err = missing(file, err); problem != nil || err != nil {
		return a, problem, err
	}
	defer body.Close() // it is only read
	if a.File, err = os.CreateTemp("", "import-*"); err != nil {
		return a, nil, err
	}
	n, err := io.Copy(a.File, io.LimitReader(body, r.most+1))
	if err == nil {
		_, err = a.Seek(0, io.SeekStart)
	}
	if err != nil {
		return a, nil, errors.Join(fmt.Errorf("fetching %s: %w", file, err), a.Close())
	}
	if n > r.most {
		return a, errors.Join(fmt.Errorf("%s has more than %d bytes; raise --max-package-size (MAX_PACKAGE_SIZE)", file, r.most), a.Close()), nil
	}
	return a, nil, nil
}
