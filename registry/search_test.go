package registry_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/registry"
)

// found are the names that /search answers with.
func (n *node) found(text string) []string {
	n.t.Helper()
	a := n.get("/search?limit=50&q=" + url.QueryEscape(text))
	var answer struct {
		Results []struct{ Name string }
	}
	if err := json.Unmarshal(a.body, &answer); err != nil || a.StatusCode != http.StatusOK {
		n.t.Fatalf("searching for %q: %d %s, %v", text, a.StatusCode, a.body, err)
	}
	names := []string{}
	for _, r := range answer.Results {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	return names
}

// waitFound waits until a search answers with some names.
func (n *node) waitFound(text string, want ...string) {
	n.t.Helper()
	eventually(n.t, fmt.Sprintf("%q finds %q", text, want), func() bool { return slices.Equal(n.found(text), want) })
}

// waitIndexed waits until the index has all there is, which a search for a kind tells.
func (n *node) waitIndexed() {
	n.t.Helper()
	eventually(n.t, "the index is made", func() bool { return n.get("/search?q=kind:npm").Header.Get("Search-Index") == "" })
}

func described(t *testing.T, name, version, description string) string {
	t.Helper()
	return archive(t, &tar.Header{Name: "package/package.json", Mode: 0o644},
		fmt.Sprintf(`{"name":%q,"version":%q,"description":%q,"keywords":["tagged"],"author":"Grace H","dependencies":{"@acme/drawer":"^1.0.0"}}`, name, version, description))
}

func (n *node) publishDescribed(name, version, description string) {
	n.t.Helper()
	file := described(n.t, name, version, description)
	if a := n.request(http.MethodPut, "/"+url.PathEscape(name), strings.NewReader(document(name, version, file)), "Content-Type: application/json"); a.StatusCode/100 != 2 {
		n.t.Fatalf("publishing %s: %d %s", name, a.StatusCode, a.body)
	}
}

// What is published, changed and removed is found, of every kind, and soon; on another server of the same table too.
func TestSearchFollows(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	c := registry.Config{S3: bucket, DynamoDB: table, LumenUnscoped: true}
	nodes := []*node{start(t, c), start(t, c)}
	for _, n := range nodes {
		n.waitIndexed()
	}
	nodes[0].publishKinds()
	for _, n := range nodes {
		n.waitFound("kind:npm", "@acme/a")
		n.waitFound("kind:lumen,zig acme", "@acme/l")
		n.waitFound("kind:commit", "org/repo")
	}
	nodes[1].publishDescribed("finder", "1.0.0", "looks for lost socks")
	for _, n := range nodes {
		n.waitFound("socks", "finder")
		n.waitFound("keywords:tagged author:grace", "finder")
		n.waitFound("fnider", "finder")
		n.waitFound("depends:@acme/drawer", "finder")
	}
	nodes[0].publishDescribed("finder", "1.1.0", "looks for gloves")
	for _, n := range nodes {
		n.waitFound("gloves", "finder")
		n.waitFound("socks")
	}
	rev := nodes[0].get("/finder").json(t)["_rev"].(string)
	if a := nodes[0].request(http.MethodDelete, "/finder/-rev/"+rev, nil); a.StatusCode/100 != 2 {
		t.Fatalf("unpublishing: %d %s", a.StatusCode, a.body)
	}
	for _, n := range nodes {
		n.waitFound("gloves")
		n.waitFound("finder")
		n.waitFound("depends:@acme/drawer")
	}
}

// An index that is gone, damaged or of another version is made anew, and no search meanwhile leaves anything out.
func TestSearchRebuilt(t *testing.T) {
	dir := t.TempDir()
	n := start(t, registry.Config{DataDir: dir})
	n.publishAll()
	n.publishDescribed("finder", "1.0.0", "looks for lost socks")
	n.waitIndexed()
	n.waitFound("kind:npm socks", "finder")
	n.stop()
	index := filepath.Join(dir, "search")
	for what, hurt := range map[string]func() error{
		"nothing":         func() error { return nil },
		"gone":            func() error { return os.RemoveAll(index) },
		"another version": func() error { return os.Rename(filepath.Join(index, "v2"), filepath.Join(index, "v1")) },
		"bits flipped":    func() error { return eachFile(index, ".zap", func(b []byte) []byte { b[len(b)/2] ^= 4; return b }) },
		"files cut":       func() error { return eachFile(index, ".zap", func(b []byte) []byte { return b[:len(b)/2] }) },
		"files empty":     func() error { return eachFile(index, ".zap", func([]byte) []byte { return nil }) },
		"no root":         func() error { return eachFile(index, ".bolt", func([]byte) []byte { return nil }) },
		"root of noise":   func() error { return eachFile(index, ".bolt", func(b []byte) []byte { return []byte(noise(len(b))) }) },
		"no description":  func() error { return eachFile(index, ".json", func([]byte) []byte { return []byte("{") }) },
	} {
		t.Run(what, func(t *testing.T) {
			if err := hurt(); err != nil {
				t.Fatal(err)
			}
			n := start(t, registry.Config{DataDir: dir})
			if got := n.found("socks"); !slices.Equal(got, []string{"finder"}) {
				t.Errorf("at once %q is found", got)
			}
			n.waitIndexed()
			n.waitFound("kind:npm", "@acme/a", "finder")
			n.waitFound("author:grace", "finder")
			old, err := filepath.Glob(filepath.Join(index, "*"))
			if err != nil || len(old) != 1 {
				t.Errorf("the folder has %q, %v", old, err)
			}
			n.stop()
		})
	}
}

// eachFile changes the files with an ending below a folder; one at least must be there.
func eachFile(dir, ending string, change func([]byte) []byte) error {
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ending) {
			return err
		}
		found = true
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return errors.Join(os.Remove(path), os.WriteFile(path, change(text), 0o600))
	})
	if err == nil && !found {
		err = fmt.Errorf("there is no *%s in %s", ending, dir)
	}
	return err
}

// What is typed is never a server's error, on any of the paths.
func TestSearchHostile(t *testing.T) {
	n := start(t, registry.Config{})
	n.publishAll()
	n.waitIndexed()
	for _, text := range []string{`"`, strings.Repeat("*", 1000), "((((a|b", "kind:", "kind:x y", strings.Repeat("a ", 3000), "\x00", "%", "a~99", "[a TO b]", "+-&&||!", strings.Repeat("é", 250), "scope:@/x:"} {
		for _, path := range []string{"/search?q=", "/-/v1/search?text=", "/zig/search?q=", "/lumen/v1/search?q="} {
			if a := n.get(path + url.QueryEscape(text)); a.StatusCode >= 500 {
				t.Errorf("%s%q answers %d %s", path, text, a.StatusCode, a.body)
			}
		}
	}
}
