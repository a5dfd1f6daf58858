package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/cache"
)

// TestPrivateTargets: on the real network, redirects and tarball URLs to this machine and its neighbours.
func TestPrivateTargets(t *testing.T) {
	asked := make(chan string, 100)
	secret := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host }))
	defer secret.Close()
	port := parse(t, secret.URL).Port()
	targets := []string{
		secret.URL, "http://localhost:" + port, "http://LOCALHOST.:" + port, "http://[::1]:" + port, "http://[::ffff:127.0.0.1]:" + port,
		"http://2130706433:" + port, "http://0x7f.1:" + port, "http://127.1:" + port, "http://0177.0.0.1:" + port, "http://0:" + port, "http://0.0.0.0:" + port, "http://[::]:" + port,
		"http://[64:ff9b::7f00:1]:" + port, "http://10.0.0.1", "http://169.254.169.254", "http://[fe80::1%25lo]:" + port, "ftp://example.com", "file:///etc/passwd", "http:///x",
	}
	for _, target := range targets {
		t.Run(target, func(t *testing.T) {
			var up *httptest.Server
			up = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case strings.HasPrefix(r.URL.Path, "/direct"):
					p := &pkg{versions: []string{"1.0.0"}, base: target}
					_, _ = w.Write(p.document("direct", true))
				case r.URL.Path == "/hop":
					p := &pkg{versions: []string{"1.0.0"}, base: up.URL}
					_, _ = w.Write(p.document("hop", true))
				default:
					w.Header().Set("Location", target+"/latest/meta-data")
					w.WriteHeader(http.StatusFound)
				}
			}))
			defer up.Close()
			c, err := cache.Open(t.TempDir(), cache.Options{MaxBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			s, err := New(Options{URL: parse(t, up.URL), Cache: c})
			if err != nil {
				t.Fatal(err)
			}
			refused := func(what string, err error, kind fault.Kind) {
				t.Helper()
				if !errors.Is(err, kind) {
					t.Errorf("%s: %v, want %s", what, err, kind)
				}
			}
			_, err = s.Packument(t.Context(), "away", full, false)
			refused("a packument that redirects", err, fault.Upstream)
			_, err = s.Tarball(t.Context(), "direct", "direct-1.0.0.tgz", false)
			refused("a tarball there", err, fault.Forbidden)
			_, err = s.Tarball(t.Context(), "hop", "hop-1.0.0.tgz", false)
			refused("a tarball that redirects", err, fault.Forbidden)
			_, err = s.Attestations(t.Context(), "a", "1.0.0")
			refused("attestations that redirect", err, fault.Upstream)
			if err := errors.Join(s.Close(), c.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	if len(asked) > 0 {
		t.Errorf("the private server was asked as %s", <-asked)
	}
}

func TestRedirectsAndForeignHosts(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.restart(Options{Token: "secret"})
		w.registry.publish("a", "1.0.0")
		w.registry.change("a", func(p *pkg) { p.base = "http://cdn.test" })
		var seen []*http.Request
		w.network.Host("cdn.test:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			seen = append(seen, r)
			http.Redirect(rw, r, "http://user:pass@more.test/signed?key=1", http.StatusFound)
		}))
		w.network.Host("more.test:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			seen = append(seen, r)
			http.Redirect(rw, r, "http://up.test/a/-/a-1.0.0.tgz", http.StatusFound)
		}))
		if _, text, err := w.tarball("a", "a-1.0.0.tgz"); err != nil || !bytes.Equal(text, content("a", "1.0.0")) {
			t.Fatalf("Tarball: %v", err)
		}
		if len(seen) != 2 {
			t.Fatalf("%d requests to other hosts, want 2", len(seen))
		}
		back := w.registry.last()
		for _, r := range append(seen, back) {
			if r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "" {
				t.Errorf("%s%s got %v", r.Host, r.URL, r.Header)
			}
			if r.Header.Get("Accept-Encoding") != "identity" || r.Header.Get(hopHeader) != w.id {
				t.Errorf("%s%s got %v", r.Host, r.URL, r.Header)
			}
		}
		w.doc("a", full, true)
		if got := w.registry.last().Header.Get("Authorization"); got != "Bearer secret" {
			t.Errorf("upstream itself got the token %q", got)
		}
	})
}

// TestTokenStaysAtItsOrigin: another port and a subdomain of upstream are other hosts.
func TestTokenStaysAtItsOrigin(t *testing.T) {
	for _, target := range []string{"http://up.test:8080", "http://sub.up.test", "http://up.test.evil.test"} {
		bubble(t, func(t *testing.T, w *world) {
			w.restart(Options{Token: "secret"})
			var got http.Header
			host := parse(t, target).Host
			if !strings.Contains(host, ":") {
				host += ":80"
			}
			w.network.Host(host, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				got = r.Header
				http.Redirect(rw, r, "http://up.test/back", http.StatusFound)
			}))
			w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/back" {
					http.Redirect(rw, r, target+"/x", http.StatusFound)
				}
				return true
			})
			_, _ = w.Packument(t.Context(), "a", full, false)
			if got == nil || got.Get("Authorization") != "" {
				t.Errorf("%s got %v", target, got)
			}
			// Where somebody else sends it, it does not go as us.
			if back := w.registry.last(); back.URL.Path != "/back" || back.Header.Get("Authorization") != "" {
				t.Errorf("back from %s: %s %v", target, back.URL, back.Header)
			}
			got = nil
			if _, err := w.Advisories(t.Context(), map[string][]string{"a": {"1.0.0"}}); !errors.Is(err, fault.Upstream) || got != nil {
				t.Errorf("an audit was redirected: %v, %v", got, err)
			}
		})
	}
}

