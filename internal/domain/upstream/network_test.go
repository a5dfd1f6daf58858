package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/cache"
)

func TestPublic(t *testing.T) {
	tests := map[bool][]string{
		true: {
			"1.1.1.1", "8.8.8.8", "104.16.0.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "198.20.0.1", "223.255.255.255",
			"2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
		},
		false: {
			"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
			"192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
			"::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "100::1", "5f00::1",
			"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1",
			"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8",
		},
	}
	for want, list := range tests {
		for _, text := range list {
			if got := public(netip.MustParseAddr(text)); got != want {
				t.Errorf("public(%s) = %t", text, got)
			}
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

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
			refused := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, fault.Upstream) {
					t.Errorf("%s: %v", what, err)
				}
			}
			_, err = s.Packument(t.Context(), "away", full, false)
			refused("a packument that redirects", err)
			_, err = s.Tarball(t.Context(), "direct", "direct-1.0.0.tgz", false)
			refused("a tarball there", err)
			_, err = s.Tarball(t.Context(), "hop", "hop-1.0.0.tgz", false)
			refused("a tarball that redirects", err)
			_, err = s.Attestations(t.Context(), "a", "1.0.0")
			refused("attestations that redirect", err)
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
		w.host("cdn.test:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			seen = append(seen, r)
			http.Redirect(rw, r, "http://user:pass@more.test/signed?key=1", http.StatusFound)
		}))
		w.host("more.test:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
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
			if r.Header.Get("Accept-Encoding") != "identity" || !w.IsLoop(r.Header) {
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
			w.host(host, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
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
		if !errors.Is(err, fault.Upstream) || n != maxRedirects+1 {
			t.Errorf("endless redirects: %v after %d requests", err, n)
		}
		_, err = w.Packument(t.Context(), "named", full, false)
		e, ok := fault.Public(err)
		if !ok || e.Kind != fault.Upstream || !strings.Contains(e.Message, "rebind.private") || strings.Contains(e.Message, "10.1.2.3") {
			t.Errorf("a name with a private address: %v, public %q; want the name and not what it resolves to", err, e.Message)
		}
	})
}

func TestCheckRedirect(t *testing.T) {
	request := func(method, to string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, to, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer secret")
		return r
	}
	tests := []struct {
		from, to string
		ok, auth bool
	}{
		{"https://up.test/a", "https://up.test/b", true, true},
		{"https://up.test/a", "https://UP.test.:443/b", true, true},
		{"https://up.test/a", "https://cdn.test/b", true, false},
		{"http://up.test/a", "https://up.test/b", true, false},
		{"https://up.test/a", "http://up.test/b", false, false},
		{"https://up.test/a", "http://cdn.test/b", false, false},
	}
	for _, tt := range tests {
		to := request("GET", tt.to)
		err := checkRedirect(to, []*http.Request{request("GET", tt.from)})
		if (err == nil) != tt.ok || err == nil && (to.Header.Get("Authorization") != "") != tt.auth {
			t.Errorf("%s to %s: %v, %v", tt.from, tt.to, err, to.Header)
		}
	}
	post := request("POST", "https://up.test/audit")
	if err := checkRedirect(request("GET", "https://up.test/b"), []*http.Request{post}); err == nil {
		t.Error("a POST became a GET")
	}
}

func TestOwnHosts(t *testing.T) {
	tests := []struct {
		base, url string
		own       bool
	}{
		{"http://10.0.0.5:4873", "http://10.0.0.5:4873/x", true},
		{"http://10.0.0.5:4873", "http://10.0.0.5/x", false},
		{"http://10.0.0.5:4873", "https://10.0.0.5/x", false},
		{"http://npm.corp", "https://npm.corp/x", true}, // on its way to https
		{"https://npm.corp", "http://npm.corp:80/x", false},
		{"https://npm.corp", "https://NPM.corp./x", true},
		{"https://npm.corp", "https://npm.corp.evil/x", false},
		{"https://npm.corp", "https://npm.corp@evil/x", false},
	}
	for _, tt := range tests {
		g := &guard{base: parse(t, tt.base)}
		if got := g.own(parse(t, tt.url)); got != tt.own {
			t.Errorf("own(%s) of upstream %s = %t", tt.url, tt.base, got)
		}
	}
}

func TestProxies(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var asked []string
		w.host("proxy.private:3128", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
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
			if _, _, err := w.tarball(name, name+"-1.0.0.tgz"); !errors.Is(err, fault.Upstream) {
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
		if tt.want == "" && !errors.Is(err, fault.Upstream) || tt.want != "" && (err != nil || got.String() != tt.want) {
			t.Errorf("source(%s) of upstream %s = %v, %v; want %s", tt.from, tt.base, got, err, tt.want)
		}
	}
}

func TestLoopGuard(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		w.doc("a", full, false)
		h := w.registry.last().Header
		if !w.IsLoop(h) {
			t.Errorf("our own request is not recognised: %v", h)
		}
		if w.IsLoop(http.Header{}) || w.IsLoop(http.Header{HopHeader: {"", "another"}}) {
			t.Error("somebody else's request is taken for ours")
		}
		h.Add(HopHeader, "another")
		if !w.IsLoop(h) {
			t.Error("with another instance's value beside ours it is not recognised")
		}
		first := w.Service.id
		w.restart(Options{})
		if w.Service.id == first || len(first) < 20 {
			t.Errorf("ids %q and %q", first, w.Service.id)
		}
	})
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

// TestDialledAddressIsChecked: it is the address that counts, not the name.
func TestDialledAddressIsChecked(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n := defaultNetwork()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		_, err := n.foreign(t.Context(), "tcp", net.JoinHostPort(host, port))
		if _, ok := errors.AsType[*refusedError](err); !ok {
			t.Errorf("dialling %s: %v", host, err)
		}
	}
	conn, err := n.own(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
