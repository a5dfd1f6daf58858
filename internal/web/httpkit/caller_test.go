package httpkit

import (
	"encoding/base64"
	"net/http/httptest"
	"testing"
)

func TestCredentialsOf(t *testing.T) {
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for header, want := range map[string][2]string{
		"":                      {"", ""},
		"Bearer abc":            {"", "abc"},
		"bearer  abc ":          {"", "abc"},
		"abc":                   {"", "abc"},
		basic("alice:secret"):   {"alice", "secret"},
		basic("alice:se:cr:et"): {"alice", "se:cr:et"},
		basic("token:"):         {"", "token"},
		basic("token"):          {"", "token"},
		"Basic !":               {"", ""},
		"Basic":                 {"", "Basic"},
		"Digest abc":            {"", ""},
		"Bearer ":               {"", "Bearer"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", header)
		if c := CredentialsOf(r); c.User != want[0] || c.Secret != want[1] {
			t.Errorf("CredentialsOf(%q) = %q, %q, want %q", header, c.User, c.Secret, want)
		}
	}
}

// What headers say of the address is not believed.
func TestRemote(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1:1234": "192.0.2.1", "[2001:db8::1]:1234": "2001:db8::1", "[::ffff:192.0.2.1]:1234": "192.0.2.1", "@": "invalid IP", "": "invalid IP",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = addr
		r.Header.Set("X-Forwarded-For", "10.0.0.1")
		if got := Remote(r).String(); got != want {
			t.Errorf("Remote(%s) = %s, want %s", addr, got, want)
		}
	}
}

// Whoever is let in for being on this machine must not be a page or a proxy that is.
func TestLocal(t *testing.T) {
	for _, tt := range []struct {
		name, from, host string
		header           [2]string
		want             bool
	}{
		{"npm", "127.0.0.1:5000", "localhost:3000", [2]string{}, true},
		{"npm over IPv6", "[::1]:5000", "[::1]:3000", [2]string{}, true},
		{"another machine", "192.0.2.1:5000", "localhost:3000", [2]string{}, false},
		{"a rebound name", "127.0.0.1:5000", "evil.example:3000", [2]string{}, false},
		{"a proxy", "127.0.0.1:5000", "localhost:3000", [2]string{"X-Forwarded-For", "127.0.0.1"}, false},
		{"an address typed into a browser", "127.0.0.1:5000", "localhost:3000", [2]string{"Sec-Fetch-Site", "none"}, true},
		{"our own page", "127.0.0.1:5000", "localhost:3000", [2]string{"Sec-Fetch-Site", "same-origin"}, true},
		{"another site's page", "127.0.0.1:5000", "localhost:3000", [2]string{"Sec-Fetch-Site", "cross-site"}, false},
		{"a page of another port", "127.0.0.1:5000", "localhost:3000", [2]string{"Sec-Fetch-Site", "same-site"}, false},
		{"our own page in an old browser", "127.0.0.1:5000", "localhost:3000", [2]string{"Origin", "http://localhost:3000"}, true},
		{"another site's page in an old browser", "127.0.0.1:5000", "localhost:3000", [2]string{"Origin", "https://evil.example"}, false},
		{"a page of another port in an old browser", "127.0.0.1:5000", "localhost:3000", [2]string{"Origin", "http://localhost:8080"}, false},
		{"a page without an origin", "127.0.0.1:5000", "localhost:3000", [2]string{"Origin", "null"}, false},
		{"an origin that is none", "127.0.0.1:5000", "localhost:3000", [2]string{"Origin", "http://[localhost:3000"}, false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Host = tt.from, tt.host
		if tt.header[0] != "" {
			r.Header.Set(tt.header[0], tt.header[1])
		}
		if got := Local(r); got != tt.want {
			t.Errorf("Local of %s = %v, want %v", tt.name, got, tt.want)
		}
	}
}
