package tarball

import (
	"crypto/sha256"
	"strings"
)

type nodeKind byte

const (
	absent nodeKind = iota
	folder
	file
	link
)

func (k nodeKind) String() string {
	return [...]string{"absent", "folder", "file", "link"}[k]
}

// nodeKey stands for a path, so that memory does not depend on its length.
type nodeKey [16]byte

// tree remembers which paths an archive has filled. It knows the folders that
// names imply too, so nothing can lie below a file or a link.
type tree struct {
	nodes map[nodeKey]nodeKind
	max   int
	last  string // the folder of the newest entry, known to be one
}

func newTree(limit int) *tree { return &tree{nodes: map[nodeKey]nodeKind{}, max: limit} }

// add enters a path and the folders above it. It answers the rule that the
// path breaks, or "". full means that the tree has reached its limit.
func (t *tree) add(path string, kind nodeKind) (rule string, full bool) {
	parent := ""
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		parent = path[:i]
	}
	if parent != t.last {
		for i := range len(path) {
			if path[i] != '/' {
				continue
			}
			switch k := key(path[:i]); t.nodes[k] {
			case absent:
				t.nodes[k] = folder
			case file:
				return "it lies below a file of the same archive", false
			case link:
				return "it lies below a link of the same archive", false
			}
		}
		t.last = parent
	}
	k := key(path)
	if was := t.nodes[k]; was != absent && (was != folder || kind != folder) {
		return "another entry (a " + was.String() + ") has the same place", false
	}
	t.nodes[k] = kind
	return "", len(t.nodes) > t.max
}

func key(path string) nodeKey {
	sum := sha256.Sum256([]byte(path))
	return nodeKey(sum[:16])
}
