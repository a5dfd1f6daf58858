package search

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	index "github.com/blevesearch/bleve_index_api"
)

// What a word weighs by where it is found.
const (
	weightWord    = 8
	weightKeyword = 5
	weightPrefix  = 4
	weightPerson  = 2
	weightText    = 1.5
	weightTypo    = 1
)

// When typos are looked for.
const (
	typoLetters = 5  // a word has so many, at least
	typoBelow   = 10 // documents have it
	typoTerms   = 50 // of those that are alike, at most
)

// view looks at the index as it is at one moment.
type view struct {
	ctx   context.Context
	r     index.IndexReader
	cards *cards
	spare *sync.Pool // of marks
	used  []*marks
	n     int // steps since ctx was looked at
}

// newMarks returns empty marks, which are given back by release.
func (v *view) newMarks() *marks {
	m, _ := v.spare.Get().(*marks)
	if m == nil {
		m = &marks{}
	}
	v.used = append(v.used, m)
	return m
}

// release ends the use of all marks.
func (v *view) release() {
	for _, m := range v.used {
		m.docs = m.docs[:0]
		clear(m.state)
		v.spare.Put(m)
	}
	v.used = nil
}

// marks are documents, by their numbers in the index, and how well each was found so far. Numbers are dense, so that
// tables are quicker than maps.
type marks struct {
	docs   []uint64  // in the order they were found
	state  []state   // by number
	weight []float64 // by number
}

// state is what is known of a document.
type state uint8

const (
	absent state = iota
	found
	foundByTypo // something of it was only found by one
)

func (m *marks) has(doc uint64) bool {
	return doc < uint64(len(m.state)) && m.state[doc] != absent
}

// at is the state and the weight of a document; nil marks are of everything.
func (m *marks) at(doc uint64) (state, float64) {
	switch {
	case m == nil:
		return found, 0
	case !m.has(doc):
		return absent, 0
	}
	return m.state[doc], m.weight[doc]
}

// put notes a document, unless it is there with as much weight.
func (m *marks) put(doc uint64, s state, weight float64) {
	if n := int(doc) + 1; n > len(m.state) {
		n += n / 2
		m.state, m.weight = append(m.state, make([]state, n-len(m.state))...), append(m.weight, make([]float64, n-len(m.weight))...)
	}
	if m.state[doc] == absent {
		m.docs = append(m.docs, doc)
	} else if m.weight[doc] >= weight {
		return
	}
	m.state[doc], m.weight[doc] = s, weight
}

// drop forgets a document.
func (m *marks) drop(doc uint64) {
	if m.has(doc) {
		m.state[doc] = absent
	}
}

var errNumber = errors.New("a document's number in the index has not 8 bytes")

