package zigpackages

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
)

func TestYankAndLatest(t *testing.T) {
	w := newWorld(t, Options{})
	for _, version := range []string{"1.10.0", "2.0.0-rc.1", "1.9.0", "1.10.0-beta"} { // in no order
		w.publish(alice, "demo", version)
	}
	check := func(what, want string) {
		t.Helper()
		v, err := w.Version(t.Context(), "demo", "latest")
		if err != nil || v.Version != want {
			t.Errorf("%s: latest is %s, %v, want %s", what, v.Version, err, want)
		}
		if got := w.get("demo").Latest(); cmp.Diff(v, got) != "" {
			t.Errorf("%s: Package.Latest is %s, want the same %s", what, got.Version, v.Version)
		}
		found, total, err := w.Search(t.Context(), "demo", 0, 10)
		if err != nil || total != len(found) || len(found) == 1 && found[0].Version != want || len(found) == 0 != v.Yanked {
			t.Errorf("%s: found %v of %d, %v, want %s, if it is not yanked", what, found, total, err, want)
		}
	}
	yank := func(version string, yanked bool, reason string) Version {
		t.Helper()
		v, err := w.Yank(t.Context(), alice, "demo", version, yanked, reason)
		if err != nil || v.Yanked != yanked || v.Version != version {
			t.Fatalf("Yank(%s, %t) = %+v, %v", version, yanked, v, err)
		}
		return v
	}
	check("at first", "1.10.0")
	if list := w.get("demo").list(); list != "1.9.0 1.10.0-beta 1.10.0 2.0.0-rc.1" {
		t.Errorf("the order is %s", list)
	}
	if v := yank("1.10.0", true, " leaks memory\n"); v.YankReason != "leaks memory" {
		t.Errorf("the reason is %q", v.YankReason)
	}
	check("the latest is yanked", "1.9.0")
	yank("1.9.0", true, "")
	check("only pre-releases are left", "2.0.0-rc.1")
	yank("2.0.0-rc.1", true, "")
	yank("1.10.0-beta", true, "")
	check("all are yanked", "2.0.0-rc.1")
	if _, err := w.read(w.get("demo").Latest()); err != nil {
		t.Errorf("a yanked version can't be fetched: %v", err)
	}
	w.publish(alice, "demo", "0.1.0")
	check("a low one is all there is", "0.1.0")
	before := w.get("demo").Modified
	w.Pass(time.Minute)
	if v := yank("1.10.0", false, "not kept"); v.YankReason != "" {
		t.Errorf("un-yanked for the reason %q, want none", v.YankReason)
	}
	check("one is back", "1.10.0")
	modified := w.get("demo").Modified
	if !modified.After(before) {
		t.Error("the change has no time")
	}
	w.Pass(time.Minute)
	yank("1.10.0", false, "")
	if w.get("demo").Modified != modified {
		t.Error("no change has a time")
	}

	_, err := w.Yank(t.Context(), alice, "demo", "3.0.0", true, "")
	refused(t, "no such version", err, fault.NotFound, "")
	_, err = w.Yank(t.Context(), alice, "demo", "latest", true, "") // which one that is may change in this moment
	refused(t, "latest", err, fault.NotFound, "")
	_, err = w.Yank(t.Context(), alice, "absent", "1.0.0", true, "")
	refused(t, "no such package", err, fault.NotFound, "")
	_, err = w.Yank(t.Context(), alice, "demo", "1.10.0", true, strings.Repeat("x", maxReason+1))
	refused(t, "a long reason", err, fault.Invalid, "text_too_long")
	_, err = w.Yank(t.Context(), bob, "demo", "1.10.0", true, "")
	refused(t, "somebody else", err, fault.Forbidden, "not_owner")
}

// A yanked version is published again in vain: it stays yanked, and its publisher is told.
func TestPublishOfYanked(t *testing.T) {
	w := newWorld(t, Options{})
	text := lib("demo", "1.0.0", "x").tgz(t)
	w.mustSend(text, Release{})
	if _, err := w.Yank(t.Context(), alice, "demo", "1.0.0", true, ""); err != nil {
		t.Fatal(err)
	}
	p := w.mustSend(text, Release{})
	if n := len(p.Warnings); !p.Unchanged || !p.Version.Yanked || n == 0 || p.Warnings[n-1].Code != "yanked" {
		t.Errorf("%+v, want it unchanged, yanked and with a warning", p)
	}
}

func TestByHash(t *testing.T) {
	w := newWorld(t, Options{})
	v := w.publish(alice, "demo", "1.0.0").Version
	for _, hash := range []string{v.Hash, v.Legacy} {
		got, err := w.ByHash(t.Context(), hash)
		if err != nil || cmp.Diff(v, got) != "" {
			t.Errorf("ByHash(%s) = %s %s, %v", hash, got.Name, got.Version, err)
		}
	}
	unknown := lib("demo", "1.0.0", "unknown").legacy()
	for _, hash := range []string{
		unknown, "", "1220", "latest", strings.ToUpper(v.Legacy), v.Legacy + "0", v.Hash[1:] + "!", "a\x00b", "\xff",
		strings.Repeat("a", 5000), "../" + v.Legacy, v.Hash + "\n",
	} {
		_, err := w.ByHash(t.Context(), hash)
		message := refused(t, fmt.Sprintf("%.80q", hash), err, fault.NotFound, "")
		if !strings.HasPrefix(message, "Package not found for this hash") {
			t.Errorf("ByHash(%.80q): %s", hash, message)
		}
	}
	// Up to 0.13 only: there is no other hash.
	old := w.mustSend(tree{"build.zig.zon": oldZon("old-lib", "1.0.0"), "src/root.zig": "x"}.tgz(t), Release{}).Version
	if got, err := w.ByHash(t.Context(), old.Legacy); err != nil || got.Name != "old-lib" || got.Hash != "" {
		t.Errorf("ByHash(%s) = %s %q, %v", old.Legacy, got.Name, got.Hash, err)
	}
}

