package zigpackages

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// The bounds of a search.
const (
	maxSearchText = 256 // characters
	maxFound      = 100
	maxOffset     = 10_000
	defaultFound  = 20
)

// Search lists packages whose name or description has every word of text, by name: at most limit (20 if not given, 100 at
// most) from offset on, and how many there are. An empty text finds all. Packages of which all is yanked are not listed.
func (s *Service) Search(ctx context.Context, text string, offset, limit int) ([]Summary, int, error) {
	if err := CheckSearch(text); err != nil {
		return nil, 0, err
	}
	if limit <= 0 {
		limit = defaultFound
	}
	offset, limit = min(max(offset, 0), maxOffset), min(limit, maxFound)
	words := strings.Fields(strings.ToLower(text))
	found, total := []Summary{}, 0
	for row, err := range s.db.Scan(ctx, namesPartition, kv.Query{}) {
		if err != nil {
			return nil, 0, err
		}
		var sum Summary
		if err := json.Unmarshal(row.Value, &sum); err != nil {
			return nil, 0, fmt.Errorf("decoding row %s: %w", row.Key, err)
		}
		if !sum.has(words) {
			continue
		}
		if total >= offset && len(found) < limit {
			found = append(found, sum)
		}
		total++
	}
	return found, total, nil
}

// CheckSearch refuses a text that is too long to search for.
func CheckSearch(text string) error {
	if utf8.RuneCountInString(text) > maxSearchText {
		return fault.New(fault.Invalid, "Search query too long: at most %d characters are allowed", maxSearchText).WithCode("query_too_long")
	}
	return nil
}

// has reports whether a package has every one of the words, which are in lower case. In names '-' and '_' are alike.
func (sum Summary) has(words []string) bool {
	key, text := keyOf(sum.Name), strings.ToLower(sum.Description)
	return !slices.ContainsFunc(words, func(w string) bool {
		return !strings.Contains(key, keyOf(w)) && !strings.Contains(text, w)
	})
}
