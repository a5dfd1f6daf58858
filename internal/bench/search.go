package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/search"
)

// What the search is measured with.
const (
	searchPackages = 100_000
	searchQueries  = 5_000
	searchTarget   = 20 * time.Millisecond
)

// shelf is packages with made-up names, the same each time. Words are as unevenly spread as people's.
type shelf struct {
	words []string
	zipf  *rand.Zipf
	all   []search.Document
}

func newShelf(n int) *shelf {
	r := rand.New(rand.NewPCG(1, 2))
	s := &shelf{zipf: rand.NewZipf(r, 1.1, 8, 7999)}
	syllables := []string{"ba", "re", "ti", "mo", "lu", "ka", "ser", "no", "vel", "qui", "do", "pra", "xi", "fun", "gel", "hy", "jo", "wen"}
	for i := range 8000 {
		var word strings.Builder
		for j := i + 18; j > 0; j /= len(syllables) {
			word.WriteString(syllables[j%len(syllables)])
		}
		s.words = append(s.words, word.String())
	}
	now := time.Now()
	for i := range n {
		name := s.pick() + "-" + s.pick()
		if r.IntN(3) == 0 {
			name = "@" + s.pick() + "/" + name
		}
		name += fmt.Sprint("-", i)
		d := search.Document{
			Kind: search.NPM, Key: name, Name: name, Version: "1.0.0", Publisher: s.pick(), Modified: now.AddDate(0, 0, -r.IntN(2000)),
			Keywords: []string{s.pick(), s.pick(), s.pick()}, Author: s.pick() + " " + s.pick(),
		}
		for range 12 {
			d.Description += s.pick() + " "
		}
		if i%20 == 0 {
			d.Kind = search.Kinds()[1+i/20%3]
		}
		s.all = append(s.all, d)
	}
	return s
}

func (s *shelf) pick() string { return s.words[s.zipf.Uint64()] }

// Read implements search.Source; nothing changes.
func (s *shelf) Read(context.Context, string) (search.Document, bool, error) {
	return search.Document{}, false, errors.New("nothing changes here")
}

// List implements search.Source.
func (s *shelf) List(context.Context) iter.Seq2[search.Document, error] {
	return func(yield func(search.Document, error) bool) {
		for _, d := range s.all {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// ofKind is the part of a shelf that a kind has.
func (s *shelf) ofKind(k search.Kind) *shelf {
	return &shelf{all: slices.DeleteFunc(slices.Clone(s.all), func(d search.Document) bool { return d.Kind != k })}
}

// Monthly implements search.Popularity.
func (s *shelf) Monthly(_ context.Context, _ search.Kind, name string) (int64, error) {
	return int64(len(name)*len(name)) % 97 * 100, nil
}

// query is one of what people type: names, words, beginnings, typos, filters.
func (s *shelf) query(i int) string {
	d, word := s.all[i*7919%len(s.all)], s.pick()
	switch i % 10 {
	case 0:
		return d.Name
	case 1, 2:
		return word
	case 3:
		return word + " " + s.pick()
	case 4:
		return word[:min(3, len(word))]
	case 5:
		return word[:min(2, len(word))]
	case 6:
		return strings.Replace(word+"x", word[1:2], "", 1) // a letter is missing, one is too many
	case 7:
		return "keywords:" + word + " kind:npm"
	case 8:
		return "author:" + word
	}
	return "kind:zig"
}

func measureSearch(ctx context.Context, b *bench, dir string) (t table, err error) {
	stock := newShelf(searchPackages)
	sources := map[search.Kind]search.Source{}
	for _, k := range search.Kinds() {
		sources[k] = stock.ofKind(k)
	}
	before := heap()
	began := time.Now()
	s, err := search.Open(filepath.Join(dir, "search"), sources, search.Options{Popularity: stock})
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for !s.Complete() {
		select {
		case <-ctx.Done():
			return t, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	built := time.Since(began)
	var took []time.Duration
	for i := range searchQueries {
		text := stock.query(i)
		start := time.Now()
		if _, err := s.Search(ctx, search.Query{Text: text, From: i % 3 * 20, Size: 20}); err != nil {
			return t, fmt.Errorf("searching for %q: %w", text, err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	memory := heap() - before
	disk, err := sizeOf(dir)
	if err != nil {
		return t, err
	}
	runtime.KeepAlive(stock)
	t.Title = "a search among 100,000 packages"
	t.aim("99 of 100 searches take at most", took[len(took)*99/100].Seconds(), seconds, atMost, searchTarget.Seconds())
	t.add("half of them", took[len(took)/2].Seconds(), seconds)
	t.add("the longest", took[len(took)-1].Seconds(), seconds)
	t.add("making the index anew", built.Seconds(), seconds)
	t.add("the index on disk", float64(disk), bytesOf)
	t.add("memory in use for it", float64(memory), bytesOf)
	t.note("one after the other: names, words, two words, beginnings of two and three letters, typos, keywords, authors, and a kind alone")
	return t, nil
}

// sizeOf is the bytes of the files in a folder.
func sizeOf(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// heap is the bytes that are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
