package tarball

import (
	"bytes"
	"crypto/sha256"
	"hash/crc32"
	"io"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/ustar"
)

// Check reads a whole .tgz to its end and refuses everything but one gzip
// member with a tar that all clients extract alike, inside the package's
// folder. Refusals are fault.Invalid with the code "bad_archive", or
// fault.TooLarge; errors of r are returned as they are.
func Check(r io.Reader, lim Limits) (Summary, error) {
	lim = lim.withDefaults()
	sums := digest.NewHasher()
	src := newSource(io.TeeReader(r, sums))
	raw, err := src.gunzip()
	if err != nil {
		return Summary{}, err
	}
	sum, err := readTar(raw, lim, src.used)
	if err != nil {
		return Summary{}, err
	}
	if err := src.atEnd("the archive"); err != nil {
		return Summary{}, err
	}
	sum.Sums, sum.Size = sums.Sums(), sums.Size()
	return sum, nil
}

// CheckSplit reads the two runs of a split tarball and checks the archive that
// they make as Check does. The recipe is computed from the bytes alone; the
// summary's sums and size are those of the joined .tgz.
//
// A head that has holes is given filled, and is what recipe.Head names: who
// stores the template puts its digest there, and sets Holes.
func CheckSplit(head, body io.Reader, lim Limits) (Summary, Recipe, error) {
	lim = lim.withDefaults()
	var recipe Recipe
	sums := digest.NewHasher()
	sums.Write(recipe.Header())

	headSum := newPartSum(sums)
	entry, err := readHead(io.TeeReader(head, headSum), lim)
	if err != nil {
		return Summary{}, Recipe{}, err
	}
	recipe.Head = headSum.part()

	bodySum, crc := newPartSum(sums), crc32.NewIEEE()
	src := newSource(io.TeeReader(body, bodySum))
	raw := &counter{r: io.TeeReader(io.MultiReader(bytes.NewReader(entry), src.inflate()), crc)}
	sum, err := readTar(raw, lim, func() int64 { return recipe.Head.Size + src.used() })
	if err == nil {
		err = src.atEnd("the body")
	}
	if err != nil {
		return Summary{}, Recipe{}, err
	}
	recipe.Body, recipe.CRC32, recipe.Raw = bodySum.part(), crc.Sum32(), raw.n
	sums.Write(recipe.Trailer())
	sum.Sums, sum.Size = sums.Sums(), sums.Size()
	return sum, recipe, nil
}

// readHead inflates a head, which must be the whole entry of package.json and
// nothing else, and end between two deflate blocks at a byte boundary.
//
// A decompressor ends there, and only there, at the five bytes of an empty final
// block appended to it.
func readHead(head io.Reader, lim Limits) ([]byte, error) {
	const finalBlock = "\x01\x00\x00\xff\xff"
	size := lim.Manifest + headSlack
	bounded := &io.LimitedReader{R: head, N: size + 1}
	src := newSource(io.MultiReader(bounded, bytes.NewReader([]byte(finalBlock))))
	limit := ustar.BlockSize + lim.Manifest + ustar.Padding(lim.Manifest)
	entry, err := io.ReadAll(io.LimitReader(src.inflate(), limit+1))
	switch {
	case src.from.err != nil:
		return nil, src.from.err
	case bounded.N == 0:
		return nil, tooLarge("the head is longer than %d bytes; that is the limit for a package.json of %s", size, fault.Bytes(lim.Manifest))
	case err != nil:
		return nil, bad("the head is not deflate data that ends with a sync flush")
	case int64(len(entry)) > limit:
		return nil, tooLarge("the head holds more than a package.json of %s; that is the limit", fault.Bytes(lim.Manifest))
	case src.atEnd("") != nil:
		return nil, bad("the head ends the deflate stream; it must leave that to the body")
	case !isManifestEntry(entry):
		return nil, bad("the head must hold exactly the tar entry of package/package.json")
	}
	return entry, nil
}

func isManifestEntry(entry []byte) bool {
	if len(entry) < ustar.BlockSize {
		return false
	}
	h := (*ustar.Block)(entry)
	size, ok := ustar.ParseOctal(h[ustar.OffSize:ustar.EndSize])
	return ok && ustar.UntilNUL(h[ustar.OffName:ustar.EndName]) == topFolder+manifestName && h[ustar.OffPrefix] == 0 &&
		h[ustar.OffType] == '0' && int64(len(entry)) == ustar.BlockSize+size+ustar.Padding(size)
}

// partSum hashes one run, and the joined file along with it.
type partSum struct {
	io.Writer
	sha interface{ Sum([]byte) []byte }
	n   int64
}

func newPartSum(joined io.Writer) *partSum {
	sha := sha256.New()
	return &partSum{Writer: io.MultiWriter(joined, sha), sha: sha}
}

func (s *partSum) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	s.n += int64(n)
	return n, err
}

func (s *partSum) part() Part {
	p := Part{Size: s.n}
	s.sha.Sum(p.Digest[:0])
	return p
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
