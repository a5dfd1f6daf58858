package glob

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldRune maps r as JavaScript's case-insensitive regular expressions do
// without the u flag: to upper case, but never from outside ASCII into it.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	if u := unicode.ToUpper(r); u >= utf8.RuneSelf {
		return u
	}
	return r
}

// foldRuneUnicode is foldRune with the u flag: Unicode's simple case folding.
func foldRuneUnicode(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}

func fold(s string) string { return strings.Map(foldRune, s) }

// foldEqual reports whether s folds to folded.
func foldEqual(folded, s string) bool {
	i := 0
	for _, r := range s {
		f, size := utf8.DecodeRuneInString(folded[i:])
		if size == 0 || f != foldRune(r) {
			return false
		}
		i += size
	}
	return i == len(folded)
}
