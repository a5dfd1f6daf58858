package jsonstream

import (
	"fmt"
	"strings"
)

// maxPath and maxName bound the path of a member in a message, in bytes.
const (
	maxPath = 200
	maxName = 60
)

// path names the place that has been read, as in packages[2].tarball.
func (x *extractor) path() string {
	var b strings.Builder
	for _, f := range x.stack {
		name := ""
		if f.to > f.from {
			name = string(x.out[f.from:f.to])
		}
		switch {
		case b.Len() > maxPath:
			return b.String() + "…"
		case !f.object:
			fmt.Fprintf(&b, "[%d]", f.index)
		case name == "":
		case len(name) > maxName || !isWord(name):
			fmt.Fprintf(&b, "[%.*q]", maxName, name)
		case b.Len() > 0:
			b.WriteString("." + name)
		default:
			b.WriteString(name)
		}
	}
	if b.Len() == 0 {
		return "the whole text"
	}
	return b.String()
}

func isWord(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
}
