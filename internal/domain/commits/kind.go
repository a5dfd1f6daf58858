package commits

import (
	"context"
	"errors"
	"io"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/spool"
)

// kindOf tells by its name what a package is of. One that is not npm's is a whole archive, has its own version, and is in
// no preview registry.
func kindOf(name string) kind.Kind {
	k, _ := kind.Of(name)
	return k
}

func (src Source) validateName() error {
	var err error
	switch kindOf(src.Name) {
	case kind.Zig:
		err = validZigName(src.Name)
	case kind.Lumen:
		err = validLumenName(src.Name)
	default:
		return npm.ValidName(src.Name)
	}
	if err == nil && (src.Upload != nil || src.Head != nil || src.Body != nil) {
		err = src.errTwoSteps()
	}
	return err
}

// errTwoSteps refuses an archive that is not npm's and came as npm's do.
func (src Source) errTwoSteps() error {
	of, code := "Zig", "zig_upload"
	if kindOf(src.Name) == kind.Lumen {
		of, code = "Lumen", "lumen_upload"
	}
	return fault.New(fault.Invalid, "%s: the archive of a %s package is uploaded before it is published, and named by tarball: ask POST /publish/commit/plan where to put it, or let publish-commit do it", src.Name, of).WithCode(code)
}

// unpacked has look tell what an archive that is not npm's says of itself, with a file for what comes out of it. Only so
// many are unpacked at a time.
func (s *Service) unpacked(ctx context.Context, src Source, look func(context.Context, Source, blob.Blob, *spool.File) (Package, error)) (pkg Package, err error) {
	done, err := s.unpacking.Take(ctx)
	if err != nil {
		return Package{}, err
	}
	defer done()
	sent, _, err := s.blobs.Open(ctx, blobKey(*src.Whole))
	if err != nil {
		return Package{}, err
	}
	defer sent.Close()
	scratch, err := s.spool.File()
	if err != nil {
		return Package{}, err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	return look(ctx, src, sent, scratch)
}

// keep makes an archive durable that was made of what was sent.
func (s *Service) keep(ctx context.Context, as tarball.Part, f io.ReadSeeker) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := s.life.Hold(ctx, blobKey(as)); err != nil {
		return err
	}
	_, _, err := s.blobs.Put(ctx, blobKey(as), f)
	return err
}

// checkIntegrity compares what was sent with what the publication says of it; kept are the sums of what is kept.
func (src Source) checkIntegrity(ctx context.Context, sent io.ReaderAt, kept Artifact) error {
	if src.Integrity == "" {
		return nil
	}
	sums := kept.Sums
	if *kept.Whole != *src.Whole {
		h := digest.NewHasher()
		if _, err := io.Copy(h, contextReader{ctx, io.NewSectionReader(sent, 0, src.Whole.Size)}); err != nil {
			return err
		}
		sums = h.Sums()
	}
	if src.Integrity != sums.Integrity {
		return fault.New(fault.Invalid, "the archive's integrity is %s, not %.200s", sums.Integrity, src.Integrity).WithCode("wrong_integrity")
	}
	return nil
}
