package commits

import (
	"context"
	"io"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
)

// A package that is not npm's has a name that begins with one of these; no name of npm's
// has a colon. It is a whole archive, has its own version, and is in no preview registry.
const (
	zigPrefix   = "zig:"
	lumenPrefix = "lumen:"
)

func isZig(name string) bool { return strings.HasPrefix(name, zigPrefix) }

func isLumen(name string) bool { return strings.HasPrefix(name, lumenPrefix) }

func isNPM(name string) bool { return !isZig(name) && !isLumen(name) }

func (src Source) validateName() error {
	var err error
	switch {
	case isZig(src.Name):
		err = validZigName(src.Name)
	case isLumen(src.Name):
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
	if isLumen(src.Name) {
		of, code = "Lumen", "lumen_upload"
	}
	return fault.New(fault.Invalid, "%s: the archive of a %s package is uploaded before it is published, and named by tarball: ask POST /publish/commit/plan where to put it, or let publish-commit do it", src.Name, of).WithCode(code)
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
