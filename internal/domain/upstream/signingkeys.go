package upstream

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/signature"
)

const keysAge = time.Hour

// keyring is what is known of upstream's keys.
type keyring struct {
	mu    sync.Mutex
	list  []signature.Key
	known bool
	until time.Time // when upstream is asked again
}

// Keys returns upstream's signing keys, none if it has none. While upstream is down the last
// ones known count.
func (s *Service) Keys(ctx context.Context) ([]signature.Key, error) {
	if list, ok := s.keys.get(s.opt.Now(), false); ok {
		return list, nil
	}
	list, _, err := share(ctx, s, "keys", answerTime, s.fetchKeys)
	if err == nil {
		return list, nil
	}
	if list, ok := s.keys.get(s.opt.Now(), true); ok && ctx.Err() == nil {
		return list, nil
	}
	return nil, err
}

func (k *keyring) get(now time.Time, old bool) ([]signature.Key, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.list, k.known && (old || now.Before(k.until))
}

func (s *Service) fetchKeys(ctx context.Context) ([]signature.Key, error) {
	if list, ok := s.keys.get(s.opt.Now(), false); ok {
		return list, nil
	}
	const path = "/-/npm/v1/keys" // no package's name
	if err, ok := s.failing(path); ok {
		return nil, err
	}
	var answer struct {
		Keys []signature.Key `json:"keys"`
	}
	status, err := s.json(ctx, call{url: s.endpoint(path, path), tries: maxTries, slots: s.requests}, maxAnswer, &answer)
	switch {
	case err == nil && (status == http.StatusNotFound || status == http.StatusBadRequest):
		answer.Keys = nil
	case err == nil && status != http.StatusOK:
		err = s.refused(status, "its keys")
	}
	if err != nil {
		s.remember(ctx, path, err)
		return nil, err
	}
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keys.list, s.keys.known, s.keys.until = answer.Keys, true, s.opt.Now().Add(keysAge)
	return answer.Keys, nil
}

// Attestations passes on GET /-/npm/v1/attestations/{name}@{version}.
func (s *Service) Attestations(ctx context.Context, name, version string) (json.RawMessage, error) {
	if err := npm.ValidName(name); err != nil {
		return nil, err
	}
	path := "/-/npm/v1/attestations/" + name + "@"
	u := s.endpoint(path+version, path+url.PathEscape(version))
	type answer struct {
		status int
		text   json.RawMessage
	}
	a, _, err := share(ctx, s, u.Path, answerTime, func(ctx context.Context) (a answer, err error) {
		a.status, err = s.json(ctx, call{url: u, slots: s.requests}, maxAnswer, &a.text)
		return a, err
	})
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusNotFound:
		return nil, fault.New(fault.NotFound, "upstream %s has no attestations of %s@%s", s.URL(), name, version)
	case a.status != http.StatusOK:
		return nil, s.refused(a.status, "the attestations of "+name+"@"+version)
	}
	return a.text, nil
}
