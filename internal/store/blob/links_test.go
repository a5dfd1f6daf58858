package blob_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/blob"
)

// signer signs nothing that is worth it, and remembers for how long.
type signer struct {
	err   error
	valid time.Duration
}

func (s *signer) SignGet(_ context.Context, _ blob.Key, valid time.Duration, _ blob.Answer) (string, error) {
	s.valid = valid
	return "https://store.test", s.err
}

func (s *signer) SignPut(_ context.Context, _ blob.Key, valid time.Duration, _ int64) (blob.Request, error) {
	s.valid = valid
	return blob.Request{URL: "https://store.test"}, s.err
}

func TestLinks(t *testing.T) {
	away := errors.New("the store is away")
	for name, tt := range map[string]struct {
		links *blob.Links
		size  int64
		given bool
		err   error
	}{
		"none":      {nil, 1000, false, nil},
		"large":     {&blob.Links{Signer: &signer{}, Least: 100}, 100, true, nil},
		"small":     {&blob.Links{Signer: &signer{err: away}, Least: 100}, 99, false, nil},
		"unsigned":  {&blob.Links{Signer: &signer{err: blob.ErrUnsigned}}, 100, false, nil},
		"an outage": {&blob.Links{Signer: &signer{err: away}}, 100, false, away},
	} {
		t.Run(name, func(t *testing.T) {
			url, err := tt.links.Get(t.Context(), blob.Key{}, tt.size, blob.Answer{})
			if tt.err == nil && (url != "") != tt.given || !errors.Is(err, tt.err) {
				t.Errorf("Get = %q, %v", url, err)
			}
			r, err := tt.links.Put(t.Context(), blob.Key{}, tt.size)
			if (r != nil) != tt.given || !errors.Is(err, tt.err) {
				t.Errorf("Put = %v, %v", r, err)
			}
		})
	}
}

// A private package is not readable for long by a URL that gets around.
func TestLinksEndSoon(t *testing.T) {
	s := &signer{}
	l := &blob.Links{Signer: s}
	if _, err := l.Get(t.Context(), blob.Key{}, 1, blob.Answer{}); err != nil || s.valid > 5*time.Minute {
		t.Errorf("a GET is good for %s, %v", s.valid, err)
	}
	if _, err := l.Put(t.Context(), blob.Key{}, 1); err != nil || s.valid > 15*time.Minute {
		t.Errorf("a PUT is good for %s, %v", s.valid, err)
	}
}
