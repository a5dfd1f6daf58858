package packages

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func (w *world) try(who Principal, name, version string) error {
	w.t.Helper()
	_, err := w.send(who, tgz(w.t, name, version, name+version), Release{})
	return err
}

func TestOwnership(t *testing.T) {
	w := newWorld(t, Options{})
	refused(t, "anonymous", w.try(nobody, "a", "1.0.0"), fault.Unauthenticated, "")
	w.publish(alice, "a", "1.0.0")
	refused(t, "a stranger", w.try(bob, "a", "1.1.0"), fault.Forbidden, "not_owner")
	w.publish(root, "a", "1.1.0")
	w.publish(bot, "a", "1.2.0")
	if got := w.get("a").Owners; !slices.Equal(got, []string{"alice"}) {
		t.Errorf("owners = %v, want those of the first publish", got)
	}
	if err := w.SetOwners(t.Context(), alice, "a", "", []string{"bob", "alice"}); err != nil {
		t.Fatal(err)
	}
	w.publish(bob, "a", "1.3.0")
}

func TestScopes(t *testing.T) {
	w := newWorld(t, Options{})
	if res := w.publish(alice, "@acme/a", "1.0.0"); res.FirstOf != "@acme" {
		t.Errorf("the first package is the first of %q, want @acme", res.FirstOf)
	}
	if res := w.publish(alice, "@acme/b", "1.0.0"); res.FirstOf != "" {
		t.Errorf("the second package is the first of %q, want nothing", res.FirstOf)
	}
	refused(t, "a new package in another's scope", w.try(bob, "@acme/c", "1.0.0"), fault.Forbidden, "not_owner")
	refused(t, "a package of another's scope", w.try(bob, "@acme/a", "1.1.0"), fault.Forbidden, "not_owner")
	refused(t, "taking the scope", w.SetScopeOwners(t.Context(), bob, "@acme", []string{"bob"}), fault.Forbidden, "not_owner")

	if err := w.SetScopeOwners(t.Context(), alice, "@acme", []string{"bob", "alice", "bob"}); err != nil {
		t.Fatal(err)
	}
	if owners, err := w.ScopeOwners(t.Context(), "@acme"); err != nil || !slices.Equal(owners, []string{"alice", "bob"}) {
		t.Errorf("ScopeOwners = %v, %v", owners, err)
	}
	w.publish(bob, "@acme/a", "1.1.0") // the scope's owners own what is in it
	w.publish(bob, "@acme/c", "1.0.0")
	if got := w.get("@acme/c").Owners; !slices.Equal(got, []string{"bob"}) {
		t.Errorf("owners of bob's package = %v", got)
	}
	w.publish(bot, "@acme/d", "1.0.0")
	refused(t, "no owner", w.SetScopeOwners(t.Context(), alice, "@acme", nil), fault.Invalid, "no_owner")
	refused(t, "no scope", w.SetScopeOwners(t.Context(), root, "acme", []string{"bob"}), fault.Invalid, "invalid_scope")
	if owners, err := w.ScopeOwners(t.Context(), "@other"); err != nil || len(owners) > 0 {
		t.Errorf("owners of a scope that nobody has: %v, %v", owners, err)
	}
	refused(t, "a scope nobody has", w.SetScopeOwners(t.Context(), alice, "@other", []string{"alice"}), fault.Forbidden, "not_owner")
	if err := w.SetScopeOwners(t.Context(), root, "@other", []string{"carol"}); err != nil {
		t.Errorf("an admin gives a scope away: %v", err)
	}
	refused(t, "after that", w.try(alice, "@other/a", "1.0.0"), fault.Forbidden, "not_owner")
}

