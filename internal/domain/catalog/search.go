package catalog

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// maxSearch bounds the hits of one answer, as the public registry does.
const maxSearch = 250

// searchTime is how long ours wait for upstream's.
const searchTime = 2 * time.Second

// Search finds packages, ours first, then upstream's whose names are not ours. total counts
// both; it is a little high where upstream finds names of ours. Previews are not searched. What
// upstream can't answer, or not soon, is left out, and what names a scope of ours is not its business.
func (s *Service) Search(ctx context.Context, root Root, text string, from, size int) (found []Result, total int, err error) {
	from, size = max(from, 0), min(max(size, 0), maxSearch)
	found, total, err = s.src.Index.Search(ctx, text, from, size)
	found = found[:min(len(found), size)]
	if err != nil || s.src.Upstream == nil || strings.TrimSpace(text) == "" {
		return found, total, err
	}
	if ours, err := s.namesScope(ctx, text); ours || err != nil {
		return found, total, err
	}
	soon, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	objects, more, err := s.src.Upstream.Search(soon, text, max(from-total, 0), max(size-len(found), 1))
	if err != nil {
		return found, total, nil // upstream has logged it
	}
	for _, object := range objects[:min(len(objects), size-len(found))] {
		hit, ok := parseHit(object)
		if !ok {
			continue
		}
		ours, err := s.ours(ctx, hit.Name)
		if err != nil {
			return nil, 0, err
		}
		if !ours {
			found = append(found, hit)
		}
	}
	return found, total + max(more, 0), nil
}

// namesScope reports whether a text has a scope of ours, or a name in one: "@acme",
// "@acme/secret" or "scope:acme".
func (s *Service) namesScope(ctx context.Context, text string) (bool, error) {
	for word := range strings.FieldsSeq(text) {
		scope, _, _ := strings.Cut(word, "/")
		if rest, ok := strings.CutPrefix(scope, "scope:"); ok {
			scope = "@" + strings.TrimPrefix(rest, "@")
		}
		if checkName(scope+"/x") != nil || scope[0] != '@' {
			continue
		}
		if ours, err := s.ours(ctx, scope+"/x"); ours || err != nil {
			return ours, err
		}
	}
	return false, nil
}

// parseHit reads an object of npm's search. Members of other types than
// documented are left out; without a name it is no hit.
func parseHit(object json.RawMessage) (Result, bool) {
	var o struct {
		Package map[string]json.RawMessage `json:"package"`
	}
	if err := json.Unmarshal(object, &o); err != nil {
		return Result{}, false
	}
	p := o.Package
	r := Result{
		Name: member[string](p, "name"), Version: member[string](p, "version"), Description: member[string](p, "description"),
		Keywords: member[[]string](p, "keywords"), Raw: object,
	}
	type person struct{ Name, Username string }
	r.Author = member[person](p, "author").Name
	r.Publisher = member[person](p, "publisher").Username
	for _, m := range member[[]person](p, "maintainers") {
		r.Owners = append(r.Owners, m.Username)
	}
	r.Date, _ = parseTime(member[string](p, "date")) // zero: not known
	return r, checkName(r.Name) == nil
}

// member decodes a member of an object; its zero value if it is absent or of another type.
func member[T any](o map[string]json.RawMessage, key string) T {
	var v, none T
	if err := json.Unmarshal(o[key], &v); err != nil {
		return none
	}
	return v
}
