package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/format/lumen"
)

// lumenSeat is somebody with Lumen's own client.
type lumenSeat struct {
	t    *testing.T
	path string
	env  []string
}

func newLumenSeat(t *testing.T, registry, token string) lumenSeat {
	t.Helper()
	home := t.TempDir()
	return lumenSeat{t, clients.Get(t, clients.Wares).Path, cleanEnv("HOME="+home, "LUMEN_REGISTRY="+registry, "LUMEN_AUTH_TOKEN="+token, "NO_COLOR=1")}
}

func (s lumenSeat) run(dir string, args ...string) result {
	s.t.Helper()
	return s.uncoloured(exe(s.t, dir, s.env, s.path, args...))
}

// confirm runs the client for who answers its question with yes.
func (s lumenSeat) confirm(dir string, args ...string) result {
	s.t.Helper()
	return s.uncoloured(exe(s.t, dir, s.env, "sh", append([]string{"-c", `echo y | "$0" "$@"`, s.path}, args...)...))
}

var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// uncoloured is what a program said without the colours that it can't be told to leave out.
func (lumenSeat) uncoloured(r result) result {
	r.stdout, r.stderr = colour.ReplaceAllString(r.stdout, ""), colour.ReplaceAllString(r.stderr, "")
	return r
}

// lumenMetadata is what the server shows of a version.
func lumenMetadata(t *testing.T, s *server, name, version string) (m lumen.Metadata) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/lumen/"+lumen.MetadataPath(name, version), nil)
	if err != nil {
		t.Fatal(err)
	}
	status, body := answer(t, r)
	if err := json.Unmarshal([]byte(body), &m); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s, %v", status, body, err)
	}
	return m
}

