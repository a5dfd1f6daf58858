package tarball

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/mholt/archives"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/archivepath"
)

// contents checks what a tar says, entry by entry.
type contents struct {
	lim  Limits
	top  string // the first folder of every name
	tree *tree
	sum  Summary
	rank int    // of the README in sum
	last string // the newest entry, for messages
}

// readTar reads a tar to its end and checks it. used is the number of
// compressed bytes that the tar has taken so far.
func readTar(r io.Reader, lim Limits, used func() int64) (Summary, error) {
	g := &guard{r: r, lim: lim, used: used}
	c := &contents{lim: lim, tree: newTree(lim.Entries)}
	err := archives.Tar{}.Extract(context.Background(), g, c.entry)
	if err == nil {
		_, err = io.Copy(io.Discard, g) // to the end of the stream, checksums included
	}
	switch refused, ok := errors.AsType[*fault.Error](err); {
	case g.err != nil && g.err != io.EOF:
		return Summary{}, g.err
	case ok:
		return Summary{}, refused
	case err != nil:
		return Summary{}, bad("the tar can't be read after entry %.200q", c.last).With("reason", err.Error())
	case c.sum.Manifest == nil:
		return Summary{}, bad("the archive has no package.json file in its first folder")
	}
	return c.sum, c.sum.readManifest()
}

func (c *contents) entry(_ context.Context, f archives.FileInfo) error {
	h, ok := f.Header.(*tar.Header)
	if !ok {
		return bad("entry %.200q has no tar header", f.NameInArchive)
	}
	name := h.Name
	c.last = name
	kind, err := kindOf(h)
	if err != nil {
		return err
	}
	if kind == folder {
		name = strings.TrimSuffix(name, "/")
	}
	if rule := archivepath.Rule(name); rule != "" {
		return bad("entry %.200q: %s", h.Name, rule)
	}
	inside, err := c.strip(name, kind)
	if err != nil || inside == "" {
		return err
	}
	if rule, full := c.tree.add(inside, kind); full {
		return tooLarge("the archive has more than %d files and folders; that is the limit", c.lim.Entries)
	} else if rule != "" {
		return bad("entry %.200q: %s", h.Name, rule)
	}
	if nearManifest(inside) && (inside != manifestName || kind != file) {
		return bad("entry %.200q: package.json must be a regular file of exactly this name", h.Name)
	}
	switch kind {
	case link:
		return c.link(h, name)
	case file:
		return c.file(f, h, inside)
	}
	return nil
}

func kindOf(h *tar.Header) (nodeKind, error) {
	switch h.Typeflag {
	case tar.TypeReg:
		return file, nil
	case tar.TypeDir:
		if h.Size != 0 {
			return absent, bad("entry %.200q: a folder with content", h.Name)
		}
		return folder, nil
	case tar.TypeSymlink, tar.TypeLink:
		return link, nil
	}
	return absent, bad("entry %.200q is %s; a package has only files, folders and links inside it", h.Name, typeName(h.Typeflag))
}

// strip removes the first folder as npm does when it extracts. The folder's
// own entry yields the empty name.
func (c *contents) strip(name string, kind nodeKind) (string, error) {
	top, inside, _ := strings.Cut(name, "/")
	switch {
	case c.top == "":
		c.top = top
	case c.top != top:
		return "", bad("entry %.200q lies outside %.100q, the folder of the entries before it; a package has one folder", name, c.top)
	}
	if inside == "" && kind != folder {
		return "", bad("entry %.200q lies in no folder; npm packages have all files in one, usually package/", name)
	}
	return inside, nil
}

// link refuses targets outside the package. Nothing lies below a link, and
// ".." may only lead, so the names alone tell where a link ends.
func (c *contents) link(h *tar.Header, name string) error {
	target := strings.TrimSuffix(h.Linkname, "/")
	dir := "" // a hard link's target is a name in the archive
	if h.Typeflag == tar.TypeSymlink {
		if dir, target = climb(path.Dir(name), target); dir == "." {
			return leavesPackage(h)
		}
		if target == "" && h.Linkname != "" {
			return nil // a folder above, inside the package
		}
	}
	if rule := archivepath.Rule(target); rule != "" {
		return bad("entry %.200q is a link to %.200q: %s", h.Name, h.Linkname, strings.Replace(rule, "its name", "the target", 1))
	}
	if dir == "" && !strings.HasPrefix(target, c.top+"/") {
		return leavesPackage(h)
	}
	return nil
}

// climb follows the leading "." and ".." parts of a target from dir and returns
// what is left; dir is "." if they lead above the first folder.
func climb(dir, target string) (string, string) {
	for dir != "." {
		part, rest, _ := strings.Cut(target, "/")
		switch part {
		case ".":
		case "..":
			dir = path.Dir(dir)
		default:
			return dir, target
		}
		target = rest
	}
	return dir, target
}

func leavesPackage(h *tar.Header) error {
	return bad("entry %.200q is a link to %.200q, which is outside the package", h.Name, h.Linkname)
}

func (c *contents) file(f archives.FileInfo, h *tar.Header, inside string) (err error) {
	c.sum.Files++
	c.sum.Unpacked += h.Size
	switch inside {
	case manifestName:
		if h.Size > c.lim.Manifest {
			return tooLarge("entry %.200q is larger than %s; that is the limit for a package.json", h.Name, fault.Bytes(c.lim.Manifest))
		}
		c.sum.Manifest, err = readStart(f, h.Size)
		return err
	case gypName:
		c.sum.Gyp = true
	case shrinkwrapName:
		c.sum.Shrinkwrap = true
	}
	if rank := readmeRank(inside); rank > c.rank && h.Size > 0 {
		c.rank = rank
		c.sum.Readme, err = readStart(f, min(h.Size, maxReadme))
		if h.Size > maxReadme {
			c.sum.Readme = wholeRunes(c.sum.Readme)
		}
	}
	return err
}

// readStart reads the first n bytes of an entry.
func readStart(f archives.FileInfo, n int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return b, err
}
