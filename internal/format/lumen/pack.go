package lumen

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/archivepath"
)

// licenses are the files that the client packs, the first that is there.
var licenses = []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING"}

// Pack writes the plain tar of a package's folder as the client's publish does: lumen.toml, all of src, the README and
// the LICENSE; beyond that, what [package].include names, and without what [package].exclude names. In their patterns "*",
// "?" and "[a-z]" stand within a part of a path and "**" for any number of parts; one without "/" matches at any depth,
// "/" in front ties it to the root, and what matches a folder matches all in it. Hidden files, and files and folders
// called target or dist, are left out. Files are 0644, times are zero,
// lumen.toml is the first and the rest by name, so the same files give the same bytes on every machine. Nothing outside
// the folder is read, and a link that would be packed is refused, as is what Check would refuse. Refusals are
// fault.Invalid, those of files with the code "bad_package", or fault.TooLarge.
func Pack(ctx context.Context, root *os.Root, w io.Writer, lim Limits) (Manifest, error) {
	return (&packer{root: root, lim: lim.withDefaults()}).pack(ctx, w)
}

// PackFiles is Pack of some of the folder's files, slash-separated paths from it: those of a commit. The rest is as if it
// were not there; of the list, what is not there is passed over.
func PackFiles(ctx context.Context, root *os.Root, files []string, w io.Writer, lim Limits) (Manifest, error) {
	p := &packer{root: root, lim: lim.withDefaults(), only: make(map[string]bool, len(files))}
	for _, name := range files {
		p.only[name] = true
	}
	if !p.has(manifestName) {
		return Manifest{}, badPackage("%s is not one of the files to pack", manifestName)
	}
	return p.pack(ctx, w)
}

func (p *packer) pack(ctx context.Context, w io.Writer) (Manifest, error) {
	m, err := p.manifest()
	if err != nil {
		return Manifest{}, err
	}
	names, err := p.list(ctx)
	if err != nil {
		return Manifest{}, err
	}
	out := tar.NewWriter(w)
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return Manifest{}, err
		}
		if err := p.file(out, name); err != nil {
			return Manifest{}, err
		}
	}
	if err := out.Close(); err != nil {
		return Manifest{}, fmt.Errorf("writing a package: %w", err)
	}
	return m, nil
}

type packer struct {
	root             *os.Root
	lim              Limits
	only             map[string]bool // the files that count; nil: all
	text             []byte          // of lumen.toml
	include, exclude patterns
	always           []string // files at the root
	unpacked         int64
}

// has reports whether a file counts.
func (p *packer) has(name string) bool { return p.only == nil || p.only[name] }

// manifest reads lumen.toml, once: what is packed is what was checked.
func (p *packer) manifest() (Manifest, error) {
	info, err := p.root.Lstat(manifestName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Manifest{}, badPackage(`the folder has no %s; write one with [package], name = "@scope/name" and version = "1.0.0"`, manifestName)
	case err != nil:
		return Manifest{}, fmt.Errorf("reading the package's folder: %w", err)
	case !info.Mode().IsRegular():
		return Manifest{}, notRegular(manifestName)
	}
	f, err := p.root.Open(manifestName)
	if err != nil {
		return Manifest{}, fmt.Errorf("reading the package's folder: %w", err)
	}
	defer f.Close()
	if p.text, err = io.ReadAll(io.LimitReader(f, maxManifest+1)); err != nil {
		return Manifest{}, fmt.Errorf("reading %s: %w", manifestName, err)
	}
	m, files, err := parseManifest(p.text)
	if err != nil {
		return Manifest{}, err
	}
	if p.include, err = parsePatterns("include", files.include); err != nil {
		return Manifest{}, err
	}
	p.exclude, err = parsePatterns("exclude", files.exclude)
	return m, err
}

// list names the files of the package, lumen.toml first.
func (p *packer) list(ctx context.Context) ([]string, error) {
	top, err := fs.ReadDir(p.root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("reading the package's folder: %w", err)
	}
	top = slices.DeleteFunc(top, func(d fs.DirEntry) bool { return !p.has(d.Name()) })
	p.always = []string{firstOf(top, slices.Backward(readmes)), firstOf(top, slices.All(licenses))}
	places := tree{nodes: map[string]bool{}, lim: p.lim}
	names := []string{manifestName}
	err = fs.WalkDir(p.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading the package's folder: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		packed, err := p.visit(name, d)
		if !packed || err != nil {
			return err
		}
		if rule := archivepath.Rule(name); rule != "" {
			return badPackage("the file %.200q: %s; rename it", name, rule)
		}
		names = append(names, name)
		return places.add(name, false)
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names[1:])
	return names, nil
}

// visit reports whether an entry of the folder is a file to pack; it is fs.SkipDir for a folder with none.
func (p *packer) visit(name string, d fs.DirEntry) (bool, error) {
	wanted := strings.HasPrefix(name, "src/") || slices.Contains(p.always, name) || p.include.match(name)
	if name == "." || name == manifestName {
		return false, nil
	}
	if leftOut(name) || p.exclude.match(name) {
		return false, skip(d)
	}
	if d.IsDir() {
		if name == "src" || wanted || len(p.include) > 0 {
			return false, nil
		}
		return false, fs.SkipDir
	}
	if !p.has(name) || !wanted && name != "src" {
		return false, nil
	}
	if d.Type() != 0 {
		return false, notRegular(name)
	}
	if strings.EqualFold(name, manifestName) {
		return false, badPackage("%q can't be packed beside %s, which is the same on some systems; rename it", name, manifestName)
	}
	return wanted, nil
}

// leftOut reports whether the client would leave out a file, or a folder with all in it.
func leftOut(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") && name != "." || base == "target" || base == "dist"
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// firstOf is the first of the names that the folder has, "" if none.
func firstOf(folder []fs.DirEntry, names func(yield func(int, string) bool)) string {
	for _, name := range names {
		if slices.ContainsFunc(folder, func(d fs.DirEntry) bool { return d.Name() == name && !d.IsDir() }) {
			return name
		}
	}
	return ""
}

// file writes one file.
func (p *packer) file(out *tar.Writer, name string) error {
	var content io.Reader = strings.NewReader(string(p.text))
	size := int64(len(p.text))
	if name != manifestName {
		f, err := p.root.Open(name)
		if err != nil {
			return fmt.Errorf("opening %s: %w", name, err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return fmt.Errorf("opening %s: %w", name, err)
		}
		if !info.Mode().IsRegular() {
			return notRegular(name)
		}
		content, size = f, info.Size()
	}
	if p.unpacked += size; p.unpacked > p.lim.Unpacked {
		return p.lim.unpackedTooLarge()
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0)}
	if err := out.WriteHeader(h); err != nil {
		return fmt.Errorf("writing %s of a package: %w", name, err)
	}
	n, err := io.CopyN(out, content, size)
	if err == io.EOF {
		return fault.New(fault.Unavailable, "the file %.200q became shorter, from %d bytes to %d, while it was packed; pack the folder again", name, size, n)
	}
	if err != nil {
		return fmt.Errorf("writing %s of a package: %w", name, err)
	}
	return nil
}

func notRegular(name string) error {
	return badPackage("%.200q is a link or no regular file, which a package can't have; put the file itself there, or name it in package.exclude", name)
}

// badPackage refuses a folder.
func badPackage(format string, args ...any) *fault.Error {
	return refuse("bad_package", format, args...)
}
