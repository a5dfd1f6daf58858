// Package filelist is what an archive's list of files is, and how two of them are compared. It reads no archives.
package filelist

import (
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/digest"
)

// File is a regular file or a link in an archive.
type File struct {
	Path       string        `json:"path"` // slash-separated, below the top folder
	Size       int64         `json:"size"` // bytes
	Executable bool          `json:"executable,omitempty"`
	Link       string        `json:"link,omitempty"` // the target of a link, which is never followed
	SHA256     digest.SHA256 `json:"sha256,omitzero"`
	Entry      int           `json:"entry"` // its place in the archive
}

// same reports whether who unpacks two files gets the same.
func (f File) same(o File) bool {
	return f.SHA256 == o.SHA256 && f.Link == o.Link && f.Executable == o.Executable
}

// List is what an archive has.
type List struct {
	Files []File `json:"files"`          // by path
	Size  int64  `json:"size"`           // bytes of all files
	More  bool   `json:"more,omitempty"` // there are more files than are listed
}

// Find returns a file by its path.
func (l *List) Find(path string) (File, bool) {
	i, ok := slices.BinarySearchFunc(l.Files, path, func(f File, path string) int { return strings.Compare(f.Path, path) })
	if !ok {
		return File{}, false
	}
	return l.Files[i], true
}
