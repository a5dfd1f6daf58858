package lumen

import (
	"path"
	"slices"
	"strings"
)

// patterns are those of [package].include or exclude, a part of what .gitignore knows; Pack tells which.
type patterns [][]string

func parsePatterns(key string, list []string) (patterns, error) {
	var all patterns
	for _, text := range list {
		clean := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(text, "./"), "/"), "/")
		parts := strings.Split(clean, "/")
		for _, part := range parts {
			if _, err := path.Match(part, ""); err != nil || part == "" || part == "." || part == ".." || text[0] == '!' {
				return nil, badManifest(`%s: package.%s has %.80q, which is no pattern below the package's folder; write one such as "assets/*.png" or "docs"`, manifestName, key, text)
			}
		}
		if len(parts) == 1 && !strings.HasPrefix(text, "/") {
			parts = append([]string{"**"}, parts...)
		}
		all = append(all, parts)
	}
	return all, nil
}

// match reports whether a pattern matches the file or a folder above it.
func (p patterns) match(name string) bool {
	if len(p) == 0 {
		return false
	}
	parts := strings.Split(name, "/")
	return slices.ContainsFunc(p, func(pattern []string) bool { return matchPrefix(pattern, parts) })
}

// matchPrefix reports whether the pattern matches one or more of the first parts. On a mismatch only the last "**" is tried
// again one part further, which is enough and takes no more than len(pattern) * len(parts) steps.
func matchPrefix(pattern, parts []string) bool {
	at, star, retry := 0, -1, 0
	for i := 0; ; {
		switch {
		case at == len(pattern):
			return true
		case pattern[at] == "**":
			star, retry = at, i
			at++
			if at == len(pattern) {
				return i < len(parts)
			}
			continue
		case i == len(parts):
			return false
		}
		if ok, _ := path.Match(pattern[at], parts[i]); ok {
			at++
			i++
		} else if star < 0 {
			return false
		} else {
			retry++
			at, i = star+1, retry
		}
	}
}
