package lumen

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
)

const maxReadme = 64 << 10 // bytes

// Check reads a tar, gzip-compressed or plain, to its end and writes the plain tar to w. It refuses what could leave the
// folder it is unpacked into (absolute names, "..", links, devices), what tar readers understand differently, entries
// twice, and an archive without lumen.toml (or ./lumen.toml) at its root, or with one that ParseManifest
// refuses. Refusals are fault.Invalid, of the archive with the code "bad_archive", or fault.TooLarge; errors of r and w are
// wrapped. What was written to w is good only if Check returns nil. Memory grows with the names of files only.
func Check(r io.Reader, w io.Writer, lim Limits) (Archive, error) {
	lim = lim.withDefaults()
	src, err := newSource(r, w, lim)
	if err != nil {
		return Archive{}, err
	}
	c := &contents{
		tar:  tarReader{r: bufio.NewReaderSize(src, bufSize)},
		tree: tree{nodes: map[string]bool{}, lim: lim},
		sum:  sha256.New(),
	}
	switch err := c.read(); {
	case src.from.err != nil:
		return Archive{}, fmt.Errorf("reading an archive: %w", src.from.err)
	case err != nil:
		return Archive{}, err
	}
	src.describe(&c.about)
	return c.about, nil
}

// read reads the tar to its end.
func (c *contents) read() error {
	for {
		e, err := c.tar.next()
		if err == io.EOF {
			return c.finish()
		}
		if err == nil {
			err = c.add(e)
		}
		if err != nil {
			return err
		}
	}
}

// contents collects what an archive holds.
type contents struct {
	tar     tarReader
	tree    tree
	sum     hash.Hash // of the newest file
	files   []file
	text    []byte // of lumen.toml; nil: there is none
	wrapped string // a folder with a lumen.toml
	rank    int    // of the README in about
	about   Archive
}

type file struct {
	name string
	sum  [sha256.Size]byte
}

func (c *contents) add(e entry) error {
	name := strings.TrimPrefix(e.name, "./")
	if e.folder {
		name = strings.TrimSuffix(name, "/")
		if name == "" && e.name == "./" || name == "." {
			return nil // the archive's own root
		}
	}
	if err := c.tree.add(name, e.folder); err != nil {
		return err
	}
	if strings.EqualFold(name, manifestName) && (name != manifestName || e.folder) {
		return bad("entry %.200q: %s must be a file of exactly this name", e.name, manifestName)
	}
	if e.folder {
		return nil
	}
	if folder, base := path.Split(name); base == manifestName && strings.Count(folder, "/") == 1 {
		c.wrapped = cmp.Or(c.wrapped, folder)
	}
	return c.file(name, e)
}

// file hashes a file, and keeps it if it is lumen.toml or the README.
func (c *contents) file(name string, e entry) error {
	c.about.Files++
	if c.about.Unpacked += e.size; c.about.Unpacked > c.tree.lim.Unpacked {
		return c.tree.lim.unpackedTooLarge()
	}
	if name == manifestName && e.size > maxManifest {
		return tooLarge("%s is larger than %s; that is the limit", manifestName, fault.Bytes(maxManifest))
	}
	c.sum.Reset()
	to := io.Writer(c.sum)
	start := &prefix{limit: maxReadme}
	rank := readmeRank(name)
	switch {
	case name == manifestName:
		start.limit = maxManifest
		to = io.MultiWriter(c.sum, start)
	case rank > c.rank:
		to = io.MultiWriter(c.sum, start)
	}
	if err := c.tar.content(e, to); err != nil {
		return err
	}
	switch {
	case name == manifestName:
		c.text = append([]byte{}, start.Bytes()...)
	case rank > c.rank:
		c.rank, c.about.Readme = rank, strings.ToValidUTF8(start.String(), "")
	}
	f := file{name: name}
	c.sum.Sum(f.sum[:0])
	c.files = append(c.files, f)
	return nil
}

// finish reads the manifest and computes the hashes over all files.
func (c *contents) finish() (err error) {
	switch {
	case c.text == nil && c.wrapped != "":
		return bad("%s lies in the folder %.100q, not at the archive's root; pack what is in the folder: tar -cf package.tar -C %[2]s .", manifestName, c.wrapped)
	case c.text == nil:
		return bad("the archive has no %s at its root; pack the whole folder of the package: tar -cf package.tar -C FOLDER .", manifestName)
	}
	if c.about.Manifest, err = ParseManifest(c.text); err != nil {
		return err
	}
	slices.SortFunc(c.files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	all := sha256.New()
	for _, f := range c.files {
		fmt.Fprintf(all, "%s\x00%x\n", f.name, f.sum)
	}
	c.about.Integrity = Integrity{
		ManifestHash: digest.Of(c.text).String(),
		ContentHash:  digest.SHA256(all.Sum(nil)).String(),
	}
	return nil
}

// readmes are the READMEs that the client packs, the best last.
var readmes = []string{"README", "README.txt", "README.rst", "README.md"}

// readmeRank orders the READMEs of a package; 0 is none.
func readmeRank(name string) int {
	return 1 + slices.IndexFunc(readmes, func(r string) bool { return strings.EqualFold(r, name) })
}

// prefix keeps the first bytes written to it.
type prefix struct {
	bytes.Buffer
	limit int
}

func (p *prefix) Write(b []byte) (int, error) {
	p.Buffer.Write(b[:min(len(b), p.limit-p.Len())])
	return len(b), nil
}
