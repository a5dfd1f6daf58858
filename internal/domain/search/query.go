package search

import (
	"slices"
	"strings"
	"unicode"
)

// The bounds of what is typed; what is beyond them is not looked at.
const (
	maxText    = 512 // characters
	maxWords   = 10
	maxFilters = 10
	maxValues  = 10 // of a filter
)

// query is what was typed, as it is understood.
type query struct {
	name    string   // the words as a name, folded
	words   []string // every one must be found
	kinds   []Kind   // nil: not said
	must    []filter
	mustNot []filter
}

// filter asks for documents that have one of some terms.
type filter struct {
	field string
	terms []string
}

// filterFields are the filters by the fields they look at. kind is read by itself.
var filterFields = map[string]string{
	"scope": fieldScope, "author": fieldAuthor, "maintainer": fieldOwner, "owner": fieldOwner, "publisher": fieldAuthor,
	"keywords": fieldTag, "keyword": fieldTag, "depends": fieldDepends,
}

// ignored are what other registries have as filters, and this one does not.
var ignored = map[string]bool{"is": true, "not": true, "boost-exact": true, "sort": true, "quality-weight": true, "popularity-weight": true, "maintenance-weight": true}

// parse reads a text: words, parted by white space, and filters:
//
//	kind:zig            documents of a kind; kind:zig,npm of either
//	scope:@acme         names in a scope, with or without the @, or an owner's repositories
//	author:alice        by the author, or by who published the latest version
//	maintainer:alice    by an owner
//	keywords:a,b        with either keyword; a+b with both, -a without it
//	depends:NAME        what needs a package, by its whole name; a,b and a+b as of keywords
//	is:…, not:…         are taken for granted
//
// Quotes and all other signs are white space between words; no text is an error.
func parse(text string) query {
	var q query
	var typed []string
	text = cutRunes(strings.ToValidUTF8(text, " "), maxText)
	for chunk := range strings.FieldsFuncSeq(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"'*?~^`, r)
	}) {
		name, value, colon := strings.Cut(chunk, ":")
		name = strings.ToLower(name)
		switch {
		case colon && ignored[name]:
		case colon && name == "kind":
			q.addKinds(value)
		case colon && filterFields[name] != "":
			q.addFilter(filterFields[name], value)
		default:
			typed = append(typed, chunk)
		}
	}
	q.name = fold(strings.Join(typed, "-"))
	q.addWords(strings.Join(typed, " "))
	return q
}

func (q *query) addWords(text string) {
	words := wordsOf(text, 2*maxWords)
	if sharp := slices.DeleteFunc(slices.Clone(words), dull); len(sharp) > 0 {
		words = sharp
	}
	q.words = words[:min(len(words), maxWords)]
}

// addKinds notes the kinds that are named; one that there is not finds nothing.
func (q *query) addKinds(value string) {
	if q.kinds == nil {
		q.kinds = []Kind{}
	}
	n := 0
	for name := range strings.SplitSeq(strings.ToLower(value), ",") {
		if k := Kind(name); slices.Contains(Kinds(), k) && !slices.Contains(q.kinds, k) {
			q.kinds = append(q.kinds, k)
		}
		if n++; n == maxValues {
			return
		}
	}
}

func (q *query) addFilter(field, value string) {
	if len(q.must)+len(q.mustNot) >= maxFilters {
		return
	}
	for part := range strings.SplitSeq(value, "+") {
		var yes, no filter
		for term := range strings.SplitSeq(part, ",") {
			term, not := strings.CutPrefix(term, "-")
			if term = filterTerm(field, term); term == "" || len(yes.terms)+len(no.terms) >= maxValues {
				continue
			}
			if not {
				no.terms = append(no.terms, term)
			} else {
				yes.terms = append(yes.terms, term)
			}
		}
		yes.field, no.field = field, field
		if len(yes.terms) > 0 && len(q.must) < maxFilters {
			q.must = append(q.must, yes)
		}
		if len(no.terms) > 0 && len(q.mustNot) < maxFilters {
			q.mustNot = append(q.mustNot, no)
		}
	}
}

// filterTerm is a filter's value as the index has it.
func filterTerm(field, value string) string {
	if field == fieldDepends {
		return value // names that differ in case are different packages
	}
	value = cutRunes(fold(value), maxTerm)
	if field == fieldScope {
		return strings.TrimSuffix(strings.TrimPrefix(value, "@"), "/")
	}
	return value
}

// NamesKind reports whether a text has a filter for kinds.
func NamesKind(text string) bool { return parse(text).kinds != nil }

// only are the kinds that a caller and the text both want; none: nothing can be found.
func (q query) only(kinds []Kind) []Kind {
	if len(kinds) == 0 {
		kinds = Kinds()
	}
	if q.kinds == nil {
		return kinds
	}
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return !slices.Contains(q.kinds, k) })
}
