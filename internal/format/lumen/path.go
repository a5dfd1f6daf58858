package lumen

import (
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/archivepath"
)

const maxNames = 32 << 20 // bytes of all names of an archive

// tree remembers which places an archive has filled. It knows the folders that names imply too, so that nothing can lie
// below a file.
type tree struct {
	nodes  map[string]bool // true: a folder
	parent string          // of the newest entry, known to be a folder
	bytes  int             // of all names
	lim    Limits
}

func (t *tree) add(name string, folder bool) error {
	if rule := archivepath.Rule(name); rule != "" {
		return bad("entry %.200q: %s; pack relative names of the package's folder", name, rule)
	}
	parent := name[:max(strings.LastIndexByte(name, '/'), 0)]
	if parent != t.parent {
		for i := range len(name) {
			if name[i] != '/' {
				continue
			}
			isFolder, known := t.nodes[name[:i]]
			if known && !isFolder {
				return bad("entry %.200q lies below a file of the same archive; pack it again", name)
			}
			t.nodes[name[:i]] = true
		}
		t.parent = parent
	}
	was, known := t.nodes[name]
	if known && (!was || !folder) {
		return bad("entry %.200q is in the archive twice; pack it again", name)
	}
	t.nodes[name] = folder
	t.bytes += len(name)
	switch {
	case len(t.nodes) > t.lim.Entries:
		return t.lim.tooMany()
	case t.bytes > maxNames:
		return tooLarge("the names of the package's files are more than %s in all; that is the limit", fault.Bytes(maxNames))
	}
	return nil
}
