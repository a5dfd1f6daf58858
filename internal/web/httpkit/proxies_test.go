package httpkit

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func proxies(t testing.TB, list ...string) Proxies {
	t.Helper()
	p, err := ParseProxies(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestForwardedFor: only trusted proxies are believed, and of what they pass on
// only what one of them has written.
func TestForwardedFor(t *testing.T) {
	trusted := proxies(t, "127.0.0.1", "10.0.0.0/8", "::ffff:192.168.0.0/112", "2001:db8:1::/48", "::1")
	for _, tt := range []struct {
		name, from string
		forwarded  []string
		want       string
	}{
		{"no proxy", "192.0.2.1:5000", nil, "192.0.2.1"},
		{"an untrusted peer that invents one", "192.0.2.1:5000", []string{"203.0.113.9"}, "192.0.2.1"},
		{"an untrusted peer that invents a chain", "192.0.2.1:5000", []string{"203.0.113.9, 10.0.0.1"}, "192.0.2.1"},
		{"a proxy", "10.0.0.1:5000", []string{"203.0.113.9"}, "203.0.113.9"},
		{"a proxy that passes nothing on", "10.0.0.1:5000", nil, "10.0.0.1"},
		{"a client that invents its address", "10.0.0.1:5000", []string{"127.0.0.1, 203.0.113.9"}, "203.0.113.9"},
		{"a client that invents a proxy", "10.0.0.1:5000", []string{"198.51.100.1, 10.0.0.2, 203.0.113.9"}, "203.0.113.9"},
		{"a client that sends garbage", "10.0.0.1:5000", []string{"<script>,,;, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.0.0.1:5000", []string{"198.51.100.1, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"a proxy that adds a line", "10.0.0.1:5000", []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		{"two proxies that add lines", "10.0.0.1:5000", []string{"198.51.100.1", "203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
		{"a proxy in between that is not trusted", "10.0.0.1:5000", []string{"203.0.113.9, 172.16.0.1"}, "172.16.0.1"},
		{"a proxy on this machine", "127.0.0.1:5000", []string{"203.0.113.9"}, "203.0.113.9"},
		{"a client on this machine, by a proxy", "10.0.0.1:5000", []string{"127.0.0.1"}, "10.0.0.1"},
		{"only proxies", "10.0.0.1:5000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.1"},
		{"IPv6", "[2001:db8:1::7]:5000", []string{"2001:db8:2::9"}, "2001:db8:2::9"},
		{"IPv6 in brackets", "[::1]:5000", []string{"[2001:db8:2::9]"}, "2001:db8:2::9"},
		{"IPv6 with a port", "[::1]:5000", []string{"[2001:db8:2::9]:4000"}, "2001:db8:2::9"},
		{"IPv4 with a port", "10.0.0.1:5000", []string{"203.0.113.9:4000"}, "203.0.113.9"},
		{"an IPv4 peer in IPv6", "[::ffff:10.0.0.1]:5000", []string{"203.0.113.9"}, "203.0.113.9"},
		{"an IPv4 client in IPv6", "10.0.0.1:5000", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"an IPv4 proxy in IPv6", "10.0.0.1:5000", []string{"203.0.113.9, ::ffff:10.0.0.2"}, "203.0.113.9"},
		{"a network of IPv4 in IPv6", "192.168.3.4:5000", []string{"203.0.113.9"}, "203.0.113.9"},
		{"a neighbour of the link", "[fe80::1%eth0]:5000", []string{"203.0.113.9"}, "fe80::1%eth0"},
		{"a zone", "10.0.0.1:5000", []string{"fe80::1%eth0"}, "10.0.0.1"},
		{"nothing", "10.0.0.1:5000", []string{""}, "10.0.0.1"},
		{"a comma at the end", "10.0.0.1:5000", []string{"203.0.113.9,"}, "10.0.0.1"},
		{"a name", "10.0.0.1:5000", []string{"client.example"}, "10.0.0.1"},
		{"unknown", "10.0.0.1:5000", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		{"a line break", "10.0.0.1:5000", []string{"203.0.113.9\n10.0.0.2"}, "10.0.0.1"},
		{"brackets and nothing else", "10.0.0.1:5000", []string{"[]"}, "10.0.0.1"},
		{"a long word", "10.0.0.1:5000", []string{strings.Repeat("1", 60_000)}, "10.0.0.1"},
		{"a long chain", "10.0.0.1:5000", []string{"203.0.113.9" + strings.Repeat(",10.0.0.2", 6_000)}, "10.0.0.1"},
		{"as many hops as may be", "10.0.0.1:5000", []string{"203.0.113.9" + strings.Repeat(",10.0.0.2", maxHops-1)}, "203.0.113.9"},
		{"a hop more", "10.0.0.1:5000", []string{"203.0.113.9" + strings.Repeat(",10.0.0.2", maxHops)}, "10.0.0.1"},
		{"many lines", "10.0.0.1:5000", strings.Split("203.0.113.9"+strings.Repeat(",10.0.0.2", 6_000), ","), "10.0.0.1"},
	} {
		var got Credentials
		h := Front{Log: slog.New(slog.DiscardHandler), Proxies: trusted}.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = CredentialsOf(r) }))
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.RemoteAddr = tt.from
		if tt.forwarded != nil {
			r.Header["X-Forwarded-For"] = tt.forwarded
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got.Addr.String() != tt.want {
			t.Errorf("%s: the client is %s, want %s", tt.name, got.Addr, tt.want)
		}
		if got.Local && tt.forwarded != nil {
			t.Errorf("%s: a request that was passed on is taken for one of this machine", tt.name)
		}
	}
}

// A server that trusts nobody looks at no header, of its own machine neither.
func TestNobodyIsTrusted(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "127.0.0.1:5000"
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	if (Proxies{}).reveal(r); r.RemoteAddr != "127.0.0.1:5000" {
		t.Errorf("the client is %s", r.RemoteAddr)
	}
}

func TestParseProxies(t *testing.T) {
	for _, text := range []string{"", "x", "10.0.0.0/33", "10.0.0.1:80", "proxy.example", "10.0.0", "/8", "::/129", "0.0.0.0/0", "::/0", "10.0.0.1 "} {
		if p, err := ParseProxies([]string{"10.0.0.1", text}); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "TRUSTED_PROXIES") {
			t.Errorf("ParseProxies(%q) = %v, %v", text, p, err)
		}
	}
}

func FuzzForwardedFor(f *testing.F) {
	for _, s := range []string{"203.0.113.9", "a, 203.0.113.9:80 , 10.0.0.2", "[2001:db8::1]:80,::1", "[", "]:1", ",,,", "::ffff:1.2.3.4", "fe80::1%x"} {
		f.Add(s, s)
	}
	trusted := proxies(f, "10.0.0.0/8", "::1")
	f.Fuzz(func(t *testing.T, first, second string) {
		a, ok := trusted.client([]string{first, second})
		switch {
		case ok && (!a.IsValid() || a.Zone() != "" || a.Is4In6() || trusted.have(a)):
			t.Errorf("the client of %q, %q is %s", first, second, a)
		case ok && !strings.Contains(second, ",") && !trusted.have(a):
			if last, valid := forwardedAddr(strings.Trim(second, " \t")); !valid || last != a && !trusted.have(last) {
				t.Errorf("the client of %q, %q is %s, which is not in the last line", first, second, a)
			}
		}
	})
}
