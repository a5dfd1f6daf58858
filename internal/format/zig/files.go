package zig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// OpenFiles is OpenFolder for the named files and links of a folder, slash-separated: those that a version control
// system knows of, for instance. A name that is not there is passed over.
func OpenFiles(ctx context.Context, root *os.Root, names []string, lim Limits) (*Tree, error) {
	b := &builder{tree: &Tree{Format: "folder", root: root.FS(), lim: lim.withDefaults()}}
	b.lim = b.tree.lim
	only, err := folderFilter(root, b.lim)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		top, _, _ := strings.Cut(name, "/")
		if !fs.ValidPath(name) || leftOut[top] || name != manifestName && !only.includes(name) {
			continue
		}
		info, err := root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the package's folder: %w", err)
		}
		if err := b.addFromDisk(root, name, fs.FileInfoToDirEntry(info)); err != nil {
			return nil, err
		}
	}
	return b.tree, nil
}