// Versions whose manifests are not among their files can have the same content.
func TestByHashOfSame(t *testing.T) {
	w := newWorld(t, Options{})
	var hash string
	for i, name := range []string{"b", "c", "a"} {
		w.Pass(time.Hour)
		manifest := strings.Replace(zon(name, "1.0.0", uint32(i+1)), `"build.zig.zon", `, "", 1)
		v := w.mustSend(tree{"build.zig.zon": manifest, "src/root.zig": "x"}.tgz(t), Release{}).Version
		if hash != "" && v.Legacy != hash {
			t.Fatal("the contents are not the same")
		}
		hash = v.Legacy
	}
	for _, want := range []string{"a", "c", "b"} { // from the newest on
		got, err := w.ByHash(t.Context(), hash)
		if err != nil || got.Name != want {
			t.Errorf("ByHash = %s, %v, want %s", got.Name, err, want)
		}
		if _, err := w.Yank(t.Context(), alice, want, "1.0.0", true, ""); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := w.ByHash(t.Context(), hash); err != nil || got.Name != "a" {
		t.Errorf("all are yanked: %s, %v, want the newest", got.Name, err)
	}
}

// What can't be a name or version is not found; it never reaches the store.
func TestReadsOfNonsense(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "demo", "1.0.0")
	for _, bad := range []string{"", "absent", "..", "a/b", "demo\x00", "\xff", "dеmo", strings.Repeat("a", 5000)} {
		_, err := w.Package(t.Context(), bad)
		if message := refused(t, fmt.Sprintf("Package(%.20q)", bad), err, fault.NotFound, ""); !strings.HasPrefix(message, "Package not found") {
			t.Errorf("Package(%.20q): %s", bad, message)
		}
		_, err = w.Version(t.Context(), bad, "1.0.0")
		refused(t, fmt.Sprintf("Version(%.20q)", bad), err, fault.NotFound, "")
		_, err = w.Version(t.Context(), "demo", bad)
		if message := refused(t, fmt.Sprintf("Version(demo, %.20q)", bad), err, fault.NotFound, ""); !strings.HasPrefix(message, "Package version not found") {
			t.Errorf("Version(demo, %.20q): %s", bad, message)
		}
		_, err = w.Yank(t.Context(), root, bad, "1.0.0", true, "")
		refused(t, fmt.Sprintf("Yank(%.20q)", bad), err, fault.NotFound, "")
		_, err = w.Yank(t.Context(), root, "demo", bad, true, "")
		refused(t, fmt.Sprintf("Yank(demo, %.20q)", bad), err, fault.NotFound, "")
		_, err = w.SetOwner(t.Context(), root, bad, "bob", true)
		refused(t, fmt.Sprintf("SetOwner(%.20q)", bad), err, fault.NotFound, "")
	}
	if _, err := w.Open(t.Context(), Version{}); err == nil || errors.Is(err, fault.NotFound) {
		t.Errorf("bytes that are missing: %v, want an error that is no answer", err)
	}
}

func TestSearch(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range 25 {
		name := fmt.Sprintf("lib_%02d", i)
		w.mustSend(lib(name, "1.0.0", "x").tgz(t), Release{Description: fmt.Sprintf("Number %d, a PARSER", i)})
	}
	w.mustSend(lib("json", "2.0.0", "x").tgz(t), Release{Description: "json & <more>"})
	tests := []struct {
		text          string
		offset, limit int
		want          string // the first, and how many
	}{
		{"", 0, 0, "json 20 of 26"},
		{"", 0, 1000, "json 26 of 26"},
		{"", -5, 3, "json 3 of 26"},
		{"", 24, 10, "lib_23 2 of 26"},
		{"", 1 << 40, 10, "- 0 of 26"},
		{"parser", 0, 5, "lib_00 5 of 25"},
		{"LIB-07", 0, 0, "lib_07 1 of 1"},
		{"lib_07", 0, 0, "lib_07 1 of 1"},
		{" parser   number 13, ", 0, 0, "lib_13 1 of 1"},
		{"json parser", 0, 0, "- 0 of 0"},
		{"& <more>", 0, 0, "json 1 of 1"},
		{"\xff\x00", 0, 0, "- 0 of 0"},
	}
	for _, test := range tests {
		found, total, err := w.Search(t.Context(), test.text, test.offset, test.limit)
		first := "-"
		if len(found) > 0 {
			first = found[0].Name
		}
		if got := fmt.Sprintf("%s %d of %d", first, len(found), total); err != nil || got != test.want || found == nil {
			t.Errorf("Search(%q, %d, %d) = %s, %v, want %s", test.text, test.offset, test.limit, got, err, test.want)
		}
	}
	found, _, err := w.Search(t.Context(), "json", 0, 0)
	want := []Summary{{Name: "json", Version: "2.0.0", Description: "json & <more>", Publisher: "alice", Date: w.Now()}}
	if d := cmp.Diff(want, found); err != nil || d != "" {
		t.Errorf("Search(json): %v %s", err, d)
	}
	_, _, err = w.Search(t.Context(), strings.Repeat("é", 256), 0, 0)
	if err != nil {
		t.Error(err)
	}
	_, _, err = w.Search(t.Context(), strings.Repeat("a", 257), 0, 0)
	refused(t, "a long text", err, fault.Invalid, "query_too_long")
}
