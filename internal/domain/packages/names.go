package packages

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/kv"
)

// The bounds of a Summary; all of them are read for a search.
const (
	maxDescription  = 512 // bytes
	maxKeywords     = 20
	maxKeyword      = 64  // bytes
	maxAuthor       = 128 // bytes
	maxDependencies = 200
)

// nameOps write what lists and searches show of a package whose latest version is in row.
func (s *Service) nameOps(p pkg, row versionRow) ([]kv.Op, error) {
	m := row.Manifest
	value, err := plainJSON(Summary{
		Name: p.name, Version: row.Version, Owners: p.Owners, Date: row.PublishedAt, Restricted: p.Restricted,
		Description: cut(m.Text("description"), maxDescription), Keywords: keywordsOf(m.Get("keywords")),
		Author: authorOf(m), Publisher: row.Publisher, Dependencies: dependenciesOf(m),
	})
	return []kv.Op{kv.Put(kv.Row{Key: nameKey(p.name), Value: value})}, err
}

// latestOps is nameOps where something else than the latest version changes.
func (s *Service) latestOps(ctx context.Context, p pkg) ([]kv.Op, error) {
	if p.Versions == 0 {
		return nil, nil
	}
	row, err := s.readVersion(ctx, p, latest)
	if err != nil {
		return nil, err
	}
	return s.nameOps(p, row)
}

func keywordsOf(raw json.RawMessage) []string {
	var all []any // npm does not check what is in it
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	var out []string
	for _, k := range all {
		if text, ok := k.(string); ok && text != "" && len(text) <= maxKeyword && len(out) < maxKeywords {
			out = append(out, text)
		}
	}
	return out
}

// authorOf is the author's name: package.json has "name <email> (url)" or an object.
func authorOf(m packument.Object) string {
	text := m.Text("author")
	if author, err := packument.ParseObject(m.Get("author")); err == nil {
		text = author.Text("name")
	}
	if i := strings.IndexAny(text, "<("); i >= 0 {
		text = text[:i]
	}
	return cut(strings.TrimSpace(text), maxAuthor)
}

// dependenciesOf are the names of the packages that whoever installs a version may get with it.
func dependenciesOf(m packument.Object) []string {
	var names []string
	for _, field := range []string{"dependencies", "peerDependencies", "optionalDependencies"} {
		members, err := packument.ParseObject(m.Get(field))
		if err != nil {
			continue
		}
		for _, d := range members {
			if len(names) == maxDependencies {
				return names
			}
			if name := dependencyOf(d); npm.ValidName(name) == nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// dependencyOf is the name of a package that is depended on: of an alias, npm:name@range, the one it stands for.
func dependencyOf(d packument.Member) string {
	var spec string
	if json.Unmarshal(d.Value, &spec) != nil {
		return d.Key
	}
	if alias, ok := strings.CutPrefix(spec, "npm:"); ok {
		if i := strings.LastIndexByte(alias, '@'); i > 0 {
			return alias[:i]
		}
	}
	return d.Key
}

// List yields the packages by name, after the given one.
func (s *Service) List(ctx context.Context, after string) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		if after != "" && nameKey(after).Validate() != nil {
			yield(Summary{}, fault.New(fault.Invalid, "%.40q is no name of a package to go on after", after))
			return
		}
		for row, err := range s.db.Scan(ctx, namesPartition, kv.Query{After: after}) {
			var sum Summary
			if err == nil {
				sum, err = decodeSummary(row)
			}
			if !yield(sum, err) || err != nil {
				return
			}
		}
	}
}

// Summary reads what List has of one package; fault.NotFound if it is not in there.
func (s *Service) Summary(ctx context.Context, name string) (Summary, error) {
	if npm.ValidName(name) != nil {
		return Summary{}, absent(name)
	}
	row, err := s.db.Get(ctx, nameKey(name))
	if errors.Is(err, kv.ErrNotFound) {
		return Summary{}, absent(name)
	}
	if err != nil {
		return Summary{}, err
	}
	return decodeSummary(row)
}

func decodeSummary(row kv.Row) (Summary, error) {
	var sum Summary
	if err := json.Unmarshal(row.Value, &sum); err != nil {
		return sum, fmt.Errorf("decoding row %s: %w", row.Key, err)
	}
	return sum, nil
}

// The bounds of a search.
const (
	maxSearchText = 256
	maxWords      = 10
	maxFound      = 250
	maxFrom       = 10_000
	defaultFound  = 20
)

// Search finds packages by name, description and keywords, which must have every word of the text:
// exact names first, then those that begin with the text, then the rest, each by name. total counts
// all. An empty text finds all. size is 20 if not given and at most 250; from is at most 10,000.
func (s *Service) Search(ctx context.Context, text string, from, size int) (found []Summary, total int, err error) {
	from, size = min(max(from, 0), maxFrom), min(size, maxFound)
	if size <= 0 {
		size = defaultFound
	}
	q := newQuery(text)
	var ranked [3][]Summary
	for row, err := range s.db.Scan(ctx, namesPartition, kv.Query{}) {
		if err != nil {
			return nil, 0, err
		}
		if !q.mayMatch(row.Value) {
			continue
		}
		sum, err := decodeSummary(row)
		if err != nil {
			return nil, 0, err
		}
		rank, ok := q.match(sum)
		if !ok {
			continue
		}
		total++
		if len(ranked[rank]) < from+size { // more are never shown
			ranked[rank] = append(ranked[rank], sum)
		}
	}
	all := slices.Concat(ranked[:]...)
	return all[min(from, len(all)):min(from+size, len(all))], total, nil
}

// query is what is searched for, in lower case.
type query struct {
	text  string
	words []string
	raw   [][]byte // the words as they stand in a row
}

func newQuery(text string) query {
	q := query{text: strings.ToLower(strings.TrimSpace(cut(text, maxSearchText)))}
	q.words = strings.Fields(q.text)
	q.words = q.words[:min(len(q.words), maxWords)]
	for _, w := range q.words {
		if raw, err := plainJSON(w); err == nil {
			q.raw = append(q.raw, raw[1:len(raw)-1]) // without its quotes
		}
	}
	return q
}

// mayMatch rules most rows out before they are decoded.
func (q query) mayMatch(row []byte) bool {
	if len(q.raw) == 0 {
		return true
	}
	row = bytes.ToLower(row)
	return !slices.ContainsFunc(q.raw, func(w []byte) bool { return !bytes.Contains(row, w) })
}

// match reports whether a package has every word, and how far in front it is shown.
func (q query) match(sum Summary) (rank int, ok bool) {
	name := strings.ToLower(sum.Name)
	text := strings.ToLower(sum.Name + "\n" + sum.Description + "\n" + strings.Join(sum.Keywords, "\n"))
	for _, w := range q.words {
		if !strings.Contains(text, w) {
			return 0, false
		}
	}
	switch {
	case q.text == "":
		return 2, true
	case name == q.text:
		return 0, true
	case strings.HasPrefix(name, q.text):
		return 1, true
	}
	return 2, true
}
