package zig

import "slices"

// Best is the form of the hash that most of a package's compilers take, and the others of them, which
// want the other form. Of two forms that are taken by as many it is the newer.
func (h Hashes) Best(compilers []string) (hash string, others []string) {
	noLegacy, noNew := []string{}, []string{}
	for _, v := range compilers {
		switch minor := slices.Index(Versions, v) + oldest; {
		case minor >= 16:
			noLegacy = append(noLegacy, v)
		case minor <= 13:
			noNew = append(noNew, v)
		}
	}
	if len(noNew) > len(noLegacy) {
		return h.Legacy, noLegacy
	}
	return h.Hash, noNew
}
