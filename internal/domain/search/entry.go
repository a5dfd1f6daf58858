package search

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/document"
	index "github.com/blevesearch/bleve_index_api"
)

// The fields of the index. Each but the last two holds terms, made here.
const (
	fieldKind    = "kind"
	fieldWord    = "word"    // words of the name
	fieldPrefix  = "prefix"  // beginnings of the words of the name, of two letters or more, and the first of the name
	fieldKeyword = "keyword" // words of keywords
	fieldTag     = "tag"     // keywords
	fieldPerson  = "person"  // words of all people's names
	fieldAuthor  = "author"  // the author's name and its words, and who published
	fieldOwner   = "owner"
	fieldScope   = "scope"
	fieldDepends = "depends" // names of dependencies, as they are written
	fieldText    = "text"    // words of the description, and of the names of a repository's packages
	fieldCard    = "card"    // see card
	fieldBody    = "body"    // the Document
)

const maxTerm = 64 // characters of names of people and of keywords

// entryOf makes what the index has of a document.
func entryOf(d Document) (*document.Document, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	e := document.NewDocument(d.id())
	name := fold(d.Name)
	words := wordsOf(d.Name, maxNameWords)
	add := func(field string, terms []string) {
		if len(terms) > 0 {
			e.AddField(document.NewTextFieldCustom(field, nil, []byte(strings.Join(terms, "\n")), index.IndexField|index.SkipFreqNorm, lines{}))
		}
	}
	var tags, keywords, people, owners []string
	prefixes := append(beginnings(strings.TrimPrefix(name, "@"), 1, 1), beginnings(plain(name), 1, 1)...)
	for _, w := range words {
		prefixes = append(prefixes, beginnings(w, 2, maxPrefix)...)
	}
	for _, k := range d.Keywords {
		tags, keywords = append(tags, cutRunes(fold(k), maxTerm)), append(keywords, wordsOf(k, maxTextWords)...)
	}
	for _, o := range d.Owners {
		owners = append(owners, cutRunes(fold(o), maxTerm))
	}
	for _, p := range append([]string{d.Author, d.Publisher}, d.Owners...) {
		people = append(people, wordsOf(p, maxWords)...)
	}
	author := append(wordsOf(d.Author, maxWords), cutRunes(fold(d.Author), maxTerm), cutRunes(fold(d.Publisher), maxTerm))
	text := wordsOf(d.Description, maxTextWords)
	text = append(text, wordsOf(strings.Join(d.Packages, " "), maxNameWords)...)
	add(fieldKind, []string{string(d.Kind)})
	add(fieldWord, words)
	add(fieldPrefix, prefixes)
	add(fieldTag, tags)
	add(fieldKeyword, keywords)
	add(fieldPerson, people)
	add(fieldAuthor, slices.DeleteFunc(author, func(a string) bool { return a == "" }))
	add(fieldOwner, owners)
	if scope := scopeOf(name); scope != "" {
		add(fieldScope, []string{strings.TrimPrefix(scope, "@")})
	}
	add(fieldDepends, d.Depends)
	add(fieldText, slices.DeleteFunc(text, dull))
	e.AddField(document.NewTextFieldCustom(fieldCard, nil, cardOf(d, len(words)), index.IndexField|index.DocValues|index.SkipFreqNorm, lines{}))
	e.AddField(document.NewTextFieldCustom(fieldBody, nil, body, index.StoreField, nil))
	return e, nil
}

// lines is the analyzer of terms that stand on lines.
type lines struct{}

// Analyze implements analysis.Analyzer.
func (lines) Analyze(text []byte) analysis.TokenStream {
	var stream analysis.TokenStream
	seen := map[string]bool{}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if !seen[string(line)] {
			seen[string(line)] = true
			stream = append(stream, &analysis.Token{Term: line, Position: len(stream) + 1, End: len(line)})
		}
	}
	return stream
}

// cardOf writes the card of a document, see card.
func cardOf(d Document, words int) []byte {
	day := min(max(dayOf(d.Modified), 0), 99_999)
	downloads := min(int(math.Round(10*math.Log10(1+float64(max(d.Downloads, 0))))), 99)
	return fmt.Appendf(nil, "%05d%02d%d%s", day, downloads, min(max(words, 1), 9), d.id())
}

// worth is how much more a document counts for being used, and for being new.
func (c *card) worth(today int) float64 {
	age := float64(max(today-int(c.day), 0))
	return (1 + float64(c.downloads)/40) * (0.8 + 0.2*math.Exp2(-age/365))
}

func dayOf(t time.Time) int {
	if t.IsZero() {
		return 0
	}
	return int(t.Unix() / (24 * 60 * 60))
}
