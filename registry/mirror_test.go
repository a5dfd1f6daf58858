package registry_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/registry"
)

func TestMirrorOfForges(t *testing.T) {
	off := start(t, registry.Config{})
	if a := off.get("/zig/gh/acme/lib/main.tar.gz"); a.StatusCode != http.StatusNotFound || !strings.Contains(string(a.body), "ZIG_MIRROR") {
		t.Errorf("without a mirror: %d %s", a.StatusCode, a.body)
	}
	on := start(t, registry.Config{ZigMirror: []string{"Codeberg.org"}})
	if a := on.get("/zig/gh/acme/lib/main.tar.gz"); a.StatusCode != http.StatusForbidden || !strings.Contains(string(a.body), "codeberg.org") {
		t.Errorf("of another host: %d %s", a.StatusCode, a.body)
	}
	if a := on.get("/zig/mirror/codeberg.org/acme/lib/a..b.tar.gz"); a.StatusCode != http.StatusBadRequest {
		t.Errorf("of what is no ref: %d %s", a.StatusCode, a.body)
	}
}

// A mirror of what can't be one is refused before anything is made.
func TestMirrorOfWrongHosts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for _, host := range []string{"https://github.com", "localhost", "10.0.0.1", "*"} {
		_, err := registry.New(registry.Config{DataDir: dir, BaseURL: "http://localhost", NoUpstream: true, ZigMirror: []string{host}})
		if !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), "ZIG_MIRROR") {
			t.Errorf("New with %s: %v", host, err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data folder: %v", err)
	}
}