// Lumen's own client publishes, signed by a key that the server certifies, and installs what it has published.
func TestLumenClientPublishes(t *testing.T) {
	t.Parallel()
	s := startServerIn(t, cleanEnv("LUMEN_UPLOAD_SIGNATURES=require"), t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	addUser(t, s, "alice")
	addUser(t, s, "bob")
	registry := s.url + "/lumen"
	alice := newLumenSeat(t, registry, newToken(t, s, "--name", "a", "--user", "alice", "--packages", "lumen:@acme/*"))
	bob := newLumenSeat(t, registry+"/api/v1", newToken(t, s, "--name", "b", "--user", "bob"))

	base, http := lumenPackage(t, "@acme/base", "0.1.0"), t.TempDir()
	write(t, http, "-- lumen.toml --\n[package]\nname = \"@acme/http\"\nversion = \"1.0.0\"\n[dependencies]\n\"@acme/base\" = \"^0.1\"\n-- src/main.lm --\ncell main() -> Int\n-- LICENSE --\nMIT\n")
	alice.run(base, "publish", "--dry-run").says(t, "nothing uploaded")
	alice.run(base, "publish").says(t, "published @acme/base@0.1.0", "signed by alice")
	alice.run(http, "publish").says(t, "published @acme/http@1.0.0")
	alice.run(http, "publish").says(t, "published @acme/http@1.0.0") // the same bytes
	m := lumenMetadata(t, s, "@acme/http", "1.0.0")
	if m.Upload == nil || m.Upload.Algorithm != lumen.AlgorithmP256 || m.Upload.Verify(m.Name, m.Version) != nil || m.Deps["@acme/base"] != "^0.1" || m.Publisher.Name != "alice" {
		t.Errorf("the metadata: %+v, signed %+v", m, m.Upload)
	}
	write(t, http, "-- src/main.lm --\ncell main() -> Float\n")
	alice.run(http, "publish").refuses(t, "already exists with other content")
	for name, token := range map[string]string{"a wrong token": "lm_0123456789abcdefghij", "one that reads": newToken(t, s, "--name", "r", "--user", "alice", "--permissions", "read")} {
		t.Run(name, func(t *testing.T) {
			newLumenSeat(t, registry, token).run(lumenPackage(t, "@acme/base", "9.0.0"), "publish").refuses(t, "Failed to get certificate")
		})
	}
	unsigned := exe(t, lumenPackage(t, "@acme/base", "9.0.0"), cleanEnv("REGISTRY_TOKEN="+guideToken), filepath.Join(bin, "registry-server"), "publish", "lumen", "--registry", registry)
	unsigned.refuses(t, "takes signed uploads only")

	// Owners come and go.
	next := lumenPackage(t, "@acme/base", "0.1.1")
	bob.run(next, "publish").refuses(t, "not an owner")
	alice.run(next, "owner", "add", "@acme/base", "bob", "maintainer").says(t, "added bob")
	alice.run(next, "owner", "list", "@acme/base").says(t, "alice", "bob")
	bob.run(next, "publish").says(t, "published @acme/base@0.1.1", "signed by bob")
	alice.confirm(next, "owner", "remove", "@acme/base", "bob").says(t, "removed")
	bob.run(lumenPackage(t, "@acme/base", "0.1.2"), "publish").refuses(t, "not an owner")
	bob.run(next, "owner", "add", "@acme/base", "bob", "owner").refuses(t)

	// Whatever else it can do.
	bob.run(next, "whoami").says(t, "bob", "publish")
	bob.run(next, "info", "@acme/http").says(t, "1.0.0")
	bob.run(next, "search", "http").says(t, "no matches") // it looks at files of its own only
	bob.run(base, "pack").says(t, "created")
	app := t.TempDir()
	write(t, app, "-- lumen.toml --\n[package]\nname = \"@acme/app\"\nversion = \"0.1.0\"\n\n[dependencies]\n\"@acme/http\" = \"^1\"\n-- src/main.lm --\ncell main() -> Int\n")
	bob.run(app, "install").must(t)
	lock := read(t, filepath.Join(app, "lumen.lock"))
	if strings.Count(lock, "[[package]]") != 2 || !strings.Contains(lock, `version = "1.0.0"`) || !strings.Contains(lock, `version = "0.1.1"`) {
		t.Errorf("lumen.lock: %s", lock)
	}
	if _, err := os.Stat(filepath.Join(app, ".lumen/registry/installed/@acme/http/1.0.0/LICENSE")); err != nil {
		t.Error(err)
	}
	exe(t, app, cleanEnv(), filepath.Join(bin, "registry-server"), "verify", "lumen", registry).says(t, "3 versions (3 signed")
}

// On a private server the client reads where it can't publish, and publishes where it can't read the dependencies; the server's program does both.
func TestLumenPublishPrivate(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback", "--read-auth", "required")
	addUser(t, s, "alice")
	token := newToken(t, s, "--name", "a", "--user", "alice", "--packages", "lumen:@acme/*")
	registry := s.url + "/lumen"
	readable := registry + "/t/" + newToken(t, s, "--name", "r", "--user", "alice", "--permissions", "read")
	at := func(registry string) lumenSeat { return newLumenSeat(t, registry, token) }
	at(registry).run(lumenPackage(t, "@acme/base", "0.1.0"), "publish").says(t, "published @acme/base@0.1.0")

	http := t.TempDir()
	write(t, http, "-- lumen.toml --\n[package]\nname = \"@acme/http\"\nversion = \"1.0.0\"\n[dependencies]\n\"@acme/base\" = \"^0.1.0\"\n-- src/main.lm --\ncell main() -> Int\n")
	at(registry).run(http, "publish").refuses(t, "Failed to fetch package index for '@acme/base'")
	at(registry+"/t/"+token).run(http, "publish").refuses(t, "Failed to get certificate")
	exe(t, http, cleanEnv("REGISTRY_TOKEN="+token), filepath.Join(bin, "registry-server"), "publish", "lumen", "--registry", registry).says(t, "@acme/http 1.0.0 published")
	app := t.TempDir()
	write(t, app, "-- lumen.toml --\n[package]\nname = \"@acme/app\"\nversion = \"0.1.0\"\n\n[dependencies]\n\"@acme/http\" = \"^1\"\n-- src/main.lm --\ncell main() -> Int\n")
	at(readable).run(app, "install").must(t)
	if lock := read(t, filepath.Join(app, "lumen.lock")); strings.Count(lock, "[[package]]") != 2 {
		t.Errorf("lumen.lock: %s", lock)
	}
}
