package zigmirror_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigmirror/mirrortest"
	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
)

func TestParseHosts(t *testing.T) {
	for text, want := range map[string]string{
		"github.com,codeberg.org": "[github.com codeberg.org]", "GitHub.com,github.com": "[github.com]", "git.example.co.uk": "[git.example.co.uk]",
		"xn--bcher-kva.example": "[xn--bcher-kva.example]", "a.b": "[a.b]",
	} {
		if got, err := zigmirror.ParseHosts(strings.Split(text, ",")); err != nil || fmt.Sprint(got) != want {
			t.Errorf("ParseHosts(%s) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "*", "*.github.com", ".github.com", "github.com.", "github.com:443", "https://github.com", "github.com/", "github.com/acme", "user@github.com", "git hub.com",
		"localhost", "intranet", "printer.local", "git.internal", "nas.home.arpa", "a.localhost",
		"127.0.0.1", "8.8.8.8", "0x7f.1", "127.1", "::1", "[::1]", "2130706433", "bücher.example", "gıthub.com", "-a.com", "a-.com", "a..b", "a_b.com",
		strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "com", "github.com\n", "github.com,codeberg.org", "forge.\u212aom",
	} {
		if got, err := zigmirror.ParseHosts([]string{"github.com", text}); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "ZIG_MIRROR") {
			t.Errorf("ParseHosts(%q) = %v, %v", text, got, err)
		}
	}
}

// Nothing but the very names of the list leads to a host.
func TestHostsThatAreNotListed(t *testing.T) {
	bubble(t, zigmirror.Options{Hosts: []string{"github.com"}}, func(t *testing.T, w *world) {
		for _, host := range []string{
			"", "codeberg.org", "GitHub.com", "GITHUB.COM", "github.com.", "github.com:443", "github.com:8443", "user@github.com", "user:pass@github.com", "github.com@evil.test",
			"evil.test#github.com", "evil.test?github.com", "evil.test/github.com", "github.com/..", "github.com\\evil.test", "www.github.com", "github.com.evil.test",
			"gıthub.com", "ＧitHub.com", "xn--gthub-n4a.com", "127.0.0.1", "localhost", " github.com", "github.com ", "github.com\x00", "github%2ecom", "github。com",
		} {
			p := main
			p.Host = host
			_, _, err := w.get(p)
			if e, ok := fault.Public(err); !ok || e.Kind != fault.Forbidden || e.Code != "host_not_mirrored" || !strings.Contains(e.Message, "github.com") {
				t.Errorf("the host %q: %v", host, err)
			}
		}
		if got := w.forges.Dialled(); len(got) > 0 {
			t.Errorf("%v were dialled", got)
		}
	})
}

func TestPlacesThatAreNone(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		names := []string{
			"", ".", "..", "...", "a/b", "a\\b", "a%2fb", "%2e%2e", "a b", "a\nb", "a\x00b", "a?b", "a#b", "a:b", "a@b", "ä", "a~b", "a&b", "$(id)", strings.Repeat("a", 101),
		}
		refs := []string{
			"", ".", "..", "../../../evil/repo/archive/main", "a/../b", "a/..", "a//b", "/a", "a/", "a/.b", ".a", "-a", "a..b", "a\\b", "a%2fb", "%2e%2e", "a b", "a?b", "a#b", "a:b", "a~1", "a^",
			"a\x00", "a\nb", "ä", "a*", "[a]", "@{u}", strings.Repeat("a", 251),
		}
		refused := func(p zigmirror.Place) {
			t.Helper()
			_, _, err := w.get(p)
			if e, ok := fault.Public(err); !ok || e.Kind != fault.Invalid || e.Code != "bad_place" || len(e.Message) > 600 {
				t.Errorf("%q: %v", p, err)
			}
		}
		for _, name := range names {
			p := main
			p.Owner = name
			refused(p)
			p = main
			p.Repo = name
			refused(p)
		}
		for _, ref := range refs {
			p := main
			p.Ref = ref
			refused(p)
		}
		if got := w.forges.Dialled(); len(got) > 0 {
			t.Errorf("%v were dialled", got)
		}
		for _, ref := range []string{"v1.0.0", "v1.0.0-rc.1+5", "feature/x/y", "refs/heads/main", "release@1", commit1, "_x", "1", "a.tar.gz"} {
			p := main
			p.Ref = ref
			if _, _, err := w.get(p); !errors.Is(err, fault.NotFound) {
				t.Errorf("the ref %s: %v", ref, err)
			}
		}
	})
}

// Redirects lead to public hosts by https, and no further.
func TestHostileRedirects(t *testing.T) {
	targets := []string{
		"http://codeload.github.com/acme/lib/tar.gz/main", "http://github.com/x", "https://inner.private/x", "https://localhost/x", "https://LOCALHOST./x", "https://metadata.google.internal/x",
		"https://127.0.0.1/x", "https://10.0.0.1/x", "https://169.254.169.254/latest/meta-data", "https://[::1]/x", "https://[::ffff:10.0.0.1]/x", "https://2130706433/x", "https://0x7f.1/x",
		"https://intranet/x", "ftp://codeberg.org/x", "file:///etc/passwd", "/loop",
	}
	for _, target := range targets {
		bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
			w.forges.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				http.Redirect(rw, r, target, http.StatusFound)
				return true
			})
			_, _, err := w.get(main)
			e, ok := fault.Public(err)
			if !ok || e.Kind != fault.Upstream || strings.Contains(e.Message, "10.1.2.3") {
				t.Errorf("to %s: %v, public %+v", target, err, e)
			}
			allowed := 1
			if target == "/loop" {
				allowed += egress.MaxRedirects
			}
			if got := w.forges.Took(); len(got) != allowed {
				t.Errorf("to %s: %d requests", target, len(got))
			}
			if got := w.forges.Dialled(); slices.ContainsFunc(got, func(addr string) bool { return addr != "github.com:443" }) {
				t.Errorf("to %s: %v were dialled", target, got)
			}
		})
	}
}

// Other public hosts are followed, and told nothing of who asks.
func TestRedirectsToOthers(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		archive := library(t, commit1, "one")
		w.forges.Host("cdn.test:8443", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "" || r.Header.Get("Cookie") != "" {
				t.Errorf("cdn.test got %v", r.Header)
			}
			_, _ = rw.Write(archive)
		}))
		w.forges.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			if r.Host == "github.com" {
				rw.Header().Set("Set-Cookie", "a=b")
				http.Redirect(rw, r, "https://user:pass@cdn.test:8443/signed?key=1", http.StatusTemporaryRedirect)
			}
			return r.Host == "github.com"
		})
		w.must(main)
	})
}

// Certificates are checked.
func TestCertificates(t *testing.T) {
	bubble(t, zigmirror.Options{Hosts: []string{"forge.example"}}, func(t *testing.T, w *world) {
		asked := false
		w.forges.Host("forge.example:443", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
		p := main
		p.Host = "forge.example" // the certificate is not for it
		if _, _, err := w.get(p); !errors.Is(err, fault.Unavailable) || asked {
			t.Errorf("a forge with the certificate of another: %v, asked %t", err, asked)
		}
	})
}

func TestOptions(t *testing.T) {
	for _, opt := range []zigmirror.Options{{}, {Hosts: []string{mirrortest.GitHub}}, {SpoolDir: "x"}} {
		if _, err := zigmirror.New(opt); !errors.Is(err, fault.Invalid) {
			t.Errorf("New(%+v): %v", opt, err)
		}
	}
}