// A scope is one however it is written: nobody else can have one that looks the same, here or upstream.
func TestScopesInAnyCase(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "@acme/a", "1.0.0")
	w.publish(user{Name: "carol"}, "@Old/a", "1.0.0") // from when names could have capitals
	for name, want := range map[string]bool{
		"@ACME/a": true, "@Acme/never": true, "@aCME/!odd": true, "@old/a": true, "@OLD/never": true, "@acmÉ/a": false, "@acme2/a": false,
	} {
		if got, err := w.Ours(t.Context(), name); got != want || err != nil {
			t.Errorf("Ours(%q) = %v, %v, want %v", name, got, err, want)
		}
	}
	refused(t, "another's scope, in capitals", w.try(bob, "@ACME/b", "1.0.0"), fault.Forbidden, "not_owner")
	refused(t, "another's scope, in lower case", w.try(bob, "@old/b", "1.0.0"), fault.Forbidden, "not_owner")
	refused(t, "taking it in capitals", w.SetScopeOwners(t.Context(), bob, "@ACME", []string{"bob"}), fault.Forbidden, "not_owner")
	if owners, err := w.ScopeOwners(t.Context(), "@ACME"); err != nil || !slices.Equal(owners, []string{"alice"}) {
		t.Errorf("ScopeOwners(@ACME) = %v, %v", owners, err)
	}
	if res := w.publish(alice, "@Acme/b", "1.0.0"); res.FirstOf != "" {
		t.Errorf("a package in capitals is the first of %q, want nothing", res.FirstOf)
	}
}

// A token that is limited to some packages can do nothing to others, nor to more than them.
func TestLimitedTokens(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "@acme/a", "1.0.0")
	w.publish(alice, "b", "1.0.0")
	limited := user{Name: "alice", Only: []string{"@acme/a"}}
	w.publish(limited, "@acme/a", "1.1.0")
	ctx := t.Context()
	for what, err := range map[string]error{
		"publish":      w.try(limited, "b", "1.1.0"),
		"new package":  w.try(limited, "@acme/new", "1.0.0"),
		"tag":          w.Tag(ctx, limited, "b", "other", "1.0.0"),
		"untag":        w.Untag(ctx, limited, "b", "latest"),
		"deprecate":    w.Deprecate(ctx, limited, "b", map[string]string{"1.0.0": "x"}),
		"unpublish":    w.Unpublish(ctx, limited, "b", "", "1.0.0"),
		"all":          w.UnpublishAll(ctx, limited, "b", ""),
		"owners":       w.SetOwners(ctx, limited, "b", "", []string{"bob"}),
		"access":       w.SetAccess(ctx, limited, "b", "restricted"),
		"star":         w.Star(ctx, limited, "b", true),
		"scope owners": w.SetScopeOwners(ctx, limited, "@acme", []string{"bob"}),
	} {
		refused(t, what, err, fault.Forbidden, "")
	}
	if err := w.SetScopeOwners(ctx, user{Name: "alice", Only: []string{"@acme/*"}}, "@acme", []string{"alice", "bob"}); err != nil {
		t.Errorf("a token for the whole scope: %v", err)
	}
}

func TestStrangersChangeNothing(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0", "next")
	before := w.rev("a")
	ctx := t.Context()
	for _, who := range []Principal{bob, nobody, user{Name: "mallory", Grants: []string{"b"}}} {
		for what, err := range map[string]error{
			"tag":       w.Tag(ctx, who, "a", "other", "1.0.0"),
			"untag":     w.Untag(ctx, who, "a", "next"),
			"deprecate": w.Deprecate(ctx, who, "a", map[string]string{"1.0.0": "x"}),
			"unpublish": w.Unpublish(ctx, who, "a", "", "1.0.0"),
			"all":       w.UnpublishAll(ctx, who, "a", before),
			"owners":    w.SetOwners(ctx, who, "a", "", []string{"mallory"}),
			"access":    w.SetAccess(ctx, who, "a", "restricted"),
		} {
			if !errors.Is(err, fault.Forbidden) && !errors.Is(err, fault.Unauthenticated) {
				t.Errorf("%s by %q: %v, want a refusal", what, who.User(), err)
			}
		}
	}
	refused(t, "anonymous star", w.Star(ctx, nobody, "a", true), fault.Unauthenticated, "")
	if w.rev("a") != before {
		t.Error("something has changed")
	}
}

func TestOurs(t *testing.T) {
	w := newWorld(t, Options{Claimed: []string{"@claimed", "taken"}})
	w.publish(alice, "a", "1.0.0")
	w.publish(alice, "@acme/a", "1.0.0")
	w.publish(alice, "gone", "1.0.0")
	if err := w.UnpublishAll(t.Context(), alice, "gone", ""); err != nil {
		t.Fatal(err)
	}
	long := "@acme/" + strings.Repeat("x", 2000)
	for name, want := range map[string]bool{
		"a": true, "A": false, "b": false, "gone": true, "taken": true, "taken2": false, "": false,
		"@acme/a": true, "@acme/never": true, "@acme/!odd": true, "@acme/": true, long: true, "@acme2/a": false,
		"@claimed/x": true, "@claimed": true, "acme/a": false, "a\x00b": false, "@acme\x00/a": false,
	} {
		if got, err := w.Ours(t.Context(), name); got != want || err != nil {
			t.Errorf("Ours(%.40q) = %v, %v, want %v", name, got, err, want)
		}
	}
}

