package commits

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/spool"
)

// Source is a package of a publication and where its bytes are: split (Head and
// Body), whole, or arrived with the request (Upload).
type Source struct {
	Name       string
	Version    string // checked against the packed manifest, if given
	Dir        string // its folder in the repository, for people
	Integrity  string // checked, if given
	Head, Body *tarball.Part
	Holes      bool // the head has holes for the digits of the commit
	Whole      *tarball.Part
	Upload     *Upload
}

const maxDir = 1024

func (src Source) validate() error {
	if err := src.validateName(); err != nil {
		return err
	}
	if len(src.Dir) > maxDir {
		return fault.New(fault.Invalid, "%s: packageDir is longer than %d bytes", src.Name, maxDir)
	}
	split := src.Head != nil && src.Body != nil
	if (src.Head != nil) != (src.Body != nil) || (split && src.Whole != nil) || (!split && src.Whole == nil && src.Upload == nil) {
		return fault.New(fault.Invalid, "%s: name its bytes by head and body, or by tarball", src.Name).WithCode("no_bytes")
	}
	return nil
}

func (src Source) size() int64 {
	switch {
	case src.Upload != nil:
		return src.Upload.Summary.Size
	case src.Whole != nil:
		return src.Whole.Size
	}
	return src.Head.Size + src.Body.Size
}