func TestRefusedRedirects(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		n := 0
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			n++
			if r.URL.Path == "/named" {
				http.Redirect(rw, r, "http://rebind.private/x", http.StatusFound)
			} else {
				http.Redirect(rw, r, fmt.Sprintf("/%d", n), http.StatusFound)
			}
			return true
		})
		_, err := w.Packument(t.Context(), "a", full, false)
		if !errors.Is(err, fault.Upstream) || n != egress.MaxRedirects+1 {
			t.Errorf("endless redirects: %v after %d requests", err, n)
		}
		_, err = w.Packument(t.Context(), "named", full, false)
		e, ok := fault.Public(err)
		if !ok || e.Kind != fault.Upstream || !strings.Contains(e.Message, "rebind.private") || strings.Contains(e.Message, "10.1.2.3") {
			t.Errorf("a name with a private address: %v, public %q; want the name and not what it resolves to", err, e.Message)
		}
	})
}

func TestProxies(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var asked []string
		w.network.Host("proxy.private:3128", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.String())
			_, _ = rw.Write(content("a", "1.0.0"))
		}))
		w.proxy = &url.URL{Scheme: "http", Host: "proxy.private:3128"}
		w.registry.publish("a", "1.0.0")
		w.registry.change("a", func(p *pkg) { p.base = "http://cdn.test" })
		if _, text, err := w.tarball("a", "a-1.0.0.tgz"); err != nil || !bytes.Equal(text, content("a", "1.0.0")) {
			t.Errorf("by the proxy: %v", err)
		}
		if fmt.Sprint(asked) != "[http://cdn.test/a/-/a-1.0.0.tgz]" {
			t.Errorf("the proxy was asked %v", asked)
		}
		asked = nil
		for i, base := range []string{
			"http://10.0.0.1", "http://localhost", "http://metadata", "http://metadata.google.internal", "http://printer.local", "http://a.localhost", "http://nas.home.arpa",
			"http://[::1]", "http://2130706433", "http://proxy.private.local:3128",
		} {
			name := fmt.Sprint("p", i)
			w.registry.publish(name, "1.0.0")
			w.registry.change(name, func(p *pkg) { p.base = base })
			if _, _, err := w.tarball(name, name+"-1.0.0.tgz"); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s by the proxy: %v", base, err)
			}
		}
		if len(asked) > 0 {
			t.Errorf("the proxy was asked %v", asked)
		}
	})
}

func TestTarballURLs(t *testing.T) {
	tests := []struct{ base, from, want string }{
		{"https://up.test", "https://up.test/a.tgz", "https://up.test/a.tgz"},
		{"https://up.test", "http://up.test/a.tgz", "https://up.test/a.tgz"},
		{"https://up.test", "http://up.test:8080/a.tgz", ""},
		{"https://up.test", "http://cdn.test/a.tgz", ""},
		{"http://up.test", "http://cdn.test/a.tgz?sig=1#x", "http://cdn.test/a.tgz?sig=1"},
		{"http://up.test", "https://user:pass@cdn.test/a.tgz", "https://cdn.test/a.tgz"},
		{"http://up.test", "/a.tgz", ""},
		{"http://up.test", "//cdn.test/a.tgz", ""},
		{"http://up.test", "file:///etc/passwd", ""},
		{"http://up.test", "http://a b/", ""},
		{"http://up.test", "", ""},
	}
	for _, tt := range tests {
		s := &Service{base: parse(t, tt.base)}
		got, err := s.source(tt.from, "a.tgz")
		if tt.want == "" && !errors.Is(err, fault.Forbidden) || tt.want != "" && (err != nil || got.String() != tt.want) {
			t.Errorf("source(%s) of upstream %s = %v, %v; want %s", tt.from, tt.base, got, err, tt.want)
		}
	}
}

func TestOptions(t *testing.T) {
	c, err := cache.Open(t.TempDir(), cache.Options{MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, text := range []string{"up.test", "/x", "ftp://up.test", "http://user:pass@up.test", "http://up.test?x=1", "http://up.test#x", "http://:80"} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{URL: u, Cache: c}); !errors.Is(err, fault.Invalid) || strings.Contains(err.Error(), "pass") {
			t.Errorf("New(%s): %v", text, err)
		}
	}
	if _, err := New(Options{URL: parse(t, "http://up.test"), Cache: c, Token: "a\nb"}); !errors.Is(err, fault.Invalid) || strings.Contains(err.Error(), "a\nb") {
		t.Errorf("New with a broken token: %v", err)
	}
	if _, err := New(Options{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("New without a URL: %v", err)
	}
}
