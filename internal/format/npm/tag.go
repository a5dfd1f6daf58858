package npm

import "strings"

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
