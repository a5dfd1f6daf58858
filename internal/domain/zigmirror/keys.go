package zigmirror

import "strings"

// key is the place's in the cache, and in all that is remembered of it. No part of a checked place has a line break.
func (p Place) key() string {
	return "zig\n" + strings.Join([]string{p.Host, p.Owner, p.Repo, p.Ref}, "\n")
}
