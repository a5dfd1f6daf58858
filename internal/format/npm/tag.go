package npm

import (
	"net/url"
	"strings"
)

// PreviewTag is the dist-tag of a ref in a preview registry: its kind and name
// joined by "-", as "pr-7" or "branch-main", with "-" in place of every character
// that not all clients take in a dist-tag. Two refs can have the same one.
func PreviewTag(kind, name string) string {
	return strings.Map(func(r rune) rune {
		if forbidden(r) {
			return '-'
		}
		return r
	}, kind+"-"+name)
}

// PreviewPath is the path of a repository's preview registry, below the registry's own: "/~/acme/widgets". What stands
// before the repository's name is one part of it, "/~/group%2Fsub/widgets"; what begins with "/-/" stays as it is.
// It is "" of what is no repository.
func PreviewPath(repository string) string {
	path, below, deeper := strings.Cut(repository, "/-/")
	slash := strings.LastIndexByte(path, '/')
	if slash <= 0 || slash == len(path)-1 {
		return ""
	}
	at := "/~/" + url.PathEscape(path[:slash]) + "/" + url.PathEscape(path[slash+1:])
	if deeper {
		at += "/-/" + below
	}
	return at
}
