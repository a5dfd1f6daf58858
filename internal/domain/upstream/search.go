package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
)

// Has reports whether upstream has a package of this name.
func (s *Service) Has(ctx context.Context, name string) (bool, error) {
	doc, err := s.Packument(ctx, name, packument.Abbreviated, false)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, doc.Close()
}

// HasScope reports whether upstream has packages in a scope ("@acme"), of any
// case. One that can't search does not say, which is fault.Upstream.
func (s *Service) HasScope(ctx context.Context, scope string) (bool, error) {
	// A registry that does not know the qualifier searches for the word; more
	// than one hit gives it a chance.
	found, status, err := s.search(ctx, "scope:"+strings.TrimPrefix(scope, "@"), 0, 20)
	if err == nil && status != http.StatusOK {
		err = s.refused(status, "a search")
	}
	if err != nil {
		return false, err
	}
	for _, object := range found.Objects {
		var hit struct {
			Package struct{ Name string } `json:"package"`
		}
		if json.Unmarshal(object, &hit) != nil {
			continue
		}
		if its, _ := npm.SplitName(hit.Package.Name); strings.EqualFold(its, scope) {
			return true, nil
		}
	}
	return false, nil
}

type searchAnswer struct {
	Objects []json.RawMessage `json:"objects"`
	Total   int               `json:"total"`
}

// Search passes on GET /-/v1/search. It returns the "objects" of the answer and its total. An
// upstream that can't search is fault.Unavailable.
func (s *Service) Search(ctx context.Context, text string, from, size int) (objects []json.RawMessage, total int, err error) {
	found, status, err := s.search(ctx, text, from, size)
	if err == nil && status != http.StatusOK {
		err = s.unavailable(fmt.Errorf("search: status %d", status))
	}
	return found.Objects, found.Total, err
}

func (s *Service) search(ctx context.Context, text string, from, size int) (found searchAnswer, status int, err error) {
	u := s.endpoint("/-/v1/search", "/-/v1/search")
	u.RawQuery = url.Values{"text": {text}, "from": {strconv.Itoa(from)}, "size": {strconv.Itoa(size)}}.Encode()
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	status, err = s.json(ctx, call{url: u, slots: s.requests}, maxAnswer, &found)
	return found, status, err
}
