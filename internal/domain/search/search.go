package search

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	index "github.com/blevesearch/bleve_index_api"

	"github.com/org/registry-action/internal/fault"
)

// maxBrowsed bounds the answers to searches for everything that are remembered.
const maxBrowsed = 16

// browsed is the beginning of all documents of some kinds, as of a state of the index.
type browsed struct {
	state string // see stateOf
	today int
	top   []ranked
	total int
}

// Search finds documents. fault.Unavailable only if the index is just being made anew, which then takes a moment.
func (s *Service) Search(ctx context.Context, query Query) (Found, error) {
	q := parse(query.Text)
	return s.answer(ctx, q, q.only(query.Kinds), query.From, query.Size)
}

// Dependents finds the packages of a kind that depend on the one with a name: first those that are used most, size of them
// after the first from, within the bounds of a Search. Errors are those of Search.
func (s *Service) Dependents(ctx context.Context, kind Kind, name string, from, size int) (Found, error) {
	q := query{must: []filter{{fieldDepends, []string{name}}}}
	return s.answer(ctx, q, []Kind{kind}, from, size)
}

func (s *Service) answer(ctx context.Context, q query, kinds []Kind, from, size int) (found Found, err error) {
	from, size = min(max(from, 0), maxFrom), min(max(size, 0), maxSize)
	err = s.read(ctx, func(r index.IndexReader) error {
		v := &view{ctx: ctx, r: r, cards: &s.cards, spare: &s.spare}
		defer v.release()
		top, total, err := s.top(v, q, kinds, from+size)
		if err != nil {
			return err
		}
		top = top[min(from, len(top)):min(from+size, len(top))]
		found = Found{Documents: make([]Document, 0, len(top)), Total: total}
		for _, t := range top {
			d, ok, err := stored(r, t.id)
			if err != nil {
				return err
			}
			if ok {
				found.Documents = append(found.Documents, d)
			}
		}
		return nil
	})
	return found, err
}

// Suggest finds documents for what somebody is typing: the last word may be the beginning of one. At most limit.
func (s *Service) Suggest(ctx context.Context, text string, kinds []Kind, limit int) ([]Document, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	found, err := s.Search(ctx, Query{Text: text, Kinds: kinds, Size: limit})
	return found.Documents, err
}

// top is the first of what a query finds.
func (s *Service) top(v *view, q query, kinds []Kind, most int) ([]ranked, int, error) {
	if len(kinds) == 0 {
		return nil, 0, nil
	}
	today := dayOf(s.opt.Now())
	found, asked, err := v.match(q)
	if err != nil {
		return nil, 0, err
	}
	if !asked {
		return s.browse(v, kinds, today)
	}
	return v.rank(found, q, kinds, today, most)
}

// browse is the first of all documents of some kinds; it is remembered until the index changes.
func (s *Service) browse(v *view, kinds []Kind, today int) ([]ranked, int, error) {
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	slices.Sort(names)
	name := strings.Join(names, ",")
	state, err := stateOf(v.r)
	if err != nil {
		return nil, 0, err
	}
	s.browsing.Lock()
	defer s.browsing.Unlock() // others wait for it
	if b, ok := s.browsed[name]; ok && b.state == state && b.today == today {
		return b.top, b.total, nil
	}
	found, err := v.ofKinds(kinds)
	if err != nil {
		return nil, 0, err
	}
	top, total, err := v.rank(found, query{}, kinds, today, maxFrom+maxSize)
	if err != nil {
		return nil, 0, err
	}
	if s.browsed == nil || len(s.browsed) >= maxBrowsed {
		s.browsed = map[string]browsed{}
	}
	s.browsed[name] = browsed{state, today, top, total}
	return top, total, nil
}

// read looks at the index. Whatever goes wrong while nobody has given up means that it is damaged: it is then made anew.
func (s *Service) read(ctx context.Context, look func(r index.IndexReader) error) (err error) {
	s.opened.RLock()
	defer s.opened.RUnlock()
	rebuilding := fault.New(fault.Unavailable, "the search index is being made anew; send the request again in a minute").WithCode("search_rebuilding")
	if s.index == nil {
		return rebuilding
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("searching: %v\n%s", p, debug.Stack())
		}
		if err != nil && ctx.Err() == nil {
			s.damage(err)
			err = fault.Wrap(err, fault.Unavailable, "%s", rebuilding.Message).WithCode(rebuilding.Code)
		}
	}()
	advanced, err := s.index.Advanced()
	if err != nil {
		return err
	}
	r, err := advanced.Reader()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	return look(r)
}

// stored reads a document of the index.
func stored(r index.IndexReader, id string) (d Document, ok bool, err error) {
	doc, err := r.Document(id)
	if err != nil || doc == nil {
		return d, false, err
	}
	doc.VisitFields(func(f index.Field) {
		if f.Name() == fieldBody {
			ok, err = true, json.Unmarshal(f.Value(), &d)
		}
	})
	return d, ok, err
}
