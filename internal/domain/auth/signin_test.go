package auth

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

func TestSignIn(t *testing.T) {
	w := closed(t)
	w.user("alice")
	other, own := w.token(NewToken{Name: "ci"}), w.token(NewToken{Name: "phone", User: "alice", Permission: Read})
	stranger := w.anonymous()

	for what, secret := range map[string]string{"password": password, "token": own} {
		p, created, err := w.SignIn(t.Context(), stranger, "alice", secret, "")
		if err != nil || created || p.User() != "alice" || p.IsAdmin() {
			t.Errorf("by %s: %s, created %v, %v", what, p, created, err)
		}
		if may := p.MayPublish("") == nil; may != (what == "password") {
			t.Errorf("by %s she may publish: %v", what, may)
		}
	}
	if p, _, err := w.SignIn(t.Context(), stranger, "admin", rootToken, ""); err != nil || !p.IsAdmin() || p.String() != "admin" {
		t.Errorf("the operator: %s, %v", p, err)
	}

	want := ""
	for _, tt := range []struct{ what, user, password string }{
		{"a wrong password", "alice", "open sesame"},
		{"no password", "alice", ""},
		{"no such user", "nobody", password},
		{"an account in other letters", "Alice", password},
		{"a name that no user has", "../alice\x00", password},
		{"a long name", strings.Repeat("a", 5000), password},
		{"a long password", "alice", strings.Repeat("a", 1<<20)},
		{"another's token", "alice", other},
		{"the root's token under another name", "alice", rootToken},
		{"the root with another password", "admin", password},
		{"a prototype's name", "__proto__", password},
	} {
		p, created, err := w.SignIn(t.Context(), stranger, tt.user, tt.password, "alice@example.com")
		t.Run(tt.what, func(t *testing.T) {
			refused(t, err, fault.Unauthenticated, "Invalid token or password")
			if want == "" {
				want = fmt.Sprint(err)
			}
			if fmt.Sprint(err) != want || created || !p.Anonymous() {
				t.Errorf("%v tells more than %q, or let %s in", err, want, p)
			}
		})
	}
	_, _, err := w.SignIn(t.Context(), stranger, "alice", newSecret(), "")
	refused(t, err, fault.Unauthenticated, "Invalid token")
}

func TestBasicWithPassword(t *testing.T) {
	w := closed(t)
	w.user("alice")
	from := netip.MustParseAddr("203.0.113.9")
	if p := w.identify(Credentials{User: "alice", Token: password, Addr: from}); p.String() != "alice" || p.MayPublish("") != nil {
		t.Errorf("alice is %s", p)
	}
	for _, c := range []Credentials{{User: "alice", Token: "wrong"}, {User: "nobody", Token: password}, {User: "alice"}, {User: "A", Token: password}} {
		_, err := w.Identify(t.Context(), c)
		refused(t, err, fault.Unauthenticated, "Invalid token")
	}
	// What a request guesses counts for the form, and the other way round.
	for i := range failuresOfUser {
		_, _ = w.Identify(t.Context(), Credentials{User: "bob", Token: fmt.Sprint("guess", i), Addr: from})
	}
	_, _, err := w.SignIn(t.Context(), w.anonymous(), "bob", "another", "")
	refused(t, err, fault.Forbidden, "wait")
}

// TestBruteForceByAddressOfTheForm: the address that Identify saw counts in SignIn.
func TestBruteForceByAddressOfTheForm(t *testing.T) {
	w := closed(t)
	w.user("alice")
	from := func(a string) Principal { return w.identify(Credentials{Addr: netip.MustParseAddr(a)}) }
	for i := range failuresOfAddr {
		_, _, err := w.SignIn(t.Context(), from("198.51.100.1"), fmt.Sprint("user", i), "password1", "")
		refused(t, err, fault.Unauthenticated)
	}
	_, _, err := w.SignIn(t.Context(), from("198.51.100.1"), "alice", password+"!", "")
	refused(t, err, fault.Forbidden, "wait")
	if _, _, err := w.SignIn(t.Context(), from("198.51.100.2"), "alice", password, ""); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
}

