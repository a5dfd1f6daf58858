package zigpackages

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/org/registry-action/internal/store/kv"
)

// List yields the packages by the keys of their names, but for those of which all is yanked; an error ends it.
func (s *Service) List(ctx context.Context) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		for row, err := range s.db.Scan(ctx, namesPartition, kv.Query{}) {
			var sum Summary
			if err == nil {
				if err = json.Unmarshal(row.Value, &sum); err != nil {
					err = fmt.Errorf("decoding row %s: %w", row.Key, err)
				}
			}
			if !yield(sum, err) || err != nil {
				return
			}
		}
	}
}

// Summary reads what List has of one package, by any spelling of its name; fault.NotFound if it is not in there.
func (s *Service) Summary(ctx context.Context, name string) (Summary, error) {
	if !isName(name) {
		return Summary{}, absent(name)
	}
	sum, _, found, err := kv.ReadJSON[Summary](ctx, s.db, nameKey(keyOf(name)))
	if err == nil && !found {
		err = absent(name)
	}
	return sum, err
}

// Key is what all spellings of a name have in common.
func Key(name string) string { return keyOf(name) }
