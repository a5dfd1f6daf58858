package search

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"slices"
	"time"

	"github.com/blevesearch/bleve/v2"
	index "github.com/blevesearch/bleve_index_api"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/store/feed"
)

const (
	batchSize    = 500              // documents
	keepSeen     = 10 * time.Minute // how often the position is written when nothing else is
	tellProgress = 10_000           // documents of a walk
	walkLook     = time.Minute      // how often is looked whether a walk is due
)

// follow takes in what the feed says.
func (s *Service) follow(ctx context.Context, changes []feed.Change, seen time.Time) error {
	for group := range slices.Chunk(changes, batchSize) {
		if err := s.takeIn(ctx, group); err != nil {
			return err
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.position.Seen = seen
	if seen.Sub(s.kept) < keepSeen {
		return nil
	}
	return s.put(ctx, s.newBatch(), nil)
}

// takeIn reads what has become of some documents, and indexes it.
func (s *Service) takeIn(ctx context.Context, changes []feed.Change) error {
	s.writing.Lock() // before they are read: who reads later writes later
	defer s.writing.Unlock()
	known := map[feed.Change]bool{}
	var there []Document
	b := s.newBatch()
	for _, c := range changes {
		source := s.sources[Kind(c.Kind)]
		if known[c] || source == nil { // a kind of a later version of this program
			continue
		}
		known[c] = true
		d, ok, err := source.Read(ctx, c.Name)
		if err != nil {
			return err
		}
		id := Document{Kind: Kind(c.Kind), Key: c.Name}.id()
		if s.touched != nil {
			s.touched[id] = true
		}
		if ok {
			there = append(there, d)
		} else if b != nil {
			b.Delete(id)
		}
	}
	if err := s.count(ctx, there); err != nil {
		return err
	}
	return s.put(ctx, b, there)
}

// atOnce bounds the packages whose downloads are read at a time.
const atOnce = 16

// maxPopular is how many packages of a repository make it popular.
const maxPopular = 10

// count sets the downloads of documents; to -1 where they can't be read.
func (s *Service) count(ctx context.Context, all []Document) error {
	if s.opt.Popularity == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range all {
		g.Go(func() error {
			d := &all[i]
			names := []string{d.Name}
			if d.Kind == Commit { // of which packages are downloaded
				names = d.Packages[:min(len(d.Packages), maxPopular)]
			}
			d.Downloads = 0
			for _, name := range names {
				n, err := s.opt.Popularity.Monthly(ctx, d.Kind, name)
				if err != nil {
					d.Downloads = -1
					break
				}
				d.Downloads += n
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// put adds documents to a batch, unless the index has them, and writes it. The caller holds writing.
func (s *Service) put(ctx context.Context, b *bleve.Batch, all []Document) error {
	if b == nil {
		return errDamaged
	}
	for _, d := range all {
		old, found, err := s.get(ctx, d.id())
		if err != nil {
			return err
		}
		if d.Downloads < 0 { // a package is found also while nobody knows how often it is downloaded
			d.Downloads = old.Downloads
		}
		if found && d.same(old) {
			continue
		}
		e, err := entryOf(d)
		if err == nil {
			err = b.IndexAdvanced(e)
		}
		if err != nil {
			return err
		}
	}
	if b.Size() == 0 && s.position.Seen.Sub(s.kept) < keepSeen {
		return nil
	}
	return s.write(b)
}

// get reads a document of the index.
func (s *Service) get(ctx context.Context, id string) (d Document, found bool, err error) {
	err = s.read(ctx, func(r index.IndexReader) error {
		d, found, err = stored(r, id)
		return err
	})
	return d, found, err
}

func (s *Service) newBatch() *bleve.Batch {
	s.opened.RLock()
	defer s.opened.RUnlock()
	if s.index == nil {
		return nil
	}
	return s.index.NewBatch()
}

// write writes a batch together with the position. The caller holds writing.
func (s *Service) write(b *bleve.Batch) (err error) {
	s.opened.RLock()
	defer s.opened.RUnlock()
	if s.index == nil {
		return errDamaged
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v\n%s", p, debug.Stack())
		}
		if err != nil {
			err = fmt.Errorf("%w: writing to it: %w", errDamaged, err)
		}
	}()
	text, err := json.Marshal(s.position)
	if err != nil {
		return err
	}
	b.SetInternal(positionKey, text)
	if err := s.index.Batch(b); err != nil {
		return err
	}
	s.kept = s.position.Seen
	return nil
}

// walkWhenDue looks at everything at once if that was never done, and every Options.Refresh.
func (s *Service) walkWhenDue(ctx context.Context) error {
	for {
		s.writing.Lock()
		walked := s.position.Walked
		s.writing.Unlock()
		if age := s.opt.Now().Sub(walked); walked.IsZero() || age >= s.opt.Refresh {
			if err := s.walk(ctx, walked.IsZero()); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(walkLook, s.opt.Refresh)):
		}
	}
}

// walk looks at all documents of all sources, and then at those of the index that it did not come across.
func (s *Service) walk(ctx context.Context, first bool) error {
	began := s.opt.Now()
	s.indexed.Store(0)
	if first {
		s.opt.Log.InfoContext(ctx, "the search index is being made; until then searches take longer")
	}
	w := &walker{s: s, there: map[uint64]struct{}{}, seed: maphash.MakeSeed()}
	for _, kind := range Kinds() {
		if err := w.kind(ctx, kind); err != nil {
			return err
		}
	}
	if err := w.removeRest(ctx); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.position.Walked = began
	b := s.newBatch()
	if b == nil {
		return errDamaged
	}
	if err := s.write(b); err != nil {
		return err
	}
	s.complete.Store(true)
	if first {
		s.opt.Log.InfoContext(ctx, "the search index is made", "documents", len(w.there), "took", s.opt.Now().Sub(began).Round(time.Millisecond))
	}
	return nil
}

// walker is a walk under way.
type walker struct {
	s     *Service
	there map[uint64]struct{} // hashes of ids
	seed  maphash.Seed
	page  []Document
}

// kind looks at all documents of a kind.
func (w *walker) kind(ctx context.Context, kind Kind) error {
	source := w.s.sources[kind]
	if source == nil {
		return nil
	}
	w.begin()
	for d, err := range source.List(ctx) {
		if err != nil {
			return err
		}
		w.there[maphash.String(w.seed, d.id())] = struct{}{}
		w.page = append(w.page, d)
		if len(w.page) < batchSize {
			continue
		}
		if err := w.flush(ctx); err != nil {
			return err
		}
		w.begin()
	}
	return w.flush(ctx)
}

// begin notes from now on what else is written: documents that were read before must not take its place.
func (w *walker) begin() {
	w.s.writing.Lock()
	defer w.s.writing.Unlock()
	w.page, w.s.touched = w.page[:0], map[string]bool{}
}

// flush indexes a page of documents.
func (w *walker) flush(ctx context.Context) error {
	s := w.s
	if err := s.count(ctx, w.page); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	before := s.indexed.Load()
	after := s.indexed.Add(int64(len(w.page)))
	if after/tellProgress > before/tellProgress && !s.complete.Load() {
		s.opt.Log.InfoContext(ctx, "making the search index", "documents", after)
	}
	w.page = slices.DeleteFunc(w.page, func(d Document) bool { return s.touched[d.id()] })
	return s.put(ctx, s.newBatch(), w.page)
}

// removeRest looks once more at the documents of the index that were in no list.
func (w *walker) removeRest(ctx context.Context) error {
	w.s.writing.Lock()
	w.s.touched = nil
	w.s.writing.Unlock()
	var rest []feed.Change
	err := w.s.read(ctx, func(r index.IndexReader) error {
		all, err := r.DocIDReaderAll()
		if err != nil {
			return err
		}
		defer func() { _ = all.Close() }() // it was only read
		for {
			number, err := all.Next()
			if err != nil || number == nil {
				return err
			}
			id, err := r.ExternalID(number)
			if err != nil {
				return err
			}
			if _, ok := w.there[maphash.String(w.seed, id)]; !ok {
				kind, key := partID(id)
				rest = append(rest, feed.Change{Kind: string(kind), Name: key})
			}
		}
	})
	if err != nil {
		return err
	}
	for group := range slices.Chunk(rest, batchSize) {
		if err := w.s.takeIn(ctx, group); err != nil {
			return err
		}
	}
	return nil
}
