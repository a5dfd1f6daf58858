package packlist

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// alphabet is printable ASCII in the order of CLDR's root collation. A letter's
// two cases are one step, told apart only in otherwise equal names.
const alphabet = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ"

// collator compares names as JavaScript's localeCompare(…, "en") does.
// Characters that are newer than Unicode 6.2 come last, by code point.
type collator struct {
	primary [128]uint8 // 0: not printable
	full    *collate.Collator
}

func newCollator() *collator {
	c := &collator{}
	for i := range len(alphabet) {
		c.primary[alphabet[i]] = uint8(i + 1)
		if b := alphabet[i]; 'A' <= b && b <= 'Z' {
			c.primary[b] = uint8(i) // its small letter's
		}
	}
	return c
}

func (c *collator) compare(a, b string) int {
	if a == b {
		return 0
	}
	if order, ok := c.compareASCII(a, b); ok {
		return order
	}
	if c.full == nil {
		c.full = collate.New(language.English)
	}
	return c.full.CompareString(a, b)
}

// compareASCII compares printable ASCII. Small letters come first in names that
// differ in case only.
func (c *collator) compareASCII(a, b string) (order int, ok bool) {
	letterCase := 0
	for i := range max(len(a), len(b)) {
		var x, y uint8
		if i < len(a) {
			if a[i] >= 128 || c.primary[a[i]] == 0 {
				return 0, false
			}
			x = c.primary[a[i]]
		}
		if i < len(b) {
			if b[i] >= 128 || c.primary[b[i]] == 0 {
				return 0, false
			}
			y = c.primary[b[i]]
		}
		if order == 0 {
			order = cmp.Compare(x, y)
		}
		if order == 0 && letterCase == 0 {
			letterCase = cmp.Compare(b[i], a[i]) // 'a' is above 'A' in ASCII
		}
	}
	if order != 0 {
		return order, true
	}
	return letterCase, true
}

// sortKey is what a file is sorted by.
type sortKey struct {
	extension, base, path string
	file                  File
}

// Sort sorts files as npm does, for compression's sake: by extension, then
// by name, both in lower case, then by path.
func Sort(files []File) {
	keys := make([]*sortKey, len(files))
	for i, f := range files {
		keys[i] = newSortKey(f)
	}
	c := newCollator()
	slices.SortFunc(keys, func(a, b *sortKey) int {
		if order := c.compare(a.extension, b.extension); order != 0 {
			return order
		}
		if order := c.compare(a.base, b.base); order != 0 {
			return order
		}
		return cmp.Or(c.compare(a.path, b.path), strings.Compare(a.path, b.path))
	})
	for i, k := range keys {
		files[i] = k.file
	}
}

func newSortKey(f File) *sortKey {
	base := f.Path[strings.LastIndexByte(f.Path, '/')+1:]
	k := &sortKey{base: toLower(base), path: f.Path, file: f}
	if dot := strings.LastIndexByte(base, '.'); dot > 0 {
		k.extension = toLower(base[dot:])
	}
	if strings.HasPrefix(k.path, "@") {
		k.path = "./" + k.path
	}
	return k
}

func toLower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return cases.Lower(language.Und).String(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 128 {
			return false
		}
	}
	return true
}
