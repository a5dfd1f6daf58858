package registry_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/org/registry-action/registry"
)

// Who deletes the cache of a running server, or its folder for uploads, has freed
// some space and broken nothing.
func TestDeletedFolders(t *testing.T) {
	f := newFar(t, "lodash", "react")
	n, clock := behind(t, f, registry.Config{})
	read := func(when string) {
		t.Helper()
		for _, name := range []string{"lodash", "react"} {
			if a := n.get("/" + name); a.StatusCode != 200 {
				t.Errorf("%s: %s answers %d %s", when, name, a.StatusCode, a.body)
			}
			if _, body, err := n.try("/" + name + "/-/" + name + "-1.0.0.tgz"); err != nil || body != f.tarball(name) {
				t.Errorf("%s: the tarball of %s has %d bytes, %v", when, name, len(body), err)
			}
		}
	}
	read("at first")
	cache := filepath.Join(n.dir, "cache")
	for _, what := range []string{cache, filepath.Join(cache, ".tmp"), filepath.Join(n.dir, "spool")} {
		for _, pass := range []time.Duration{0, 3 * time.Minute} { // with documents that are fresh, and to be confirmed
			clock.Pass(pass)
			removeInUse(t, what)
			read("without " + filepath.Base(what))
		}
	}
	if a := n.publish("mine", "1.0.0"); a.StatusCode != 201 {
		t.Errorf("publishing answers %d %s", a.StatusCode, a.body)
	}
	if entries, err := os.ReadDir(cache); err != nil || len(entries) < 3 {
		t.Errorf("the cache is not used any more: %v, %v", entries, err)
	}
}

// removeInUse deletes a folder that the server writes to. It keeps an answer after it has
// sent it, so that a file may come just as its folder goes: then another attempt is needed.
func removeInUse(t *testing.T, dir string) {
	t.Helper()
	var err error
	for range 100 {
		if err = os.RemoveAll(dir); err == nil {
			return
		}
	}
	t.Fatal(err)
}
