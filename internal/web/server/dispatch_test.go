package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/web/httpkit"
)

// named answers its own name.
type named string

func (n named) ServeHTTP(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, string(n)) }

func newDispatcher() http.Handler {
	return httpkit.ScopedNames(&dispatcher{
		index: named("index"), short: named("short"), npm: named("npm"), admin: named("admin"), cli: named("cli"), ci: named("ci"), forks: named("forks"), pkgpr: named("pkgpr"),
		mounts: map[string]mount{
			"commits":  {below: named("commits")},
			"packages": {below: named("rest")},
			"publish":  {below: named("publishing"), bare: named("rest"), asked: isPost},
			"search":   {bare: named("rest"), asked: hasQuery},
			"health":   {bare: named("health"), asked: isNoPut},
			"ready":    {bare: named("ops"), asked: isProbe},
			"npm":      {below: named("alias"), alias: true},
			"~":        {below: named("previews")},
			"zig":      {below: named("zig")},
			"lumen":    {below: named("lumen")},
		},
	})
}

func TestDispatch(t *testing.T) {
	h := newDispatcher()
	for _, tt := range []struct{ request, want string }{
		{"GET /", "index"},
		{"POST /", "index"},
		{"GET /react", "npm"},
		{"PUT /react", "npm"},
		{"GET /react/", "npm"},
		{"GET /@acme/a", "npm"},
		{"GET /@acme%2fa", "npm"},
		{"GET /%40acme/a/1.0.0", "npm"},
		{"GET /@acme/a/-/@acme/a-1.0.0.tgz", "npm"},
		{"GET /-/ping", "npm"},
		{"GET /-/npm/v1/attestations/@acme/a@1.0.0", "npm"},
		{"GET /-/npm/v1/attestations/a@1.0.0", "npm"},
		{"PUT /-/user/org.couchdb.user:a@b", "npm"},
		{"GET /-/admin/tokens", "admin"},
		{"GET /-/administer", "npm"},
		{"GET /-/cli/v1/v1.2.3/publish-commit_linux_amd64", "cli"},
		{"GET /-/client", "npm"},
		{"POST /-/ci/v1/exchange", "ci"},
		{"GET /-/cifra", "npm"},
		{"POST /-/ci/v1/claims", "forks"},
		{"POST /-/ci/v1/claims/abc/prove", "forks"},
		{"POST /-/ci/v1/claims/vouched", "forks"},
		{"POST /-/ci/v1/webhook", "forks"},
		{"POST /-/ci/v1/claimsx", "ci"},
		{"GET /-", "npm"},
		{"GET /-/-/--0.0.1.tgz", "npm"},
		{"GET //react", "npm"},
		{"GET //packages//a", "rest"},
		{"GET //", "index"},
		{"GET /~//o/r//@acme//a", "previews"},

		// Install URLs.
		{"GET /a@0123456", "short"},
		{"GET /@acme/a@0123456", "short"},
		{"GET /o/r/a@pr-7", "short"},
		{"GET /o/r/@acme/a@branch:x/-/y", "short"},
		{"GET /npm/cli/a@main", "short"},
		{"GET /group/sub/repo/a@main.tgz", "short"},

		// Packages that are called as our own paths begin.
		{"GET /packages", "npm"},
		{"PUT /packages", "npm"},
		{"GET /packages/", "npm"},
		{"GET /packages/a", "rest"},
		{"GET /packages/@acme/a/1.0.0", "rest"},
		{"GET /packages/-/packages-1.0.0.tgz", "npm"},
		{"PUT /packages/-rev/1-0", "npm"},
		{"DELETE /packages/-/packages-1.0.0.tgz/-rev/1-0", "npm"},
		{"GET /search", "npm"},
		{"GET /search?q=x", "rest"},
		{"PUT /search?q=x", "npm"},
		{"GET /search/1.0.0", "npm"},
		{"GET /publish", "npm"},
		{"PUT /publish", "npm"},
		{"POST /publish", "rest"},
		{"POST /publish/commit", "publishing"},
		{"GET /publish/-/publish-1.0.0.tgz", "npm"},
		{"GET /commits", "npm"},
		{"GET /commits/0123456", "commits"},
		{"GET /commits/0123456/@acme/a/tarball", "commits"},
		{"GET /commits/-/commits-1.0.0.tgz", "npm"},
		{"GET /health", "health"},
		{"HEAD /health", "health"},
		{"PUT /health", "npm"},
		{"GET /health/1.0.0", "npm"},
		{"GET /ready", "ops"},
		{"HEAD /ready", "ops"},
		{"PUT /ready", "npm"},
		{"GET /ready/1.0.0", "npm"},
		{"GET /ready/-/ready-1.0.0.tgz", "npm"},
		{"GET /npm", "npm"},
		{"PUT /npm", "npm"},
		{"GET /npm/-/npm-11.0.0.tgz", "npm"},
		{"DELETE /npm/-/npm-11.0.0.tgz/-rev/1", "npm"},
		{"PUT /npm/-rev/1", "npm"},

		// Below /npm/ all are found.
		{"GET /npm/", "alias"},
		{"GET /npm/-/ping", "alias"},
		{"GET /npm/-/v1/search", "alias"},
		{"GET /npm/-/package/npm/dist-tags", "alias"},
		{"GET /npm/npm", "alias"},
		{"GET /npm/packages/1.0.0", "alias"},
		{"GET /npm/@acme/a", "alias"},
		{"GET /npm/-/npm/v1/attestations/a@1.0.0", "alias"},
		{"GET /npm/commits/-/commits-1.0.0.tgz", "alias"},

		{"GET /~/o/r/@acme/a", "previews"},
		{"GET /~/o/r/-/ping", "previews"},
		{"GET /~", "npm"},

		{"GET /zig/packages/a", "zig"},
		{"GET /zig/p/a-1.0.0+b.tar.gz", "zig"},
		{"GET /zig/t/a@b/packages/a", "zig"},
		{"POST /zig/publish", "zig"},
		{"GET /zig", "npm"},
		{"PUT /zig", "npm"},
		{"GET /zig/-/zig-1.0.0.tgz", "npm"},

		{"GET /lumen/index.json", "lumen"},
		{"GET /lumen//packages/@acme/utils/index.json", "lumen"},
		{"GET /lumen/packages/@acme/utils/1.0.0+b.json", "lumen"},
		{"PUT /lumen/api/v1/v1/wares", "lumen"},
		// What the stock pkg-pr-new CLI asks for, beside the packages of these names.
		{"POST /check", "pkgpr"},
		{"PUT /check", "npm"},
		{"GET /check", "npm"},
		{"POST /multipart/create", "pkgpr"},
		{"PUT /multipart/upload", "pkgpr"},
		{"POST /multipart/complete", "pkgpr"},
		{"GET /multipart/create", "npm"},
		{"PUT /multipart/-rev/1-0", "npm"},
		{"GET /multipart/-/multipart-1.0.0.tgz", "npm"},
		{"HEAD /~/o/r", "pkgpr"},
		{"HEAD /~/o/r/a", "previews"},
		{"GET /~/o/r", "previews"},
		{"GET /o/a@main", "short"},

		{"GET /lumen", "npm"},
		{"PUT /lumen", "npm"},
		{"GET /lumen/-/lumen-1.0.0.tgz", "npm"},
	} {
		method, path, _ := strings.Cut(tt.request, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "http://x"+path, nil))
		if got := w.Body.String(); got != tt.want {
			t.Errorf("%s goes to %s, want %s", tt.request, got, tt.want)
		}
	}
}

// A publish of the stock CLI differs from others at the same address by its headers.
func TestPublishOfTheStockCLI(t *testing.T) {
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/publish", nil)
	r.Header.Set("sb-key", "4xYbWxFTDr")
	newDispatcher().ServeHTTP(w, r)
	if got := w.Body.String(); got != "pkgpr" {
		t.Errorf("it goes to %s", got)
	}
}

// Packages that are called as a probe can be installed.
func TestInstallsBesideProbes(t *testing.T) {
	for accept, want := range map[string]string{
		"application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*": "npm",
		"*/*": "ops", "application/json": "ops", "": "ops", "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1": "ops",
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/ready", nil)
		r.Header.Set("Accept", accept)
		newDispatcher().ServeHTTP(w, r)
		if got := w.Body.String(); got != want {
			t.Errorf("/ready with Accept %q goes to %s, want %s", accept, got, want)
		}
	}
}