// Operators write claims as they write the name of their company.
func TestClaimsOfAnotherCase(t *testing.T) {
	w := newWorld(t, Options{Claimed: []string{"@Acme", "Tool", "@Other/One"}})
	for name, want := range map[string]bool{
		"@acme/a": true, "@Acme/a": true, "@ACME/a": true, "@acme2/a": false, "tool": true, "Tool": true, "tools": false,
		"@other/one": true, "@other/two": false,
	} {
		if got, err := w.Ours(t.Context(), name); got != want || err != nil {
			t.Errorf("Ours(%q) = %v, %v, want %v", name, got, err, want)
		}
	}
}

// From the inside: who publishes a name that everybody here gets from upstream would slip them theirs.
func TestNamesOfUpstream(t *testing.T) {
	up := &elsewhere{has: []string{"lodash", "@types", "@types/node", "@odd/pkg"}}
	w := newWorld(t, Options{Upstream: up, Claimed: []string{"react", "@vue"}})
	up.has = append(up.has, "react", "@vue")
	for name, way := range map[string]string{"lodash": "CLAIMED_SCOPES=lodash", "@types/new": "CLAIMED_SCOPES=@types", "@odd/pkg": "CLAIMED_SCOPES=@odd"} {
		message := refused(t, name, w.try(alice, name, "1.0.0"), fault.Forbidden, "exists_upstream")
		if !strings.Contains(message, way) {
			t.Errorf("%s: %q does not say %s", name, message, way)
		}
		if ours, err := w.Ours(t.Context(), name); ours || err != nil {
			t.Errorf("%s is ours after a refusal: %v", name, err)
		}
	}
	w.publish(alice, "free", "1.0.0")
	w.publish(alice, "@free/a", "1.0.0")
	for name, first := range map[string]string{"react": "", "@vue/core": ""} {
		if res := w.publish(alice, name, "1.0.0"); res.FirstOf != first {
			t.Errorf("%s is claimed, and the first of %q", name, res.FirstOf)
		}
	}
	if res := w.publish(bot, "lodash", "99.0.0"); res.FirstOf != "lodash" {
		t.Errorf("lodash by who is trusted is the first of %q", res.FirstOf)
	}
	if res := w.publish(root, "@types/mine", "1.0.0"); res.FirstOf != "@types" {
		t.Errorf("@types/mine by an admin is the first of %q", res.FirstOf)
	}

	// Once it is ours, upstream is never asked again.
	up.asked, up.err = nil, errors.New("down")
	w.publish(bot, "lodash", "99.0.1")
	w.publish(alice, "@free/b", "1.0.0")
	w.publish(alice, "free", "1.0.1")
	if len(up.asked) > 0 {
		t.Errorf("upstream was asked for %v", up.asked)
	}
}

func TestUpstreamCannotBeAsked(t *testing.T) {
	up := &elsewhere{err: errors.New("dial tcp 10.0.0.7: secret detail")}
	w := newWorld(t, Options{Upstream: up, Claimed: []string{"@mine"}})
	for _, name := range []string{"new", "@new/a"} {
		message := refused(t, name, w.try(alice, name, "1.0.0"), fault.Unavailable, "upstream_unknown")
		if !strings.Contains(message, "CLAIMED_SCOPES=") || strings.Contains(message, "secret") {
			t.Errorf("message = %q", message)
		}
	}
	w.publish(alice, "@mine/a", "1.0.0")
	w.publish(bot, "new", "1.0.0")
	if w.Stored() != 2 {
		t.Errorf("%d blobs are stored, want those of two packages", w.Stored())
	}
}

// An upstream that can't tell which scopes it has must not let strangers take them.
func TestUpstreamDoesNotSay(t *testing.T) {
	up := &elsewhere{err: fault.New(fault.Upstream, "answered a search with status 404")}
	w := newWorld(t, Options{Upstream: up, Claimed: []string{"@mine"}})
	message := refused(t, "@babel/evil", w.try(alice, "@babel/evil", "1.0.0"), fault.Forbidden, "upstream_unknown")
	if !strings.Contains(message, "CLAIMED_SCOPES=@babel") {
		t.Errorf("message = %q", message)
	}
	if ours, err := w.Ours(t.Context(), "@babel/core"); ours || err != nil {
		t.Errorf("@babel is ours after a refusal: %v", err)
	}
	w.publish(alice, "@mine/a", "1.0.0")
	w.publish(root, "@babel/ours", "1.0.0")
}

