package commits

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/scrub"
)

// checkPackage compares what rows say of a package with its bytes.
func (c *checker) checkPackage(ctx context.Context, about *scrub.Subject, p Package) error {
	a := p.Artifact
	switch {
	case (a.Recipe == nil) == (a.Whole == nil):
		about.Wrong(scrub.Row, "its row names its bytes neither whole nor in two parts")
		return nil
	case kindOf(p.Name) == kind.Zig:
		return c.checkZig(ctx, about, p)
	case kindOf(p.Name) == kind.Lumen:
		return c.checkLumen(ctx, about, p)
	case a.Recipe != nil:
		sum, ok, err := c.blobs.Split(ctx, about, scrub.Split{
			Recipe: *a.Recipe, Space: blobKey(a.Recipe.Head).Space, Commit: p.SHA, Sums: a.Sums, Size: a.Size, Until: p.ExpiresAt,
		})
		if ok {
			compareSummary(about, p, sum)
		}
		return err
	}
	return c.checkWhole(ctx, about, p)
}

// want is what a row says of a whole archive.
func want(p Package) scrub.Want {
	a := p.Artifact
	return scrub.Want{Key: blobKey(*a.Whole), Size: a.Whole.Size, Sums: a.Sums, Until: p.ExpiresAt}
}

func (c *checker) checkWhole(ctx context.Context, about *scrub.Subject, p Package) error {
	sum, ok, err := c.blobs.Tarball(ctx, about, want(p))
	if err != nil {
		return err
	}
	if ok {
		compareSummary(about, p, sum)
	}
	m := p.Artifact.Manifest
	if m == nil {
		return nil
	}
	head, headOK, err := c.blobs.Head(ctx, about, blobKey(m.Part), m.Size, p.ExpiresAt)
	if err != nil || !headOK || !ok {
		return err
	}
	if m.Holes {
		head = tarball.FillHead(head, p.SHA)
	}
	text, err := new(unpacker).manifest(head)
	if err != nil {
		about.Wrong(scrub.Archive, "the package.json that is kept beside its tarball can't be unpacked")
	} else if string(text) != string(sum.Manifest) {
		about.Wrong(scrub.Manifest, "the package.json that is kept beside its tarball is not the one in it")
	}
	return nil
}

// compareSummary holds a row against what the archive says.
func compareSummary(about *scrub.Subject, p Package, sum tarball.Summary) {
	a := p.Artifact
	switch {
	case sum.Name != p.Name || sum.Version != p.Version:
		about.Differs(scrub.Manifest, sum.Name+"@"+sum.Version, p.Name+"@"+p.Version, "the package.json in its tarball is of another version")
	case a.Size != sum.Size || a.Files != sum.Files || a.Unpacked != sum.Unpacked:
		about.Wrong(scrub.Manifest, "its row has %d bytes, and %d files of %d, and its tarball %d, and %d of %d", a.Size, a.Files, a.Unpacked, sum.Size, sum.Files, sum.Unpacked)
	case a.Gyp != sum.Gyp || a.Shrinkwrap != sum.Shrinkwrap:
		about.Wrong(scrub.Manifest, "its row says of binding.gyp or npm-shrinkwrap.json something else than its tarball")
	}
}

// checkZig hashes the content as the compilers do.
func (c *checker) checkZig(ctx context.Context, about *scrub.Subject, p Package) error {
	if p.Zig == nil || p.Artifact.Whole == nil {
		about.Wrong(scrub.Row, "its row has no hashes of Zig, or no archive")
		return nil
	}
	says, ok, err := c.blobs.Check(ctx, about, want(p), "zig", c.parseZig)
	if !ok {
		return err
	}
	in := says.(zigContent)
	for _, h := range []struct{ what, expected, got string }{{"hash", in.Hash, p.Zig.Hash}, {"legacy hash", in.Legacy, p.Zig.Legacy}} {
		if h.expected != h.got {
			about.Differs(scrub.Hash, h.expected, h.got, "its row has another %s than its archive", h.what)
		}
	}
	switch a := p.Artifact; {
	case kind.Zig.Name(in.name) != p.Name || in.version != p.Version:
		about.Differs(scrub.Manifest, in.name+" "+in.version, p.Name+" "+p.Version, "the build.zig.zon in its archive is of another version")
	case !slices.Equal(in.compilers, p.Zig.Compilers):
		about.Differs(scrub.Manifest, fmt.Sprint(in.compilers), fmt.Sprint(p.Zig.Compilers), "its row names other compilers than can fetch it")
	case a.Size != a.Whole.Size || a.Files != in.files || a.Unpacked != in.unpacked:
		about.Wrong(scrub.Manifest, "its row has %d bytes, and %d files of %d, and its archive %d, and %d of %d", a.Size, a.Files, a.Unpacked, a.Whole.Size, in.files, in.unpacked)
	}
	return nil
}

// zigContent is what is compared of an archive.
type zigContent struct {
	zig.Hashes
	name, version string
	compilers     []string
	files         int
	unpacked      int64
}

func (c *checker) parseZig(ctx context.Context, r io.Reader) (says any, weight int64, err error) {
	in, err := scrub.Zig(ctx, r, c.spool, c.opt.Zig)
	if err != nil {
		return nil, 0, err
	}
	out := zigContent{Hashes: in.Hashes, compilers: in.Zig, files: len(in.Files), unpacked: in.Unpacked}
	if in.Manifest != nil {
		out.name, out.version = in.Manifest.Name, in.Manifest.Version
	}
	return out, 0, nil
}

// checkLumen hashes the content as Lumen's clients do.
func (c *checker) checkLumen(ctx context.Context, about *scrub.Subject, p Package) error {
	if p.Lumen == nil || p.Artifact.Whole == nil {
		about.Wrong(scrub.Row, "its row has no hashes of Lumen, or no archive")
		return nil
	}
	in, ok, err := c.blobs.Lumen(ctx, about, want(p), c.opt.Lumen)
	if !ok {
		return err
	}
	if in.Integrity != *p.Lumen {
		about.Differs(scrub.Hash, lumenText(in.Integrity), lumenText(*p.Lumen), "its row has other hashes than its archive")
	}
	switch a := p.Artifact; {
	case kind.Lumen.Name(in.Manifest.Name) != p.Name || in.Manifest.Version != p.Version:
		about.Differs(scrub.Manifest, in.Manifest.Name+" "+in.Manifest.Version, p.Name+" "+p.Version, "the lumen.toml in its archive is of another version")
	case a.Size != in.Size || a.Files != in.Files || a.Unpacked != in.Unpacked:
		about.Wrong(scrub.Manifest, "its row has %d bytes, and %d files of %d, and its archive %d, and %d of %d", a.Size, a.Files, a.Unpacked, in.Size, in.Files, in.Unpacked)
	}
	return nil
}

func lumenText(i lumen.Integrity) string { return i.ManifestHash + " " + i.ContentHash }
