package lumenpackages

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
)

func TestScopesAndPackagesHaveOwners(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	for what, name := range map[string]string{"another's package": utils, "another's scope": "@acme/new"} {
		_, err := w.send(bob, lib(name, "2.0.0", "x").tar(t), Release{})
		refused(t, what, err, fault.Forbidden, "not_owner")
	}
	w.publish(bob, "@bob/utils", "1.0.0")
	w.publish(alice, "@acme/new", "1.0.0")
	w.publish(root, "@acme/admins", "1.0.0")
	w.publish(alice, "@acme/admins", "1.0.1") // it is in her scope
	granted := user{Name: "ci", Grants: []string{"lumen:@acme/*"}}
	w.publish(granted, utils, "1.0.1")
	w.publish(granted, "@acme/ci", "1.0.0")
	refused(t, "owners by a granted token", w.SetOwner(t.Context(), granted, utils, "ci", RoleOwner), fault.Forbidden, "not_owner")
	limited := user{Name: "alice", Only: []string{"lumen:@acme/new"}}
	_, err := w.send(limited, lib(utils, "3.0.0", "x").tar(t), Release{})
	refused(t, "a limited token", err, fault.Forbidden, "")
	if n := len(w.packageIndex(utils).Versions); n != 2 {
		t.Errorf("%s has %d versions, want 2", utils, n)
	}
}

func TestSetOwner(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	set := func(who Principal, user string, role Role) error {
		return w.SetOwner(t.Context(), who, utils, user, role)
	}
	refused(t, "the last owner", set(alice, "alice", ""), fault.Invalid, "no_owner")
	refused(t, "the last owner", set(alice, "alice", RoleMaintainer), fault.Invalid, "no_owner")
	refused(t, "another role", set(alice, "bob", "king"), fault.Invalid, "invalid_role")
	refused(t, "no user", set(alice, "b\nb", RoleOwner), fault.Invalid, "invalid_user")
	refused(t, "a stranger", set(bob, "bob", RoleOwner), fault.Forbidden, "not_owner")
	refused(t, "nobody", set(nobody, "bob", RoleOwner), fault.Unauthenticated, "")
	refused(t, "an absent package", w.SetOwner(t.Context(), alice, "@acme/none", "bob", RoleOwner), fault.NotFound, "")

	if err := set(alice, "bob", RoleMaintainer); err != nil {
		t.Fatal(err)
	}
	w.publish(bob, utils, "1.0.1")
	w.yank(bob, utils, "1.0.1", true, "")
	refused(t, "a maintainer", set(bob, "carol", RoleOwner), fault.Forbidden, "not_owner")
	if err := set(alice, "bob", RoleOwner); err != nil {
		t.Fatal(err)
	}
	if err := set(bob, "alice", ""); err != nil {
		t.Fatal(err)
	}
	w.publish(alice, utils, "1.0.2") // she owns the scope
	owners, err := w.Owners(t.Context(), utils)
	want := []Owner{{User: "bob", Role: RoleOwner, AddedAt: owners[0].AddedAt, AddedBy: "alice"}}
	if d := cmp.Diff(want, owners); d != "" || err != nil || owners[0].AddedAt.IsZero() {
		t.Errorf("Owners: %s, %v", d, err)
	}
	_, err = w.Owners(t.Context(), "@acme/none")
	refused(t, "owners of nothing", err, fault.NotFound, "")
}

func TestOwnersAreBounded(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	for i := range maxOwners - 1 {
		if err := w.SetOwner(t.Context(), alice, utils, fmt.Sprint("user-", i), RoleMaintainer); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, "one more", w.SetOwner(t.Context(), alice, utils, "bob", RoleOwner), fault.Invalid, "too_many_owners")
}

// Names that could leave their rows find nothing, whatever asks.
func TestStrangeNamesFindNothing(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	for _, name := range []string{"", "@acme", "@acme/", "@acme/utils 1.0.0", "@acme/utils/head", "../names", "@ACME/utils", strings.Repeat("a", 2000), "@acme/ut\x00ils"} {
		_, err := w.PackageIndex(t.Context(), name)
		refused(t, "index of "+name, err, fault.NotFound, "")
		_, err = w.Metadata(t.Context(), name, "1.0.0")
		refused(t, "metadata of "+name, err, fault.NotFound, "")
		_, err = w.Owners(t.Context(), name)
		refused(t, "owners of "+name, err, fault.NotFound, "")
		refused(t, "yank of "+name, w.Yank(t.Context(), root, name, "1.0.0", true, ""), fault.NotFound, "")
	}
	for _, version := range []string{"", "latest", "1.0", "../1.0.0", "1.0.0 ", strings.Repeat("1", 2000)} {
		_, err := w.Metadata(t.Context(), utils, version)
		refused(t, "metadata of "+version, err, fault.NotFound, "")
		_, err = w.Signature(t.Context(), utils, version)
		refused(t, "signature of "+version, err, fault.NotFound, "")
	}
}

func TestSearch(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0", `description = "Utility functions"`)
	w.publish(alice, "@acme/http", "1.0.0", `description = "Client for HTTP"`)
	for text, want := range map[string]int{"": 2, "ACME": 2, "utility": 1, "client http": 1, "nothing": 0, "utils http": 0} {
		found, total, err := w.Search(t.Context(), text, 0, 0)
		if err != nil || total != want || len(found) != want {
			t.Errorf("Search(%q) = %v, %d, %v, want %d", text, found, total, err, want)
		}
	}
	found, total, err := w.Search(t.Context(), "acme", 1, 1)
	if err != nil || total != 2 || len(found) != 1 || found[0].Name != utils {
		t.Errorf("the second page: %v, %d, %v", found, total, err)
	}
	_, _, err = w.Search(t.Context(), strings.Repeat("x", 257), 0, 0)
	refused(t, "a long text", err, fault.Invalid, "query_too_long")
}
