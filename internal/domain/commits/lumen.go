package commits

import (
	"cmp"
	"context"
	"io"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/spool"
)

// validLumenName takes names without a scope too: a preview is no registry that clients ask by name.
func validLumenName(name string) error {
	_, plain := kind.Of(name)
	return lumen.ValidName(plain, true)
}

// lumenPackage checks the archive of a Lumen package and returns what it says of itself.
// What is kept of it is the plain tar; as a rule that is what was sent.
func (s *Service) lumenPackage(ctx context.Context, src Source, sent blob.Blob, scratch *spool.File) (Package, error) {
	archive := io.NewSectionReader(sent, 0, src.Whole.Size)
	in, err := lumen.Check(contextReader{ctx, archive}, s.spool.BoundedWriter(scratch, "the plain tar"), s.opt.Lumen)
	if err == nil {
		err = src.agreesWithLumen(in.Manifest)
	}
	if err != nil {
		return Package{}, err
	}
	a := Artifact{Whole: &tarball.Part{Digest: in.Tar.SHA256, Size: in.Size}, Sums: in.Tar, Size: in.Size, Unpacked: in.Unpacked, Files: in.Files}
	if err := src.checkIntegrity(ctx, sent, a); err != nil {
		return Package{}, err
	}
	if *a.Whole != *src.Whole {
		err = s.keep(ctx, *a.Whole, scratch)
	}
	return Package{Version: in.Manifest.Version, Artifact: a, Lumen: &in.Integrity}, err
}

// agreesWithLumen compares a manifest with what the publication says of the archive.
func (src Source) agreesWithLumen(m lumen.Manifest) error {
	switch {
	case kind.Lumen.Name(m.Name) != src.Name:
		return fault.New(fault.Invalid, "the archive's lumen.toml has the name %q", m.Name).WithCode("wrong_name")
	case cmp.Or(src.Version, m.Version) != m.Version:
		return fault.New(fault.Invalid, "the archive's lumen.toml has version %q, not %.100q", m.Version, src.Version).WithCode("wrong_version")
	case m.Private:
		return fault.New(fault.Invalid, "the archive's lumen.toml has publish = false; remove that to publish it").WithCode("private_package")
	}
	return nil
}
