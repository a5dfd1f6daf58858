package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

func TestUserNames(t *testing.T) {
	for _, name := range []string{"a", "alice", "a.b-c_d~e", "42", "-x", "_x", "prototypes", strings.Repeat("a", 64)} {
		if err := validAccount(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "Alice", "a@b", "a:b", "a!", "a'b", "(a)", "a*", "é", "a\n", "prototype", "constructor", "__proto__", "admin", "local", "anonymous", "operator"} {
		refused(t, validAccount(name), fault.Invalid, "user name")
	}
}

func TestProfile(t *testing.T) {
	w := closed(t)
	alice := w.user("alice")
	w.Pass(time.Hour)
	p, err := w.SetProfile(t.Context(), alice, new("new@example.com"), new("Alice Doe"))
	if err != nil || p.Email != "new@example.com" || p.FullName != "Alice Doe" || !p.Updated.After(p.Created) {
		t.Errorf("SetProfile = %+v, %v", p, err)
	}
	p, err = w.SetProfile(t.Context(), alice, nil, new(""))
	if err != nil || p.Email != "new@example.com" || p.FullName != "" {
		t.Errorf("SetProfile = %+v, %v", p, err)
	}
	if got, err := w.Profile(t.Context(), "alice"); err != nil || got != p {
		t.Errorf("Profile = %+v, %v, want %+v", got, err, p)
	}
	w.identify(Credentials{User: "alice", Token: password}) // the password is still there

	_, err = w.SetProfile(t.Context(), alice, new("nonsense"), nil)
	refused(t, err, fault.Invalid, "e-mail")
	for _, name := range []string{strings.Repeat("a", 257), "a\x00", "a\u202eb"} {
		_, err = w.SetProfile(t.Context(), alice, nil, &name)
		refused(t, err, fault.Invalid, "full name")
	}
	for what, who := range map[string]Principal{
		"a reader":        w.bearer(w.token(NewToken{Name: "x", User: "alice", Permission: Read})),
		"a limited token": w.bearer(w.token(NewToken{Name: "x", User: "alice", Packages: []string{"a"}})),
	} {
		t.Run(what, func(t *testing.T) {
			_, err := w.SetProfile(t.Context(), who, new("evil@example.com"), nil)
			refused(t, err, fault.Forbidden)
		})
	}
	_, err = w.SetProfile(t.Context(), w.anonymous(), new("evil@example.com"), nil)
	refused(t, err, fault.Unauthenticated)
	_, err = w.SetProfile(t.Context(), w.root(), new("root@example.com"), nil)
	refused(t, err, fault.NotFound)
	for _, name := range []string{"", "nobody", "__proto__", "constructor", "a\x00", "..", strings.Repeat("a", 5000)} {
		_, err := w.Profile(t.Context(), name)
		refused(t, err, fault.NotFound, "there is no user")
	}
}

// Known are those whose name nobody can sign up under.
func TestKnown(t *testing.T) {
	w := closed(t)
	w.user("alice")
	w.user("gone")
	w.token(NewToken{Name: "ci"})
	if err := w.RemoveUser(t.Context(), w.root(), "gone"); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]bool{
		"alice": true, "gone": true, "ci": true, "admin": true, "operator": true,
		"bob": false, "": false, "Alice": false, "__proto__": false, "../x": false, strings.Repeat("a", 5000): false,
	} {
		if got, err := w.Known(t.Context(), user); got != want || err != nil {
			t.Errorf("Known(%.40q) = %v, %v, want %v", user, got, err, want)
		}
	}
}

func TestSetProfileAtOnce(t *testing.T) {
	w := closed(t)
	alice := w.user("alice")
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := w.SetProfile(t.Context(), alice, new("new@example.com"), nil); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		if _, err := w.SetProfile(t.Context(), alice, nil, new("Alice")); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	if p, err := w.Profile(t.Context(), "alice"); err != nil || p.Email != "new@example.com" || p.FullName != "Alice" {
		t.Errorf("Profile = %+v, %v: a change is lost", p, err)
	}
}

// Who is to own something has an account; an admin may also name who has only tokens, and so can't be taken by a stranger.
func TestCheckOwner(t *testing.T) {
	w := closed(t)
	alice := w.user("alice")
	w.token(NewToken{Name: "x", User: "ci"})
	for _, tt := range []struct {
		who  Principal
		user string
		ok   bool
	}{
		{alice, "alice", true}, {w.root(), "alice", true}, {w.root(), "ci", true}, {w.root(), "admin", true},
		{alice, "ci", false}, {alice, "alcie", false}, {w.root(), "alcie", false}, {alice, "", false}, {w.root(), "alice@example.com", false}, {alice, "a\x00", false},
	} {
		err := w.CheckOwner(t.Context(), tt.who, tt.user)
		if !tt.ok {
			refused(t, err, fault.Invalid, "no user")
		} else if err != nil {
			t.Errorf("CheckOwner(%v, %q): %v", tt.who, tt.user, err)
		}
	}
}