func TestSignUp(t *testing.T) {
	w := newWorld(t, Options{RootToken: rootToken, SignUp: true})
	stranger := w.anonymous()
	_, _, err := w.SignIn(t.Context(), stranger, "alice", password, "")
	refused(t, err, fault.Invalid, `There is no user with the username "alice"`)

	for _, tt := range []struct{ what, user, password, email, words string }{
		{"upper case", "Alice", password, "a@example.com", "user name"},
		{"no name", "", password, "a@example.com", "user name"},
		{"a hidden name", ".alice", password, "a@example.com", "begin"},
		{"a path", "../alice", password, "a@example.com", "user name"},
		{"a slash", "a/b", password, "a@example.com", "user name"},
		{"an escape", "a%2fb", password, "a@example.com", "user name"},
		{"a space", "a b", password, "a@example.com", "user name"},
		{"NUL", "a\x00", password, "a@example.com", "user name"},
		{"a look-alike", "аlice", password, "a@example.com", "user name"},
		{"a long name", strings.Repeat("a", 65), password, "a@example.com", "64"},
		{"a prototype's name", "__proto__", password, "a@example.com", "reserved"},
		{"a prototype's member", "constructor", password, "a@example.com", "reserved"},
		{"no address", "bob", password, "bob", "e-mail"},
		{"half an address", "bob", password, "bob@", "e-mail"},
		{"two addresses", "bob", password, "a@b.c, d@e.f", "e-mail"},
		{"a name with an address", "bob", password, "Bob <b@example.com>", "e-mail"},
		{"a line break", "bob", password, "b@example.com\r\nBcc: x@example.com", "e-mail"},
		{"a long address", "bob", password, strings.Repeat("a", 250) + "@example.com", "e-mail"},
		{"a short password", "bob", "1234567", "b@example.com", "8 to 1024"},
		{"seven characters of more bytes", "bob", "ééééééé", "b@example.com", "8 to 1024"},
		{"a long password", "bob", strings.Repeat("a", 1025), "b@example.com", "8 to 1024"},
	} {
		_, created, err := w.SignIn(t.Context(), stranger, tt.user, tt.password, tt.email)
		t.Run(tt.what, func(t *testing.T) {
			if refused(t, err, fault.Invalid, tt.words); created {
				t.Error("and made all the same")
			}
		})
	}
	for _, reserved := range []string{"admin", "local", "anonymous", "operator"} {
		_, created, err := w.SignIn(t.Context(), stranger, reserved, password, "a@example.com")
		if refused(t, err, fault.Unauthenticated); created {
			t.Errorf("%s is made", reserved)
		}
	}
	// A token in place of a password must not become one.
	for _, secret := range []string{w.token(NewToken{Name: "ci"}), newSecret(), "regact_mistyped", rootToken} {
		_, created, err := w.SignIn(t.Context(), stranger, "bob", secret, "b@example.com")
		if refused(t, err, fault.Unauthenticated); created {
			t.Error("an account was made of a token")
		}
	}

	p, created, err := w.SignIn(t.Context(), stranger, "alice", password, "alice@example.com")
	if err != nil || !created || p.User() != "alice" || p.IsAdmin() || p.MayPublish("") != nil {
		t.Fatalf("signing up: %s, created %v, %v", p, created, err)
	}
	if p, created, err := w.SignIn(t.Context(), stranger, "alice", password, "other@example.com"); err != nil || created || p.User() != "alice" {
		t.Errorf("again: %s, created %v, %v", p, created, err)
	}
	if got, err := w.Profile(t.Context(), "alice"); err != nil || got.Email != "alice@example.com" || !got.Created.Equal(w.now()) {
		t.Errorf("Profile = %+v, %v", got, err)
	}
	_, _, err = w.SignIn(t.Context(), stranger, "alice", password+"!", "alice@example.com")
	refused(t, err, fault.Unauthenticated)
}

// TestNobodyBecomesSomebodyElse: a name that may own packages can't be signed up for.
func TestNobodyBecomesSomebodyElse(t *testing.T) {
	w := newWorld(t, Options{RootToken: rootToken, SignUp: true})
	secret := w.token(NewToken{Name: "ci"})
	if err := w.Revoke(t.Context(), w.root(), secret); err != nil {
		t.Fatal(err)
	}
	w.user("alice")
	if err := w.RemoveUser(t.Context(), w.root(), "alice"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ci", "alice"} {
		_, _, err := w.SignIn(t.Context(), w.anonymous(), name, "my own password", "evil@example.com")
		refused(t, err, fault.Exists, name, "ask an admin")
	}
	// An admin may give it away.
	w.user("alice")
	if err := w.SetPassword(t.Context(), w.root(), "ci", "", password); err != nil {
		t.Error(err)
	}
}

