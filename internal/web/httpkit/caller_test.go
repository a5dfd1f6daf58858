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
