package regclient_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/wire"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func putBlob(t *testing.T, c *regclient.Client, url string) error {
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("blob")), nil }
	return c.Put(t.Context(), wire.Upload{Size: 4, URL: url}, open, nil)
}

// TestRedirectedUpload: a bucket on another port of the same host takes the
// bytes and must not see the token, nor must the registry when the chain
// comes back to it.
func TestRedirectedUpload(t *testing.T) {
	var registry *httptest.Server
	var bucketSaw, backSaw http.Header
	bucket := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if bucketSaw = r.Header; r.URL.Path == "/back" {
			http.Redirect(w, r, registry.URL+"/end", http.StatusTemporaryRedirect)
			return
		}
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != "blob" {
			t.Errorf("the bucket gets %q, %v", body, err)
		}
	})
	registry = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/end":
			backSaw = r.Header
		case "/home":
			http.Redirect(w, r, "/home2?secret", http.StatusPermanentRedirect)
		case "/home2":
			if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("Referer") != "" {
				t.Errorf("a redirect within the registry has the headers %v", r.Header)
			}
		default:
			http.Redirect(w, r, bucket.URL+r.URL.Path, http.StatusTemporaryRedirect)
		}
	})
	c := newClient(t, regclient.Options{BaseURL: registry.URL, Token: token})
	for _, path := range []string{"/blob", "/back", "/home"} {
		if err := putBlob(t, c, path); err != nil {
			t.Errorf("Put(%s) = %v", path, err)
		}
	}
	for name, h := range map[string]http.Header{"bucket": bucketSaw, "registry after bucket": backSaw} {
		if h == nil || h.Get("Authorization") != "" || h.Get("Referer") != "" {
			t.Errorf("%s sees %v", name, h)
		}
	}
}

func TestRedirectsNotFollowed(t *testing.T) {
	reached := 0
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { reached++; answer(w, 200, wire.Plan{}) })
	to := func(status int, url string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, status) }
	}
	plan := func(c *regclient.Client) error { _, err := c.Plan(t.Context(), publication()); return err }
	put := func(c *regclient.Client) error { return putBlob(t, c, "/blob") }
	tests := []struct {
		name   string
		tls    bool
		handle http.HandlerFunc
		do     func(*regclient.Client) error
		want   string
	}{
		{"POST to another origin", false, to(307, other.URL+"/x?secret"), plan, "redirected to " + other.URL + "/x: a POST is not followed there; set REGISTRY_URL"},
		{"POST would become GET", false, to(302, "/login"), plan, "/login: a POST is not followed there"},
		{"PUT would become GET", false, to(303, "/login"), put, "/login: a PUT is not followed there"},
		{"downgrade", true, to(307, other.URL+"/x"), put, "from https to plain http"},
		{"loop", false, to(307, "/again"), put, "more than 5 redirects"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tries := 0
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tries++; tt.handle(w, r) }))
			if srv.Start(); tt.tls {
				srv.Close()
				srv = httptest.NewTLSServer(srv.Config.Handler)
			}
			defer srv.Close()
			err := tt.do(newClient(t, regclient.Options{BaseURL: srv.URL, Token: token, Transport: srv.Client().Transport}))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error = %v, want %q in it", err, tt.want)
			}
			if want := map[bool]int{false: 1, true: 6}[tt.name == "loop"]; tries != want {
				t.Errorf("%d requests, want %d", tries, want)
			}
		})
	}
	if reached > 0 {
		t.Errorf("the other server was reached %d times", reached)
	}
}

func TestUploadURLs(t *testing.T) {
	var saw []string
	record := func(_ http.ResponseWriter, r *http.Request) {
		saw = append(saw, r.URL.RequestURI()+r.Header.Get("Authorization"))
	}
	bucket := httptest.NewTLSServer(http.HandlerFunc(record))
	t.Cleanup(bucket.Close)
	registry := serve(t, record)
	c := newClient(t, regclient.Options{BaseURL: registry.URL + "/prefix/", Token: token, Transport: bucket.Client().Transport})
	for _, url := range []string{"/a?b=c", registry.URL + "/d", bucket.URL + "/e?sig=f"} {
		if err := putBlob(t, c, url); err != nil {
			t.Errorf("Put(%s) = %v", url, err)
		}
	}
	auth := "Bearer " + token
	if got, want := strings.Join(saw, "\n"), "/a?b=c"+auth+"\n/d"+auth+"\n/e?sig=f"; got != want {
		t.Errorf("servers saw\n%s\nwant\n%s", got, want)
	}
	for _, url := range []string{"http://elsewhere.example.com/x", "ftp://x/y", "https://me:pw@x/", "https:///x", "//elsewhere.example.com/x", "\x7f", "file:///etc/passwd"} {
		err := putBlob(t, c, url)
		if err == nil || !strings.HasPrefix(err.Error(), "the registry gave an upload URL") || strings.Contains(err.Error(), "pw") {
			t.Errorf("Put(%q) = %v, want a refusal", url, err)
		}
	}
	if len(saw) != 3 {
		t.Errorf("servers saw %q", saw)
	}
}

// TestRelativeURLs: what the plan gives is relative to its own URL, so that a
// registry need not know under which of its names, or paths, it was called.
func TestRelativeURLs(t *testing.T) {
	var auth, path string
	registry := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		auth, path = r.Header.Get("Authorization"), r.URL.Path
	})
	c := newClient(t, regclient.Options{BaseURL: registry.URL + "/registry/", Token: token})
	for raw, want := range map[string]string{"blobs/sha256:ab": "/registry/publish/commit/blobs/sha256:ab", "/blob": "/blob", registry.URL + "/x": "/x"} {
		if err := putBlob(t, c, raw); err != nil || path != want || auth != "Bearer "+token {
			t.Errorf("Put(%s) = %v at %s with the Authorization %q, want it at %s", raw, err, path, auth, want)
		}
	}
}

// TestForeignRefusal: advice about the registry's token does not fit a bucket.
func TestForeignRefusal(t *testing.T) {
	bucket := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }))
	t.Cleanup(bucket.Close)
	c := newClient(t, regclient.Options{BaseURL: "https://registry.example.com", Token: token, Transport: bucket.Client().Transport})
	err := putBlob(t, c, bucket.URL+"/x?sig=f")
	if e, ok := errors.AsType[*regclient.Error](err); !ok || e.Error() != "PUT "+bucket.URL+"/x: 403 Forbidden" {
		t.Errorf("Put = %v", err)
	}
}
