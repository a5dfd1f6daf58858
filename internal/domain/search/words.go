package search

import (
	"slices"
	"strings"
	"unicode"
)

// The bounds of what is indexed of a document.
const (
	maxWord      = 40   // characters of a word
	maxTextWords = 100  // of a description
	maxNameWords = 2000 // of a repository's packages
	maxPrefix    = 16   // characters of the beginnings of words
)

// fold is what spellings of a name or word have in common.
func fold(text string) string { return strings.ReplaceAll(strings.ToLower(text), "_", "-") }

// wordsOf parts a text at what is neither letter nor digit, and where camelCase begins a word; each word once, in lower
// case. Of a word in camelCase there are the parts and the whole.
func wordsOf(text string, limit int) []string {
	var words []string
	seen := map[string]bool{}
	add := func(w string) {
		w = cutRunes(strings.ToLower(w), maxWord)
		if w != "" && !seen[w] && len(words) < limit {
			seen[w] = true
			words = append(words, w)
		}
	}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
		if len(words) >= limit {
			break
		}
		add(part)
		if humps := camel(part); len(humps) > 1 {
			for _, w := range humps {
				add(w)
			}
		}
	}
	return words
}

// camel parts a word before each upper-case letter that follows a lower-case one or a digit.
func camel(word string) []string {
	var parts []string
	begin, last := 0, rune(0)
	for i, r := range word {
		if unicode.IsUpper(r) && (unicode.IsLower(last) || unicode.IsDigit(last)) {
			parts = append(parts, word[begin:i])
			begin = i
		}
		last = r
	}
	return append(parts, word[begin:])
}

func cutRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// beginnings are the beginnings of a text that have from least to most characters.
func beginnings(text string, least, most int) []string {
	var all []string
	n := 0
	for i := range text {
		if n >= least {
			all = append(all, text[:i])
		}
		if n++; n > most {
			return all
		}
	}
	if n >= least {
		all = append(all, text)
	}
	return all
}

// scopeOf is "@acme" of "@acme/utils", and of a repository its owner; "" if there is none.
func scopeOf(name string) string {
	scope, _, ok := strings.Cut(name, "/")
	if !ok {
		return ""
	}
	return scope
}

// plain is a name without its scope.
func plain(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// dull are words that every description has.
func dull(word string) bool {
	_, ok := slices.BinarySearch(dullWords[:], word)
	return ok
}

var dullWords = [...]string{"a", "an", "and", "are", "as", "at", "be", "by", "can", "for", "from", "has", "in", "is", "it", "its", "of", "on", "or", "that", "the", "this", "to", "was", "with", "you", "your"}
