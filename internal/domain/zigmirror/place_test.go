package zigmirror

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

// FuzzPlace: whatever is let through leads to the host of the list and below the repository.
func FuzzPlace(f *testing.F) {
	for _, seed := range [][4]string{
		{"github.com", "acme", "lib", "main"}, {"github.com", "~acme", "lib.zig", "feature/x"}, {"github.com", "..", "..", "../x"}, {"github.com", "a", "b", "x?y#z"},
		{"github.com@evil.test", "a", "b", "c"}, {"github.com", "a%2f..", "b", "%2e%2e"}, {"github.com", "a", ".", "c"}, {"github.com", "a\\b", "c", "d"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	s := &Service{hosts: []string{"github.com"}}
	f.Fuzz(func(t *testing.T, host, owner, repo, ref string) {
		p := Place{Host: host, Owner: owner, Repo: repo, Ref: ref}
		if s.check(p) != nil {
			return
		}
		u, err := url.Parse(p.URL())
		if err != nil || u.Scheme != "https" || u.Host != "github.com" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
			t.Fatalf("%q leads to %q: %v", p, p.URL(), err)
		}
		want := "/" + owner + "/" + repo + "/archive/" + ref + ".tar.gz"
		if u.Path != want || path.Clean(u.EscapedPath()) != want || strings.ContainsAny(p.key(), "\r\x00") || strings.Count(p.key(), "\n") != 4 {
			t.Fatalf("%q leads to the path %q, under the key %q", p, u.EscapedPath(), p.key())
		}
	})
}
