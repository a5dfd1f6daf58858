package lumentree_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/lumentree"
)

func yank(t *testing.T, dir string, signer ed25519.PrivateKey, y lumentree.Yank) (changed bool, err error) {
	t.Helper()
	d := disk(t, dir)
	defer func() { err = errors.Join(err, d.Close()) }()
	return y.Apply(t.Context(), d, lumentree.PublishOptions{Key: signer, Now: clock})
}

// member is what a file has as one of its members.
func member(t *testing.T, dir, path, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, path))
	var all map[string]json.RawMessage
	if err := errors.Join(err, json.Unmarshal(text, &all)); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(all[name])), "")
}

// A version that is yanked is no longer the latest, stays in the list, and is offered again when that is undone, with all that was there before.
func TestYank(t *testing.T) {
	for name, signer := range map[string]ed25519.PrivateKey{"signed": key, "unsigned": nil} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			publish(t, dir, signer, pack(t, "@acme/http", "1.0.0", "one", `description = "sends"`), pack(t, "@acme/http", "1.1.0", "two", `description = "sends"`))
			edit(t, dir, "packages/@acme/http/1.1.0.json", `"deps"`, `"mine": 1, "deps"`)
			before, _ := contents(dir)
			y := lumentree.Yank{Name: "@acme/http", Version: "1.1.0", Reason: "leaks <all>"}
			for i, want := range []bool{true, false} {
				if changed, err := yank(t, dir, signer, y); changed != want || err != nil {
					t.Errorf("yank %d: changed is %v, %v", i, changed, err)
				}
			}
			if v := sound(t, dir); v.Yanked != 1 || v.Versions != 2 || len(v.Notes) > 1 {
				t.Errorf("after the yank: %+v", v)
			}
			for path, want := range map[string]map[string]string{
				httpIndex:                        {"yanked": `{"1.1.0":"leaks<all>"}`, "latest": `"1.0.0"`, "versions": `["1.0.0","1.1.0"]`},
				"packages/@acme/http/1.1.0.json": {"yanked": "true", "yank_reason": `"leaks<all>"`, "mine": "1"},
			} {
				for name, want := range want {
					if got := member(t, dir, path, name); got != want {
						t.Errorf("%s of %s: %s, want %s", name, path, got, want)
					}
				}
			}
			for _, y := range []lumentree.Yank{{Name: y.Name, Version: "1.0.0"}, {Name: y.Name, Version: "1.0.0", Undo: true}, {Name: y.Name, Version: y.Version, Undo: true}} {
				if changed, err := yank(t, dir, signer, y); !changed || err != nil {
					t.Error(changed, err)
				}
				if v := sound(t, dir); v.Yanked == 2 && member(t, dir, httpIndex, "latest") != "" {
					t.Error("all is yanked, and one is the latest")
				}
			}
			for _, path := range []string{httpIndex, "packages/@acme/http/1.1.0.json"} {
				var was, is map[string]any
				after, _ := contents(dir)
				if err := errors.Join(json.Unmarshal([]byte(before[path]), &was), json.Unmarshal([]byte(after[path]), &is)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(was, is); diff != "" {
					t.Errorf("%s after the yank was undone (-was +is): %s", path, diff)
				}
			}
		})
	}
}

// A package is described by the version that is offered, as with a server; what somebody wrote of it by hand stays.
func TestYankDescribes(t *testing.T) {
	dir := t.TempDir()
	publish(t, dir, nil,
		pack(t, "@acme/http", "1.0.0", "one", `description = "sends"`),
		pack(t, "@acme/http", "1.1.0", "two", `description = "sends and mines"`, `categories = ["mining"]`))
	byHand := clone(t, dir)
	edit(t, byHand, httpIndex, "sends and mines", "by hand")
	edit(t, byHand, httpIndex, "mining", "by-hand")
	for _, c := range []struct{ dir, description, categories, after string }{
		{dir, `"sends"`, `[]`, `"sendsandmines" ["mining"]`},
		{byHand, `"byhand"`, `["by-hand"]`, `"byhand" ["by-hand"]`},
	} {
		y := lumentree.Yank{Name: "@acme/http", Version: "1.1.0"}
		for _, want := range []string{c.description + " " + c.categories, c.after} {
			if _, err := yank(t, c.dir, nil, y); err != nil {
				t.Fatal(err)
			}
			if got := member(t, c.dir, httpIndex, "description") + " " + member(t, c.dir, httpIndex, "categories"); got != want {
				t.Errorf("undone is %v: %s, want %s", y.Undo, got, want)
			}
			sound(t, c.dir)
			y.Undo = true
		}
	}
	if global, err := os.ReadFile(filepath.Join(dir, "index.json")); err != nil || !strings.Contains(string(global), "sends and mines") {
		t.Errorf("index.json: %s, %v", global, err)
	}
}