func TestTwoSignUpsAtOnce(t *testing.T) {
	w := newWorld(t, Options{RootToken: rootToken, SignUp: true})
	stranger := w.anonymous()
	var made, in atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, created, err := w.SignIn(t.Context(), stranger, "alice", fmt.Sprint("password", i/4), "a@example.com")
			if created {
				made.Add(1)
			}
			if err == nil {
				in.Add(1)
			} else {
				refused(t, err, fault.Unauthenticated)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || in.Load() != 4 {
		t.Errorf("%d accounts were made and %d of 8 let in, want 1 and 4", made.Load(), in.Load())
	}
}

func TestSignUpsAreBounded(t *testing.T) {
	w := newWorld(t, Options{RootToken: rootToken, SignUp: true})
	for i := range signUpsOfAddr {
		if _, created, err := w.SignIn(t.Context(), w.anonymous(), fmt.Sprint("user", i), password, "a@example.com"); !created {
			t.Fatal(err)
		}
	}
	_, _, err := w.SignIn(t.Context(), w.anonymous(), "more", password, "a@example.com")
	refused(t, err, fault.Forbidden, "wait")
	w.user("more") // by the admin
	w.Pass(attemptsFor)
	if _, created, err := w.SignIn(t.Context(), w.anonymous(), "late", password, "a@example.com"); !created {
		t.Error(err)
	}
}

// TestLocalMakesAccounts: on an open server npm adduser just works on its machine, and there only.
func TestLocalMakesAccounts(t *testing.T) {
	w := newWorld(t, Options{})
	local, far := w.identify(Credentials{Local: true}), w.identify(Credentials{})
	_, _, err := w.SignIn(t.Context(), local, "alice", password, "")
	refused(t, err, fault.Invalid, "There is no user")
	_, _, err = w.SignIn(t.Context(), local, "admin", password, "a@example.com")
	refused(t, err, fault.Invalid, "reserved")
	_, _, err = w.SignIn(t.Context(), far, "alice", password, "a@example.com")
	refused(t, err, fault.Unauthenticated)
	p, created, err := w.SignIn(t.Context(), local, "alice", password, "a@example.com")
	if err != nil || !created || p.IsAdmin() || p.User() != "alice" {
		t.Errorf("SignIn = %s, %v, %v", p, created, err)
	}
	_, _, err = w.SignIn(t.Context(), local, "alice", "not the password", "a@example.com")
	refused(t, err, fault.Unauthenticated)
}

func TestPasswordIsHashedInTheStore(t *testing.T) {
	w := closed(t)
	w.user("alice")
	row, err := w.db.Get(t.Context(), userKey("alice"))
	if err != nil || strings.Contains(string(row.Value), password) || !strings.Contains(string(row.Value), "$argon2id$") {
		t.Errorf("the row is %s, %v", row.Value, err)
	}
}

// TestPasswordMemory: a password costs one slow check in five minutes, and nothing after a change.
func TestPasswordMemory(t *testing.T) {
	w := closed(t)
	alice := w.user("alice")
	c := Credentials{User: "alice", Token: password}
	for range checksAtOnce { // no slow check is possible
		w.guard.slots <- struct{}{}
	}
	w.identify(c)
	w.Pass(rememberFor - time.Second)
	w.identify(c)
	for range checksAtOnce {
		<-w.guard.slots
	}
	if err := w.SetPassword(t.Context(), alice, "alice", password, "a new password"); err != nil {
		t.Fatal(err)
	}
	_, err := w.Identify(t.Context(), c)
	refused(t, err, fault.Unauthenticated)
	w.identify(Credentials{User: "alice", Token: "a new password"})
	if err := w.RemoveUser(t.Context(), w.root(), "alice"); err != nil {
		t.Fatal(err)
	}
	_, err = w.Identify(t.Context(), Credentials{User: "alice", Token: "a new password"})
	refused(t, err, fault.Unauthenticated)
}

// TestAccountRemovedDuringItsSlowCheck: what was right a moment ago makes no token.
func TestAccountRemovedDuringItsSlowCheck(t *testing.T) {
	w := closed(t)
	alice := w.user("alice")
	if err := w.db.Apply(t.Context(), kv.Delete(userKey("alice"))); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.CreateToken(t.Context(), alice, NewToken{Name: "x"})
	refused(t, err, fault.Unauthenticated)
}
