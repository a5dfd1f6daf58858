package access_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

const root = "root-token-of-the-test"

// Who gets in by which door of an open and a private server, and what caches may keep of it.
func TestDoors(t *testing.T) {
	immutable := func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Cache-Control", access.Immutable(w))
		return nil
	}
	for _, tt := range []struct {
		name     string
		readAuth bool
		door     func(access.Control) httpkit.Handler
		token    string
		kind     fault.Kind // of the refusal
		cache    string
	}{
		{"open", false, func(c access.Control) httpkit.Handler { return c.Readable(immutable) }, "", "", httpkit.Immutable},
		{"open, a token of nobody's", false, func(c access.Control) httpkit.Handler { return c.Readable(immutable) }, "wrong", "", httpkit.Immutable},
		{"private", true, func(c access.Control) httpkit.Handler { return c.Readable(immutable) }, root, "", httpkit.PrivateImmutable},
		{"private, a stranger", true, func(c access.Control) httpkit.Handler { return c.Readable(immutable) }, "", fault.Unauthenticated, ""},
		{"private, a token of nobody's", true, func(c access.Control) httpkit.Handler { return c.Readable(immutable) }, "wrong", fault.Unauthenticated, ""},
		{"by token only", false, func(c access.Control) httpkit.Handler { return c.Private(immutable) }, root, "", httpkit.PrivateImmutable},
		{"by token only, of nobody's", false, func(c access.Control) httpkit.Handler { return c.Private(immutable) }, "wrong", fault.Unauthenticated, ""},
		{"a write", false, write, root, "", httpkit.Revalidate},
		{"a write by a stranger", false, write, "", fault.Unauthenticated, ""},
		{"a write by a token of nobody's", false, write, "wrong", fault.Unauthenticated, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := access.Control{Auth: auth.New(storetest.OpenDB(t, nil), auth.Options{RootToken: root, ReadAuth: tt.readAuth})}
			r := httptest.NewRequest(http.MethodGet, "/", nil) // from 192.0.2.1
			if tt.token != "" {
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			w := httptest.NewRecorder()
			err := tt.door(c)(w, r)
			if e, _ := fault.Public(err); (err == nil) != (tt.kind == "") || e != nil && e.Kind != tt.kind {
				t.Errorf("%v, want %q", err, tt.kind)
			}
			if got := w.Header().Get("Cache-Control"); got != tt.cache {
				t.Errorf("Cache-Control %q, want %q", got, tt.cache)
			}
		})
	}
}

func write(c access.Control) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		_, err := c.Writer(r)
		if err == nil {
			w.Header().Set("Cache-Control", access.Revalidate(w))
		}
		return err
	}
}