func TestYankRefuses(t *testing.T) {
	dir := signedTree(t)
	exported := t.TempDir()
	export(t, dir, exported, lumentree.Options{})
	for want, c := range map[string]struct {
		dir    string
		signer ed25519.PrivateKey
		y      lumentree.Yank
	}{
		"there is no version 9.0.0":         {dir, key, lumentree.Yank{Name: "@acme/http", Version: "9.0.0"}},
		"there is no version 1.0.0 of @a/b": {dir, key, lumentree.Yank{Name: "@a/b", Version: "1.0.0"}},
		"name the key with --key":           {dir, nil, lumentree.Yank{Name: "@acme/http", Version: "1.0.0"}},
		"an export of a server":             {exported, key, lumentree.Yank{Name: "@acme/http", Version: "1.0.0"}},
	} {
		if _, err := yank(t, c.dir, c.signer, c.y); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c.y, err, want)
		}
	}
	sound(t, dir)
}

// A yank that was killed at any moment is ended by the same one; a publish that comes first leaves a tree that agrees with itself.
func TestYankKilledAnywhere(t *testing.T) {
	for name, signer := range map[string]ed25519.PrivateKey{"signed": key, "unsigned": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start, next := t.TempDir(), pack(t, "@acme/other", "1.0.0", "other")
			publish(t, start, signer, pack(t, "@acme/http", "1.0.0", "one"), pack(t, "@acme/http", "1.1.0", "two"))
			y := lumentree.Yank{Name: "@acme/http", Version: "1.1.0", Reason: "bad"}
			for n := 0; ; n++ {
				dir := clone(t, start)
				d, left := disk(t, dir), &atomic.Int64{}
				left.Store(int64(n))
				_, err := y.Apply(t.Context(), dying{d, left}, lumentree.PublishOptions{Key: signer, Now: clock})
				if closed := d.Close(); closed != nil || err != nil && !errors.Is(err, errStopped) {
					t.Fatal(err, closed)
				}
				sound(t, dir)
				other := clone(t, dir)
				publish(t, other, signer, next)
				listed := strings.Contains(member(t, other, httpIndex, "yanked"), "1.1.0")
				half := listed != (member(t, other, "packages/@acme/http/1.1.0.json", "yanked") == "true")
				if v := sound(t, other); v.UnderWay || half {
					t.Errorf("after %d operations and a publish: half a yank: %v, %+v", n, half, v)
				}
				if _, err := yank(t, dir, signer, y); err != nil {
					t.Fatal(err)
				}
				if v := sound(t, dir); v.UnderWay || v.Yanked != 1 || member(t, dir, "packages/@acme/http/1.1.0.json", "yanked") != "true" {
					t.Errorf("after %d operations and the yank again: %+v", n, v)
				}
				if err == nil {
					break
				}
			}
		})
	}
}

// A server is asked as Lumen's library asks.
func TestYankAtServer(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Reason string }
		_ = json.NewDecoder(r.Body).Decode(&body) // that of DELETE is empty
		asked = append(asked, r.Method+" "+r.URL.Path+" "+body.Reason+" "+r.Header.Get("Authorization"))
		if r.URL.Path != "/lumen/packages/@acme/http/1.0.0+linux/yank" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error":"Package not found"}`))
			return
		}
		_, _ = w.Write([]byte(`{"success":true}`))
	}))
	defer server.Close()
	site, err := lumentree.OpenSite(server.URL+"/lumen", "secret")
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	y := lumentree.Yank{Name: "@acme/http", Version: "1.0.0+linux", Reason: "leaks"}
	if err := site.Yank(t.Context(), y); err != nil {
		t.Error(err)
	}
	if err := site.Yank(t.Context(), lumentree.Yank{Name: y.Name, Version: y.Version, Undo: true}); err != nil {
		t.Error(err)
	}
	if err := site.Yank(t.Context(), lumentree.Yank{Name: "@acme/none", Version: "1.0.0"}); err == nil || !strings.Contains(err.Error(), "Package not found") {
		t.Error(err)
	}
	const path = " /lumen/packages/@acme/http/1.0.0+linux/yank "
	if len(asked) != 3 || asked[0] != "POST"+path+"leaks Bearer secret" || asked[1] != "DELETE"+path+" Bearer secret" {
		t.Errorf("asked %q", asked)
	}
}
