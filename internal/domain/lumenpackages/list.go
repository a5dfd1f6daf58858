package lumenpackages

import (
	"context"
	"iter"
	"time"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/feed"
	"github.com/org/registry-action/internal/store/kv"
)

// Summary is a package in a list.
type Summary struct {
	Name, Latest, Description string
	Categories                []string
	Modified                  time.Time
}

// Entry is the summary as index.json and searches have it.
func (s Summary) Entry() lumen.IndexEntry {
	return summary{name: s.Name, Latest: s.Latest, Description: s.Description, Modified: s.Modified}.entry()
}

func (s summary) public() Summary {
	return Summary{Name: s.name, Latest: s.Latest, Description: s.Description, Categories: s.Categories, Modified: s.Modified}
}

// List yields the packages by name, but for those of which all is yanked; an error ends it.
func (s *Service) List(ctx context.Context) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		for row, err := range s.db.Scan(ctx, namesPartition, kv.Query{}) {
			var sum summary
			if err == nil {
				err = decodeRow(row.Key, row.Value, &sum)
			}
			sum.name = row.Sort
			if err == nil && sum.Latest == "" {
				continue
			}
			if !yield(sum.public(), err) || err != nil {
				return
			}
		}
	}
}

// Summary reads what List has of one package; fault.NotFound if it is not in there.
func (s *Service) Summary(ctx context.Context, name string) (Summary, error) {
	if lumen.ValidName(name, true) != nil {
		return Summary{}, absent(name)
	}
	sum, found, err := s.summaryOf(ctx, name)
	if err == nil && (!found || sum.Latest == "") {
		err = absent(name)
	}
	return sum.public(), err
}

// changed tells followers of the feed of a package.
func (s *Service) changed(name string) kv.Op { return feed.Changed(ownKind, s.now(), name) }
