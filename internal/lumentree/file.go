package lumentree

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
)

// File is a file of a tree.
type File struct {
	Path   string        `json:"path"`
	Digest digest.SHA256 `json:"digest"`
	Size   int64         `json:"size"` // bytes
}

// The files that only exports know.
const (
	StatePath   = ".export.json"         // what the last export wrote
	JournalPath = "checkpoint.next.json" // what the one under way is writing
	LockPath    = ".export.lock"
	tempPath    = ".export-tmp"
)

// maxDocument bounds a file of metadata, in bytes: an index.json of 100,000 packages has 20 MB.
const maxDocument = 256 << 20

// stage is a part of an export; what is in one may refer to what is in those before it only.
type stage int

const (
	artifacts stage = iota
	signatures
	keys
	metadata
	packageIndexes
	checkpoint
	index
	stages // how many there are
)

func (s stage) String() string {
	return [...]string{"artifacts", "signatures", "keys", "versions", "package indexes", "checkpoint", "index"}[s]
}

// stageOf is the stage of a path; the error is that of a path that no registry has.
func stageOf(path string) (stage, error) {
	segments := strings.Split(path, "/")
	hidden := slices.ContainsFunc(segments, func(s string) bool { return strings.HasPrefix(s, ".") })
	if !fs.ValidPath(path) || hidden || strings.ContainsAny(path, "\\:\x00") {
		return 0, fault.New(fault.Upstream, "the registry lists %.200q, which is no path of a Lumen registry", path)
	}
	switch {
	case path == "index.json":
		return index, nil
	case path == "checkpoint.json":
		return checkpoint, nil
	case path == "keys.json":
		return keys, nil
	case segments[0] == "artifacts" && len(segments) > 2:
		return artifacts, nil
	case segments[0] == "signatures" && len(segments) > 2:
		return signatures, nil
	case segments[0] == "packages" && len(segments) > 2 && strings.HasSuffix(path, "/index.json"):
		return packageIndexes, nil
	case segments[0] == "packages" && len(segments) > 2 && strings.HasSuffix(path, ".json"):
		return metadata, nil
	}
	return 0, fault.New(fault.Upstream, "the registry lists %.200q, which is no path of a Lumen registry", path)
}

// packageOf is the name of the package whose index a path is.
func packageOf(path string) (name string, ok bool) {
	rest, found := strings.CutPrefix(path, "packages/")
	name, ends := strings.CutSuffix(rest, "/index.json")
	return name, found && ends
}

// Immutable reports whether the bytes of a path never change.
func Immutable(path string) bool { return strings.HasPrefix(path, "artifacts/") }

// ContentType is that of a path.
func ContentType(path string) string {
	switch {
	case strings.HasSuffix(path, ".json"):
		return "application/json"
	case strings.HasSuffix(path, ".tgz"):
		return "application/gzip"
	}
	return "application/x-tar"
}

// CacheControl is that of a path: a yank must not wait for a cache.
func CacheControl(path string) string {
	if Immutable(path) {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}
