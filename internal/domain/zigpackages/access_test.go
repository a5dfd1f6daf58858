package zigpackages

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
)

// All spellings of a name are one package, whoever uses them.
func TestSpellings(t *testing.T) {
	w := newWorld(t, Options{})
	old := tree{"build.zig.zon": oldZon("My-Lib", "0.9.0"), "src/root.zig": "x"}
	if _, err := w.send(alice, old.tgz(t), Release{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"My-Lib", "my-lib", "my_lib", "MY_LIB"} {
		if p := w.get(name); p.Name != "My-Lib" {
			t.Errorf("%s is named %s, want My-Lib", name, p.Name)
		}
	}
	_, err := w.send(bob, lib("my_lib", "9.0.0", "evil").tgz(t), Release{})
	refused(t, "a look-alike", err, fault.Forbidden, "not_owner")

	if p := w.publish(alice, "my_lib", "1.0.0"); p.First || p.Version.Name != "my_lib" {
		t.Errorf("First %t, name %s, want a version of the same package", p.First, p.Version.Name)
	}
	p := w.get("my-lib")
	if p.Name != "my_lib" || p.list() != "0.9.0 1.0.0" || p.Versions[0].Name != "My-Lib" {
		t.Errorf("%s has %s, the first named %s", p.Name, p.list(), p.Versions[0].Name)
	}
	if found, _, err := w.Search(t.Context(), "", 0, 0); err != nil || len(found) != 1 || found[0].Name != "my_lib" {
		t.Errorf("found %v, %v, want one my_lib", found, err)
	}
}

func TestWhoMayPublish(t *testing.T) {
	tests := map[string]struct {
		who  user
		kind fault.Kind // "": may
		code string
	}{
		"anonymous":                     {nobody, fault.Unauthenticated, ""},
		"the owner":                     {alice, "", ""},
		"another user":                  {bob, fault.Forbidden, "not_owner"},
		"an admin":                      {root, "", ""},
		"who was granted it":            {user{Name: "bot", Grants: []string{"zig:demo_lib"}}, "", ""},
		"who was granted its key":       {user{Name: "bot", Grants: []string{"zig:demo-*"}}, "", ""},
		"who was granted npm's name":    {user{Name: "bot", Grants: []string{"demo_lib", "demo-lib"}}, fault.Forbidden, "not_owner"},
		"who was granted others":        {user{Name: "bot", Grants: []string{"zig:demo"}}, fault.Forbidden, "not_owner"},
		"the owner, with its token":     {user{Name: "alice", Only: []string{"zig:demo_lib"}}, "", ""},
		"the owner, other spelling":     {user{Name: "alice", Only: []string{"zig:demo-lib"}}, "", ""},
		"the owner, with another token": {user{Name: "alice", Only: []string{"zig:other", "demo_lib"}}, fault.Forbidden, ""},
		"an admin, with another token":  {user{Name: "root", Admin: true, Only: []string{"zig:other"}}, fault.Forbidden, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.publish(alice, "demo_lib", "1.0.0")
			check := func(what string, err error) {
				t.Helper()
				if test.kind != "" {
					refused(t, what, err, test.kind, test.code)
				} else if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			// An upload that somebody else received is no way round.
			u, err := w.Receive(t.Context(), alice, strings.NewReader(string(lib("demo_lib", "2.0.0", "y").tgz(t))))
			if err != nil {
				t.Fatal(err)
			}
			defer u.Close()
			_, err = w.Publish(t.Context(), test.who, Release{Upload: u})
			check("Publish", err)
			_, err = w.Yank(t.Context(), test.who, "demo-lib", "1.0.0", true, "")
			check("Yank", err)
			wantBlobs, wantVersions := 2, "1.0.0 2.0.0"
			if test.kind != "" {
				wantBlobs, wantVersions = 1, "1.0.0"
			}
			p := w.get("demo_lib")
			if w.Stored() != wantBlobs || p.list() != wantVersions || p.Versions[0].Yanked != (test.kind == "") {
				t.Errorf("%d blobs, versions %s, yanked %t", w.Stored(), p.list(), p.Versions[0].Yanked)
			}
		})
	}
}

// A token of one name doesn't get another, even if nobody has that.
func TestTokenOfOneName(t *testing.T) {
	w := newWorld(t, Options{})
	limited := user{Name: "alice", Only: []string{"zig:mine"}}
	_, err := w.send(limited, lib("yours", "1.0.0", "x").tgz(t), Release{})
	refused(t, "a new name", err, fault.Forbidden, "")
	if _, err := w.send(limited, lib("mine", "1.0.0", "x").tgz(t), Release{}); err != nil {
		t.Error(err)
	}
}

func TestFingerprints(t *testing.T) {
	w := newWorld(t, Options{})
	send := func(who Principal, version string, id uint32) (Published, error) {
		return w.send(who, tree{"build.zig.zon": zon("demo", version, id), "src/root.zig": version}.tgz(t), Release{})
	}
	warned := func(p Published) bool {
		return slices.ContainsFunc(p.Warnings, func(w zig.Warning) bool { return w.Code == "fingerprint_dropped" })
	}
	p, err := send(alice, "0.1.0", 0)
	if err != nil || warned(p) || w.get("demo").ID != 0 {
		t.Fatalf("the first, without one: %v, warned %t", err, warned(p))
	}
	if _, err := send(alice, "0.2.0", 0xabc); err != nil || w.get("demo").ID != 0xabc {
		t.Fatalf("the first with one: %v, pinned %#x", err, w.get("demo").ID)
	}
	for _, who := range []user{alice, root} { // of an owner whose token was stolen, too
		_, err := send(who, "0.3.0", 0xdef)
		message := refused(t, "another", err, fault.Forbidden, "other_fingerprint")
		if !strings.Contains(message, "0xabc") || !strings.Contains(message, "0xdef") {
			t.Errorf("the refusal names not both ids: %s", message)
		}
	}
	if p, err := send(alice, "0.3.0", 0); err != nil || !warned(p) {
		t.Errorf("none any more: %v, warned %t, want a warning", err, warned(p))
	}
	_, err = send(alice, "0.4.0", 0xdef)
	refused(t, "another, after one without", err, fault.Forbidden, "other_fingerprint")
	if _, err := send(alice, "0.4.0", 0xabc); err != nil || w.get("demo").ID != 0xabc {
		t.Errorf("the same again: %v", err)
	}
	// The fingerprint's other half is of the name's spelling; the id stays.
	other := tree{"build.zig.zon": zon("DEMO", "0.5.0", 0xabc), "src/root.zig": "x"}
	if _, err := w.send(alice, other.tgz(t), Release{}); err != nil {
		t.Errorf("the same id, spelled otherwise: %v", err)
	}
}

func TestOwners(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "demo", "1.0.0")
	set := func(who Principal, user string, owns bool) ([]string, error) {
		return w.SetOwner(t.Context(), who, "Demo", user, owns)
	}
	_, err := set(bob, "bob", true)
	refused(t, "bob adds himself", err, fault.Forbidden, "not_owner")
	_, err = set(nobody, "bob", true)
	refused(t, "anonymous", err, fault.Unauthenticated, "")
	_, err = set(user{Name: "bot", Grants: []string{"*"}}, "bot", true)
	refused(t, "who may publish only", err, fault.Forbidden, "not_owner")
	_, err = set(user{Name: "alice", Only: []string{"zig:other"}}, "bob", true)
	refused(t, "a token of another name", err, fault.Forbidden, "")
	_, err = set(alice, "alice", false)
	refused(t, "the last one", err, fault.Invalid, "no_owner")
	for _, name := range []string{"", "a b", "a\x00", "__proto__", "\xff", strings.Repeat("a", maxUser+1)} {
		_, err = set(alice, name, true)
		refused(t, fmt.Sprintf("%q", name), err, fault.Invalid, "invalid_user")
	}
	_, err = w.SetOwner(t.Context(), alice, "absent", "bob", true)
	refused(t, "absent", err, fault.NotFound, "")

	for range 2 { // the second changes nothing
		if got, err := set(alice, "bob", true); err != nil || !slices.Equal(got, []string{"alice", "bob"}) {
			t.Fatalf("bob is added: %v, %v", got, err)
		}
	}
	w.publish(bob, "demo", "1.1.0")
	for range 2 {
		if got, err := set(root, "alice", false); err != nil || !slices.Equal(got, []string{"bob"}) {
			t.Fatalf("alice is removed: %v, %v", got, err)
		}
	}
	_, err = w.send(alice, lib("demo", "1.2.0", "x").tgz(t), Release{})
	refused(t, "alice is no owner any more", err, fault.Forbidden, "not_owner")
	for i := range maxOwners - 1 {
		if _, err := set(bob, fmt.Sprint("user-", i), true); err != nil {
			t.Fatal(err)
		}
	}
	_, err = set(bob, "one-more", true)
	refused(t, "more than allowed", err, fault.Invalid, "too_many_owners")
	if got := w.get("demo").Owners; len(got) != maxOwners || got[0] != "bob" {
		t.Errorf("%d owners, the first %s", len(got), got[0])
	}
}