// each calls f with the documents that have a term.
func (v *view) each(field, term string, f func(doc uint64)) (err error) {
	reader, err := v.r.TermFieldReader(v.ctx, []byte(term), field, false, false, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	var d index.TermFieldDoc
	for {
		next, err := reader.Next(&d)
		if err != nil || next == nil {
			return err
		}
		if len(next.ID) != 8 {
			return errNumber
		}
		f(binary.BigEndian.Uint64(next.ID))
		if err := v.step(); err != nil {
			return err
		}
	}
}

// step ends what takes too long for who asked.
func (v *view) step() error {
	if v.n++; v.n%1024 == 0 {
		return v.ctx.Err()
	}
	return nil
}

// match finds the documents that have every word and pass every filter; ok is false if there are neither.
func (v *view) match(q query) (all *marks, ok bool, err error) {
	for _, f := range q.must {
		if all, err = v.filter(all, f); err != nil {
			return nil, true, err
		}
	}
	for _, word := range q.words {
		if all, err = v.word(all, word); err != nil {
			return nil, true, err
		}
	}
	if all == nil {
		return nil, false, nil
	}
	for _, f := range q.mustNot {
		for _, term := range f.terms {
			if err := v.each(f.field, term, all.drop); err != nil {
				return nil, true, err
			}
		}
	}
	return all, true, nil
}

// filter keeps of what was found, nil is everything, what has one of the terms.
func (v *view) filter(before *marks, f filter) (*marks, error) {
	out := v.newMarks()
	for _, term := range f.terms {
		err := v.each(f.field, term, func(doc uint64) {
			if s, weight := before.at(doc); s != absent {
				out.put(doc, s, weight)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// word keeps of what was found, nil is everything, what has a word, and adds what it weighs.
func (v *view) word(before *marks, word string) (*marks, error) {
	out := v.newMarks()
	common := false // also beside what was found: whether typos are looked for depends on nothing but the word
	for _, at := range []struct {
		field  string
		term   string
		weight float64
	}{
		{fieldWord, word, weightWord}, {fieldKeyword, word, weightKeyword}, {fieldPrefix, cutRunes(word, maxPrefix), weightPrefix},
		{fieldPerson, word, weightPerson}, {fieldText, word, weightText},
	} {
		n := 0
		err := v.each(at.field, at.term, func(doc uint64) {
			n++
			if s, weight := before.at(doc); s != absent {
				out.put(doc, s, weight+at.weight)
			}
		})
		if err != nil {
			return nil, err
		}
		common = common || n >= typoBelow
	}
	if common || utf8.RuneCountInString(word) < typoLetters {
		return out, nil
	}
	alike, err := v.alike(word)
	for _, term := range alike {
		if err != nil {
			break
		}
		err = v.each(term.field, term.term, func(doc uint64) {
			if s, weight := before.at(doc); s != absent && !out.has(doc) {
				out.put(doc, foundByTypo, weight+weightTypo)
			}
		})
	}
	return out, err
}

// term is a term of a field.
type term struct{ field, term string }

// alike are the words of names and keywords that differ from a word by one letter.
func (v *view) alike(word string) (all []term, err error) {
	fuzzy, ok := v.r.(index.IndexReaderFuzzy)
	if !ok {
		return nil, nil
	}
	for _, field := range []string{fieldWord, fieldKeyword} {
		if err := v.alikeIn(fuzzy, field, word, &all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (v *view) alikeIn(fuzzy index.IndexReaderFuzzy, field, word string, all *[]term) (err error) {
	dict, err := fuzzy.FieldDictFuzzy(field, word, 1, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dict.Close()) }()
	for range typoTerms {
		entry, err := dict.Next()
		if err != nil || entry == nil {
			return err
		}
		if entry.Term != word {
			*all = append(*all, term{field, entry.Term})
		}
	}
	return nil
}

// ofKinds are all documents of some kinds.
func (v *view) ofKinds(kinds []Kind) (*marks, error) {
	var terms []string
	for _, k := range kinds {
		terms = append(terms, string(k))
	}
	return v.filter(nil, filter{fieldKind, terms})
}

// ranked is a document that was found, with what decides about its place.
type ranked struct {
	class int // 2: exactly the name, 1: all words, 0: by a typo
	score float64
	id    string
}

// compare puts what comes first to the front.
func (a ranked) compare(b ranked) int {
	switch {
	case a.class != b.class:
		return b.class - a.class
	case a.score > b.score:
		return -1
	case a.score < b.score:
		return 1
	}
	return compareIDs(a.id, b.id)
}

// rank orders what was found, if it is of one of the kinds. It returns the first most of them, and how many there are.
func (v *view) rank(all *marks, q query, kinds []Kind, today, most int) (top []ranked, total int, err error) {
	deck, err := v.cards.deck(v)
	if err != nil {
		return nil, 0, err
	}
	worst := ranked{class: -1}
	keep := func() {
		slices.SortFunc(top, ranked.compare)
		if len(top) >= most && most > 0 {
			top, worst = top[:most], top[most-1]
		}
	}
	for _, doc := range all.docs {
		if err := v.step(); err != nil {
			return nil, 0, err
		}
		c, ok := deck.at(doc)
		if !ok || !all.has(doc) || !slices.Contains(kinds, c.kind) {
			continue
		}
		total++
		if r := q.judge(c, all.state[doc], all.weight[doc], today); worst.class < 0 || r.compare(worst) < 0 {
			top = append(top, r)
		}
		if len(top) >= 2*most+64 {
			keep()
		}
	}
	keep()
	return top, total, nil
}

// judge tells the place of a document. Scores are rounded, so that they are equal where they should be.
func (q query) judge(c *card, s state, weight float64, today int) ranked {
	r := ranked{class: 1, score: c.worth(today), id: c.id}
	if s == foundByTypo {
		r.class = 0
	}
	if n := len(q.words); n > 0 {
		text := weight / float64(n) * (0.6 + 0.4*min(1, float64(n)/float64(c.words)))
		switch {
		case c.name == q.name:
			r.class = 2
		case plain(c.name) == q.name:
			text *= 2
		case begins(c.name, q.name):
			text *= 1.5
		}
		r.score *= text
	}
	r.score = math.Round(r.score*1e6) / 1e6
	return r
}

// begins reports whether a name, or the part behind its scope, begins with what was typed.
func begins(name, typed string) bool {
	return strings.HasPrefix(strings.TrimPrefix(name, "@"), strings.TrimPrefix(typed, "@")) || strings.HasPrefix(plain(name), typed)
}

// compareIDs orders by name, then by kind.
func compareIDs(a, b string) int {
	kindA, keyA := partID(a)
	kindB, keyB := partID(b)
	return cmp.Or(cmp.Compare(keyA, keyB), cmp.Compare(kindA, kindB))
}