// assemble checks every package's archive and returns the packages with what
// their bytes say. All their blobs are held and durable when it returns.
func (s *Service) assemble(ctx context.Context, who Principal, p Publication) ([]Package, error) {
	if err := s.requireParts(ctx, p.Packages); err != nil {
		return nil, err
	}
	packages := make([]Package, len(p.Packages))
	now := s.now()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, src := range p.Packages {
		g.Go(func() error {
			pkg, err := s.read(gctx, p.SHA, src)
			if err != nil {
				return spool.Named(src.Name, err)
			}
			pkg.Name, pkg.SHA, pkg.Repository, pkg.Dir = src.Name, p.SHA, p.Repository, src.Dir
			pkg.PublishedAt, pkg.Publisher, pkg.Proof = now, who.User(), who.Proof()
			packages[i] = pkg
			return who.MayPublishBytes(pkg.Name, pkg.Artifact.Integrity, pkg.Artifact.Size)
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return packages, s.keepUploads(ctx, p.Packages)
}

// read checks an archive and returns what it says of the package.
func (s *Service) read(ctx context.Context, sha string, src Source) (Package, error) {
	switch kindOf(src.Name) {
	case kind.Zig:
		return s.unpacked(ctx, src, s.zigPackage)
	case kind.Lumen:
		return s.unpacked(ctx, src, s.lumenPackage)
	}
	artifact, sum, err := s.check(ctx, sha, src)
	if err == nil && artifact.Whole != nil && sum.Version == npm.PreviewVersion(sha) {
		artifact.Manifest, err = s.keepManifest(ctx, sha, src, sum.Manifest)
	}
	return Package{Version: sum.Version, Artifact: artifact}, err
}

// requireParts holds the parts a publish names and refuses it if some are missing.
func (s *Service) requireParts(ctx context.Context, sources []Source) error {
	var parts []tarball.Part
	for _, src := range sources {
		for _, part := range []*tarball.Part{src.Head, src.Body, src.Whole} {
			if part != nil {
				parts = append(parts, *part)
			}
		}
	}
	missing, err := s.missing(ctx, parts)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fault.New(fault.Invalid, "the bytes of %d blobs have not been uploaded; ask POST /publish/commit/plan where to put them", len(missing)).
			WithCode("missing_blobs").With("missing", missing)
	}
	return nil
}

// check opens a package's archive and compares it with what the publication says.
func (s *Service) check(ctx context.Context, sha string, src Source) (Artifact, tarball.Summary, error) {
	var artifact Artifact
	sum, err := s.inspect(ctx, sha, src, &artifact)
	if err != nil {
		return artifact, sum, err
	}
	artifact.Sums, artifact.Size = sum.Sums, sum.Size
	artifact.Unpacked, artifact.Files = sum.Unpacked, sum.Files
	artifact.Scripts, artifact.Gyp, artifact.Shrinkwrap = sum.Scripts, sum.Gyp, sum.Shrinkwrap
	switch {
	case sum.Size > s.opt.MaxPackage:
		err = s.spool.TooLarge("the tarball")
	case sum.Name != src.Name:
		err = fault.New(fault.Invalid, "the archive's package.json has the name %q", sum.Name).WithCode("wrong_name")
	case sum.Version != "" && !validVersion(sum.Version):
		err = fault.New(fault.Invalid, "the archive's package.json has version %.100q, which is not a semantic version", sum.Version).WithCode("bad_archive")
	case cmp.Or(src.Version, sum.Version) != sum.Version:
		err = fault.New(fault.Invalid, "the archive's package.json has version %q, not %.100q", sum.Version, src.Version).WithCode("wrong_version")
	case cmp.Or(src.Integrity, sum.Sums.Integrity) != sum.Sums.Integrity:
		err = fault.New(fault.Invalid, "the archive's integrity is %s, not %.200s", sum.Sums.Integrity, src.Integrity).WithCode("wrong_integrity")
	}
	return artifact, sum, err
}

func validVersion(v string) bool {
	_, err := semver.Clean(v) // as lenient as npm
	return err == nil
}

func (s *Service) inspect(ctx context.Context, sha string, src Source, a *Artifact) (tarball.Summary, error) {
	if src.Upload != nil {
		sum := src.Upload.Summary
		a.Whole = &tarball.Part{Digest: sum.Sums.SHA256, Size: sum.Size}
		return sum, nil
	}
	if src.Whole != nil {
		b, _, err := s.blobs.Open(ctx, blobKey(*src.Whole))
		if err != nil {
			return tarball.Summary{}, err
		}
		defer b.Close()
		a.Whole = src.Whole
		sum, err := tarball.Check(contextReader{ctx, b}, s.opt.Archive)
		if err == nil && sum.Sums.SHA256 != src.Whole.Digest {
			err = notItself(*src.Whole)
		}
		return sum, err
	}
	head, body, err := s.openSplit(ctx, *src.Head, *src.Body, src.Holes, sha)
	if err != nil {
		return tarball.Summary{}, err
	}
	defer body.Close()
	sum, recipe, err := tarball.CheckSplit(bytes.NewReader(head), contextReader{ctx, body}, s.opt.Archive)
	if err == nil && recipe.Body != *src.Body {
		err = notItself(*src.Body)
	}
	recipe.Head, recipe.Holes = *src.Head, src.Holes // what is stored, not what it was filled to
	a.Recipe = &recipe
	return sum, err
}

// notItself: a store that takes bytes from clients has let others in. Nothing of them becomes visible.
func notItself(p tarball.Part) error {
	return fmt.Errorf("the blob %s that a publish names: %w", p.Digest, blob.ErrDigest)
}

// keepManifest stores the package.json of a whole preview where it can be read
// without the rest, as a head that is mostly the same for every commit.
func (s *Service) keepManifest(ctx context.Context, sha string, src Source, text []byte) (*Manifest, error) {
	if src.Upload != nil { // whose summary has let go of it
		sum, err := tarball.Check(contextReader{ctx, io.NewSectionReader(src.Upload, 0, src.size())}, s.opt.Archive)
		if err != nil {
			return nil, err
		}
		text = sum.Manifest
	}
	var b bytes.Buffer
	run, err := s.packer.WriteHead(&b, text, sha)
	if err != nil {
		return nil, err
	}
	if err := s.life.Hold(ctx, blobKey(run.Part)); err != nil {
		return nil, err
	}
	_, _, err = s.blobs.Put(ctx, blobKey(run.Part), &b)
	return &Manifest{run.Part, run.Holes}, err
}

// keepUploads moves what arrived with the request into the blob store.
func (s *Service) keepUploads(ctx context.Context, sources []Source) error {
	for _, src := range sources {
		if src.Upload == nil {
			continue
		}
		key := blobKey(tarball.Part{Digest: src.Upload.Summary.Sums.SHA256})
		if err := s.life.Hold(ctx, key); err != nil {
			return err
		}
		if _, _, err := s.blobs.Put(ctx, key, src.Upload); err != nil {
			return err
		}
	}
	return nil
}

// contextReader stops reading when its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
