package lumen

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxPath  = 1024     // bytes
	maxDepth = 128      // folders above a file
	maxNames = 32 << 20 // bytes of all names of an archive
)

// pathRule says which rule a slash-separated relative name breaks; "" means that every system unpacks it to the
// same place, inside the folder that it is unpacked into.
func pathRule(name string) string {
	switch {
	case name == "":
		return "its name is empty"
	case len(name) > maxPath:
		return "its name is longer than 1024 bytes"
	case !utf8.ValidString(name):
		return "its name is not UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "its name has a NUL or another control character"
	case strings.Contains(name, `\`):
		return "its name has a backslash"
	case name[0] == '/':
		return "its name is absolute"
	case strings.Count(name, "/") > maxDepth:
		return "it lies more than 128 folders deep"
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "":
			return "its name has an empty part"
		case part == "." || part == "..":
			return `its name has a part "` + part + `"`
		case len(part) > 1 && part[1] == ':':
			return "its name has a drive letter"
		}
	}
	return ""
}

// tree remembers which places an archive has filled. It knows the folders that names imply too, so that nothing can lie
// below a file.
type tree struct {
	nodes  map[string]bool // true: a folder
	parent string          // of the newest entry, known to be a folder
	bytes  int             // of all names
	lim    Limits
}

func (t *tree) add(name string, folder bool) error {
	if rule := pathRule(name); rule != "" {
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
		return tooLarge("the names of the package's files are more than %s in all; that is the limit", bytesText(maxNames))
	}
	return nil
}
