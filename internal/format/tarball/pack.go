package tarball

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/archivepath"
	"github.com/org/registry-action/internal/format/ustar"
)

// Packer writes the two runs of split tarballs. It keeps its compressors for
// the next run; its zero value is ready and it may be used by many goroutines.
type Packer struct{ pool sync.Pool }

// WriteHead writes the head of a package with this package.json.
//
// Where the manifest mentions its commit (40 or 64 hex digits in lower case;
// anything else stands for none), as the whole SHA or the preview version, the
// head gets holes: what is written is a template with markers in place of the
// digits, the same for every commit, and FillHead makes the head of it. Digest
// and Size are the template's, CRC32 and RawSize those of the real text. A
// manifest for which that can't be done has a head without holes.
func (p *Packer) WriteHead(w io.Writer, manifest []byte, commit string) (Run, error) {
	d := p.deflater(w)
	defer p.release(d)
	size := int64(len(manifest))
	text := appendEntry(nil, topFolder+manifestName, size, 0o644)
	text = append(text, manifest...)
	text = append(text, make([]byte, ustar.Padding(size))...)
	template, err := d.template(text, commit)
	switch {
	case err != nil:
		return Run{}, err
	case template != nil:
		return d.copyTemplate(template, text)
	}
	d.write(text)
	return d.flush()
}

// WriteBody writes the body: the files in the given order and the end of the
// archive. It opens one file at a time and always closes it. A name that the
// checks of an upload refuse is refused here, before its file is opened.
func (p *Packer) WriteBody(w io.Writer, files []File) (Run, error) {
	d := p.deflater(w)
	defer p.release(d)
	seen := newTree(DefaultLimits().Entries)
	for _, f := range files {
		if err := checkFile(f, seen); err != nil {
			return Run{}, err
		}
		d.entry(topFolder+f.Name, f.Size, entryMode(f))
		if err := d.copyFile(f); err != nil {
			return Run{}, err
		}
		d.pad(f.Size)
		if d.err != nil {
			return Run{}, fmt.Errorf("packing %s: %w", f.Name, d.err)
		}
	}
	d.write(make([]byte, 2*ustar.BlockSize))
	return d.finish()
}

// checkFile applies the rules of Check to a file that is about to be packed.
func checkFile(f File, seen *tree) error {
	rule := archivepath.Rule(f.Name)
	if rule == "" {
		rule = archivepath.Rule(topFolder + f.Name)
	}
	switch {
	case rule != "":
	case nearManifest(f.Name):
		rule = "package.json is packed apart, as the head"
	case f.Size < 0 || f.Size > maxSize:
		rule = "its size does not fit a tar header (8 GiB)"
	default:
		var full bool
		if rule, full = seen.add(f.Name, file); full {
			return fault.New(fault.TooLarge, "the package has more than %d files and folders", seen.max)
		}
	}
	if rule != "" {
		return fault.New(fault.Invalid, "file %.200q can't be packed: %s", f.Name, rule)
	}
	return nil
}

// entryMode is npm's: readable and writable by the owner, no write bits for others.
func entryMode(f File) fs.FileMode {
	mode := (f.Mode.Perm() | 0o600) &^ 0o022
	if f.Executable {
		mode |= 0o111
	}
	return mode
}

// copyFile copies the content of f, which must have exactly the announced size.
func (d *deflater) copyFile(f File) (err error) {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("opening %s to pack it: %w", f.Name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var n int64
	for d.err == nil {
		k, err := r.Read(d.buf)
		if n += int64(k); n > f.Size {
			return changed(f)
		}
		d.write(d.buf[:k])
		switch {
		case err == io.EOF && n < f.Size:
			return changed(f)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("reading %s: %w", f.Name, err)
		}
	}
	return nil
}

func changed(f File) error {
	return fault.New(fault.Invalid, "%s changed while it was being packed: it no longer has its %d bytes; pack again", f.Name, f.Size)
}
