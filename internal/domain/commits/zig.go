package commits

import (
	"cmp"
	"context"
	"errors"
	"io"
	"regexp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/spool"
)

// Zig is what compilers of Zig know a package by.
type Zig struct {
	zig.Hashes
	Compilers []string `json:"compilers"` // those that can fetch it: "0.14", …
}

// What stands in URLs and file names.
var zigName = regexp.MustCompile(`^zig:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)

const maxZigVersion = 128 // bytes

func validZigName(name string) error {
	if !zigName.MatchString(name) {
		return fault.New(fault.Invalid, `package name %.100q is not valid: behind "zig:" stand 1 to 64 of the characters a-z, A-Z, 0-9, "_", "-" and ".", as .name of build.zig.zon has them`, name).WithCode("invalid_name")
	}
	return nil
}

// zigPackage checks the archive of a Zig package and returns what it says of itself. What is kept
// of it is the canonical archive; as a rule that is what was sent.
func (s *Service) zigPackage(ctx context.Context, src Source, sent blob.Blob, scratch *spool.File) (Package, error) {
	tree, err := zig.Unpack(ctx, sent, src.Whole.Size, scratch.File, s.opt.Zig)
	if err != nil {
		return Package{}, err
	}
	in, err := tree.Inspect(ctx)
	if err == nil {
		err = src.agrees(tree, in)
	}
	if err != nil {
		return Package{}, err
	}
	pkg := Package{Version: in.Manifest.Version, Zig: &Zig{Hashes: in.Hashes, Compilers: in.Zig}}
	pkg.Artifact, err = s.keepZig(ctx, src, sent, in)
	return pkg, err
}

// agrees compares an archive with what the publication says of it.
func (src Source) agrees(tree *zig.Tree, in *zig.Package) error {
	if tree.Format != "tar.gz" {
		return fault.New(fault.Invalid, "the archive is a %s; pack it as a tar.gz", tree.Format).WithCode("bad_archive")
	}
	if in.Manifest == nil {
		return fault.New(fault.Invalid, "the archive has no build.zig.zon at its root").WithCode("bad_archive")
	}
	name, version := kind.Zig.Name(in.Manifest.Name), in.Manifest.Version
	_, err := semver.Parse(version)
	switch {
	case name != src.Name:
		return fault.New(fault.Invalid, "the archive's build.zig.zon has the name %q", in.Manifest.Name).WithCode("wrong_name")
	case err != nil || len(version) > maxZigVersion:
		return fault.New(fault.Invalid, "the archive's build.zig.zon has the version %.200q; one like 1.2.3, of at most %d bytes, is expected", version, maxZigVersion).WithCode("bad_archive")
	case cmp.Or(src.Version, version) != version:
		return fault.New(fault.Invalid, "the archive's build.zig.zon has version %q, not %.100q", version, src.Version).WithCode("wrong_version")
	}
	return nil
}

// keepZig makes the canonical archive durable.
func (s *Service) keepZig(ctx context.Context, src Source, sent io.ReaderAt, in *zig.Package) (Artifact, error) {
	a := Artifact{Unpacked: in.Unpacked, Files: len(in.Files)}
	h := digest.NewHasher()
	if err := in.Write(ctx, s.spool.BoundedWriter(h, "the archive, packed anew,")); err != nil {
		return a, err
	}
	a.Sums, a.Size = h.Sums(), h.Size()
	a.Whole = &tarball.Part{Digest: a.SHA256, Size: a.Size}
	if *a.Whole != *src.Whole {
		if err := s.repack(ctx, *a.Whole, in); err != nil {
			return a, err
		}
	}
	return a, src.checkIntegrity(ctx, sent, a)
}

// repack stores the canonical archive of a package that came in another.
func (s *Service) repack(ctx context.Context, as tarball.Part, in *zig.Package) (err error) {
	f, err := s.spool.File()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := in.Write(ctx, f); err != nil {
		return err
	}
	return s.keep(ctx, as, f)
}