func TestSetPassword(t *testing.T) {
	w := closed(t)
	alice, bob := w.user("alice"), w.user("bob")
	token := w.token(NewToken{Name: "phone", User: "alice"})
	const next = "another password"
	for what, tt := range map[string]struct {
		who            Principal
		user, old, new string
		kind           fault.Kind
	}{
		"a wrong old one":  {alice, "alice", "guess", next, fault.Forbidden},
		"no old one":       {alice, "alice", "", next, fault.Forbidden},
		"of another":       {bob, "alice", password, next, fault.Forbidden},
		"of nobody":        {bob, "nobody", password, next, fault.Forbidden},
		"by anonymous":     {w.anonymous(), "alice", password, next, fault.Unauthenticated},
		"a short new one":  {alice, "alice", password, "short", fault.Invalid},
		"a token":          {alice, "alice", password, newSecret(), fault.Invalid},
		"of the root":      {w.root(), "admin", "", next, fault.Invalid},
		"of a bad name":    {w.root(), "../x", "", next, fault.Invalid},
		"without account":  {w.bearer(w.token(NewToken{Name: "ci"})), "ci", "", next, fault.NotFound},
		"of a prototype's": {w.root(), "__proto__", "", next, fault.Invalid},
	} {
		t.Run(what, func(t *testing.T) {
			refused(t, w.SetPassword(t.Context(), tt.who, tt.user, tt.old, tt.new), tt.kind)
		})
	}
	w.identify(Credentials{User: "alice", Token: password})

	if err := w.SetPassword(t.Context(), alice, "alice", password, next); err != nil {
		t.Fatal(err)
	}
	w.identify(Credentials{User: "alice", Token: next})
	w.bearer(token) // tokens stay
	if err := w.SetPassword(t.Context(), w.root(), "alice", "", password); err != nil {
		t.Fatal(err)
	}
	w.identify(Credentials{User: "alice", Token: password})
	if p, err := w.Profile(t.Context(), "alice"); err != nil || p.Email != "alice@example.com" {
		t.Errorf("Profile = %+v, %v", p, err)
	}
	if err := w.SetPassword(t.Context(), w.root(), "carol", "", password); err != nil {
		t.Fatal(err)
	}
	if p := w.identify(Credentials{User: "carol", Token: password}); p.String() != "carol" {
		t.Errorf("carol is %s", p)
	}

	// Who has a stolen session can't guess the password here either.
	for i := range failuresOfUser {
		_ = w.SetPassword(t.Context(), bob, "bob", fmt.Sprint("guess", i), next)
	}
	refused(t, w.SetPassword(t.Context(), bob, "bob", "one more", next), fault.Forbidden, "wait")
}

func TestUsers(t *testing.T) {
	w := closed(t)
	alice, _ := w.user("alice"), w.user("bob")
	all, err := w.Users(t.Context(), w.root())
	if err != nil || len(all) != 2 || all[0].Name != "alice" || all[1].Email != "bob@example.com" {
		t.Errorf("Users = %+v, %v", all, err)
	}
	_, err = w.Users(t.Context(), alice)
	refused(t, err, fault.Forbidden, "only an admin")
	_, err = w.Users(t.Context(), w.anonymous())
	refused(t, err, fault.Unauthenticated)
}

func TestRemoveUser(t *testing.T) {
	w := closed(t)
	alice := w.user("alice")
	var tokens []string
	for range 60 { // more than one batch
		tokens = append(tokens, w.token(NewToken{Name: "x", User: "alice"}))
	}
	ci := w.token(NewToken{Name: "ci"})
	refused(t, w.RemoveUser(t.Context(), alice, "alice"), fault.Forbidden)
	refused(t, w.RemoveUser(t.Context(), w.anonymous(), "alice"), fault.Unauthenticated)
	for _, name := range []string{"nobody", "", "..", "a\x00", strings.Repeat("a", 5000)} {
		refused(t, w.RemoveUser(t.Context(), w.root(), name), fault.NotFound)
	}
	if err := w.RemoveUser(t.Context(), w.root(), "alice"); err != nil {
		t.Fatal(err)
	}
	for _, secret := range tokens {
		_, err := w.Identify(t.Context(), Credentials{Token: secret})
		refused(t, err, fault.Unauthenticated)
	}
	_, err := w.Profile(t.Context(), "alice")
	refused(t, err, fault.NotFound)
	w.bearer(ci)
	if err := w.RemoveUser(t.Context(), w.root(), "ci"); err != nil { // has tokens only
		t.Error(err)
	}
	if all, err := w.Tokens(t.Context(), w.root(), ""); err != nil || len(all) != 0 {
		t.Errorf("Tokens = %v, %v", all, err)
	}
}

// TestRemoveUserWhoMakesTokens: one that keeps on making tokens ends all the same.
func TestRemoveUserWhoMakesTokens(t *testing.T) {
	w := closed(t)
	w.user("alice")
	p := w.bearer(w.token(NewToken{Name: "x", User: "alice"}))
	made := 0
	w.db.before = func(ops []kv.Op) error {
		deletes := func(op kv.Op) bool { return op.Kind == kv.OpDelete }
		if made > 3 || !slices.ContainsFunc(ops, deletes) {
			return nil
		}
		made++
		secret, _, err := w.CreateToken(t.Context(), p, NewToken{Name: "child"})
		if err != nil {
			t.Error(err)
			return err
		}
		p = w.bearer(secret)
		return nil
	}
	if err := w.RemoveUser(t.Context(), w.root(), "alice"); err != nil {
		t.Fatal(err)
	}
	if all, err := w.Tokens(t.Context(), w.root(), ""); err != nil || len(all) != 0 || made != 4 {
		t.Errorf("of %d children there are left %v, %v", made, all, err)
	}
}

func TestRemoveUserAfterAFault(t *testing.T) {
	w := closed(t)
	w.user("alice")
	secret := w.token(NewToken{Name: "x", User: "alice"})
	boom, n := errors.New("disk on fire"), 0
	w.db.before = func([]kv.Op) error {
		if n++; n == 2 {
			return boom
		}
		return nil
	}
	if err := w.RemoveUser(t.Context(), w.root(), "alice"); !errors.Is(err, boom) {
		t.Fatalf("RemoveUser = %v", err)
	}
	if err := w.RemoveUser(t.Context(), w.root(), "alice"); err != nil {
		t.Fatalf("the second time: %v", err)
	}
	_, err := w.Identify(t.Context(), Credentials{Token: secret})
	refused(t, err, fault.Unauthenticated)
}
