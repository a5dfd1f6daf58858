package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/web/webui"
)

const asBrowser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

// Who prefers HTML gets a page where there is one; everybody else is answered as ever, and told that it could be otherwise.
func TestPages(t *testing.T) {
	db := storetest.OpenDB(t, nil)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	// A private server asks everybody to sign in, before any of its domains is asked.
	pages := webui.New(webui.Config{Auth: auth.New(db, auth.Options{RootToken: "the-root-token", ReadAuth: true}), BaseURL: "http://registry.example", Log: log})
	h := httpkit.ScopedNames(Config{Pages: pages, Log: log}.pages(named("protocol")))
	for _, tt := range []struct {
		method, path, accept string
		page                 bool
		vary                 string
	}{
		{"GET", "/", asBrowser, true, ""},
		{"GET", "/", "*/*", false, "Accept"},
		{"GET", "/", "", false, "Accept"},
		{"GET", "/", "application/json", false, "Accept"},
		{"GET", "/packages/@acme/core", asBrowser, true, ""},
		{"HEAD", "/packages/@acme%2fcore/1.0.0", asBrowser, true, ""},
		{"GET", "/packages/@acme/core", "application/json", false, "Accept"},
		{"GET", "/commits/0123456", asBrowser, true, ""},
		{"GET", "/commits/0123456/@acme/core", "*/*", false, "Accept"},
		{"GET", "/search?q=x", asBrowser, true, ""},
		{"GET", "/search?q=x", "application/json", false, "Accept"},
		{"GET", "/acme/widgets", asBrowser, true, ""},
		{"GET", "/react/1.0.0", "application/json", false, "Accept"},
		{"GET", "/zig/packages/lib", "*/*", false, "Accept"},
		{"GET", "/lumen/packages/lib/index.json", asBrowser, false, ""},
		{"GET", "/react", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*", false, ""},
		{"GET", "/@acme/core", asBrowser, false, ""},
		{"GET", "/@acme/core/-/core-1.0.0.tgz", asBrowser, false, ""},
		{"GET", "/-/ping", asBrowser, false, ""},
		{"GET", "/-/admin/users", asBrowser, false, ""},
		{"PUT", "/acme/widgets", asBrowser, false, ""},
		{"POST", "/", asBrowser, false, ""},
		{"POST", "/-/web/account/tokens", "", true, ""},
		{"GET", "/-/web/account", "*/*", true, ""},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(tt.method, "http://registry.example"+tt.path, nil)
		if tt.accept != "" {
			r.Header.Set("Accept", tt.accept)
		}
		h.ServeHTTP(w, r)
		page := w.Body.String() != "protocol"
		if page != tt.page || !page && w.Header().Get("Vary") != tt.vary {
			t.Errorf("%s %s with Accept %q: page %v, Vary %q", tt.method, tt.path, tt.accept, page, w.Header().Get("Vary"))
		}
		if page && w.Code == http.StatusOK {
			t.Errorf("%s %s: a private page is shown to everybody", tt.method, tt.path)
		}
	}
}

// A page of another site can't use somebody's session.
func TestPagesTakeNoForeignForms(t *testing.T) {
	h := sameOrigin(named("done"))
	for site, want := range map[string]int{"same-origin": http.StatusOK, "none": http.StatusOK, "cross-site": http.StatusForbidden, "same-site": http.StatusForbidden} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "http://registry.example/-/web/account/tokens", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("a form of %s is answered %d", site, w.Code)
		}
	}
}