func TestOwned(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "b", "1.0.0")
	w.publish(alice, "a", "1.0.0")
	w.publish(alice, "gone", "1.0.0")
	w.publish(alice, "@acme/x", "1.0.0")
	w.publish(bob, "@acme2/y", "1.0.0")
	if err := w.UnpublishAll(t.Context(), alice, "gone", ""); err != nil {
		t.Fatal(err)
	}
	if err := w.SetOwners(t.Context(), alice, "b", "", []string{"bob"}); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[string]string{
		"alice": "@acme/x a", "bob": "@acme2/y b", "@acme": "@acme/x", "@none": "", "carol": "", "": "", "a\x00b": "",
	} {
		got, err := w.Owned(t.Context(), who)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("Owned(%q) = %v, %v, want %s", who, got, err, want)
		}
	}
}

func TestSetOwners(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	ctx := t.Context()
	many := strings.Fields(strings.Repeat("u ", maxOwners+1))
	for i := range many {
		many[i] += strings.Repeat("x", i)
	}
	refused(t, "nobody", w.SetOwners(ctx, alice, "a", "", nil), fault.Invalid, "no_owner")
	refused(t, "too many", w.SetOwners(ctx, alice, "a", "", many), fault.Invalid, "")
	for _, bad := range []string{"", "__proto__", "a b", "a\x00", "\x1b[2J", strings.Repeat("x", 300)} {
		refused(t, bad, w.SetOwners(ctx, alice, "a", "", []string{"alice", bad}), fault.Invalid, "invalid_user")
	}
	rev := w.rev("a")
	if err := w.SetOwners(ctx, alice, "a", rev, []string{"alice", "bob"}); err != nil {
		t.Fatal(err)
	}
	refused(t, "made up on an older state", w.SetOwners(ctx, alice, "a", rev, []string{"alice"}), fault.Exists, "stale_revision")
	if err := w.SetOwners(ctx, bob, "a", w.rev("a"), []string{"bob"}); err != nil {
		t.Errorf("bob, an owner: %v", err)
	}
	refused(t, "alice, no longer", w.try(alice, "a", "1.1.0"), fault.Forbidden, "not_owner")
	refused(t, "of nothing", w.SetOwners(ctx, root, "nothing", "", []string{"bob"}), fault.NotFound, "")
	if found, _, err := w.Search(ctx, "a", 0, 0); err != nil || !slices.Equal(found[0].Owners, []string{"bob"}) {
		t.Errorf("the search shows %v, %v", found, err)
	}
	if err := w.SetOwners(ctx, bob, "a", "", many[:maxOwners]); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
	if err := w.SetOwners(ctx, root, "a", "", []string{"alice"}); err != nil {
		t.Errorf("all others: %v", err)
	}
}

func TestAccess(t *testing.T) {
	w := newWorld(t, Options{})
	is := func(want bool) {
		t.Helper()
		found, _, err := w.Search(t.Context(), "", 0, 0)
		if p := w.get("a"); p.Restricted != want || err != nil || found[0].Restricted != want {
			t.Errorf("restricted = %v, listed as %v, %v, want %v", p.Restricted, found, err, want)
		}
	}
	if _, err := w.send(alice, tgz(t, "a", "1.0.0", ""), Release{Access: "restricted"}); err != nil {
		t.Fatal(err)
	}
	is(true)
	if _, err := w.send(alice, tgz(t, "a", "1.1.0", ""), Release{Tags: []string{"other"}}); err != nil {
		t.Fatal(err)
	}
	is(true)
	if _, err := w.send(alice, tgz(t, "a", "1.2.0", ""), Release{Tags: []string{"other"}, Access: "public"}); err != nil {
		t.Fatal(err)
	}
	is(false)
	if err := w.SetAccess(t.Context(), alice, "a", "restricted"); err != nil {
		t.Fatal(err)
	}
	is(true)
	refused(t, "neither", w.SetAccess(t.Context(), alice, "a", "private"), fault.Invalid, "invalid_access")
}
