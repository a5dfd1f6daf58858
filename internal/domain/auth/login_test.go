package auth

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

func (w *world) begin() Login {
	w.t.Helper()
	l, err := w.BeginLogin(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func TestWebLogin(t *testing.T) {
	w := closed(t)
	alice, l := w.user("alice"), w.begin()
	if token, done, err := w.PollLogin(t.Context(), l.Secret); err != nil || done || token != "" {
		t.Errorf("PollLogin = %q, %v, %v before it is confirmed", token, done, err)
	}
	if err := w.ConfirmLogin(t.Context(), alice, l.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.ConfirmLogin(t.Context(), alice, l.ID); err != nil { // a second click
		t.Error(err)
	}
	refused(t, w.ConfirmLogin(t.Context(), w.user("bob"), l.ID), fault.Exists, "another user")
	if all, err := w.Tokens(t.Context(), alice, ""); err != nil || len(all) != 0 {
		t.Errorf("a token is there before anybody fetched it: %v, %v", all, err)
	}
	token, done, err := w.PollLogin(t.Context(), l.Secret)
	if err != nil || !done {
		t.Fatalf("PollLogin = %v, %v", done, err)
	}
	if p := w.bearer(token); p.User() != "alice" || p.IsAdmin() || p.MayPublish("") != nil {
		t.Errorf("the token is of %s", p)
	}
	all, err := w.Tokens(t.Context(), alice, "")
	if err != nil || len(all) != 1 || all[0].Name != "npm login 2026-03-01" || all[0].Permission != Publish {
		t.Errorf("Tokens = %+v, %v", all, err)
	}
	_, _, err = w.PollLogin(t.Context(), l.Secret)
	refused(t, err, fault.NotFound, "npm login")
	refused(t, w.ConfirmLogin(t.Context(), alice, l.ID), fault.NotFound)
	if n := len(w.logins.open); n != 0 {
		t.Errorf("%d logins count as open", n)
	}
}

func TestWebLoginSecrets(t *testing.T) {
	w := closed(t)
	alice, l := w.user("alice"), w.begin()
	if strings.Contains(l.Secret, l.ID) || strings.Contains(l.ID, l.Secret) || len(l.ID) < 32 || len(l.Secret) < 27 {
		t.Errorf("Login = %+v", l)
	}
	// The ID, which is in the user's address bar, is not what the client polls with, and the other way round.
	_, _, err := w.PollLogin(t.Context(), l.ID)
	refused(t, err, fault.NotFound)
	refused(t, w.ConfirmLogin(t.Context(), alice, l.Secret), fault.NotFound)
	for _, guess := range []string{"", l.ID[:39], l.ID + "0", strings.ToUpper(l.ID), strings.Repeat("0", 40), "\x00", strings.Repeat("a", 5000), "../" + l.ID} {
		if guess == l.ID {
			continue
		}
		refused(t, w.ConfirmLogin(t.Context(), alice, guess), fault.NotFound)
		_, _, err := w.PollLogin(t.Context(), guess)
		refused(t, err, fault.NotFound)
	}
	for r, err := range w.db.Scan(t.Context(), "auth/login", kv.Query{}) {
		if err != nil || strings.Contains(r.Sort+string(r.Value), l.Secret) {
			t.Errorf("the store has the secret, or: %v", err)
		}
	}
	refused(t, w.ConfirmLogin(t.Context(), w.anonymous(), l.ID), fault.Unauthenticated)
	w.Pass(loginFor)
	refused(t, w.ConfirmLogin(t.Context(), alice, l.ID), fault.NotFound)
	_, _, err = w.PollLogin(t.Context(), l.Secret)
	refused(t, err, fault.NotFound)
}

// TestWebLoginGivesNoMore: than whoever confirmed it has.
func TestWebLoginGivesNoMore(t *testing.T) {
	w := closed(t)
	bound := w.token(NewToken{Name: "bound", CIDR: []string{"10.0.0.0/8"}})
	end := w.now().Add(time.Hour)
	for _, tt := range []struct {
		what string
		who  Principal
		want TokenInfo
	}{
		{"the root", w.root(), TokenInfo{User: "admin", Permission: Publish}},
		{"an admin's token", w.bearer(w.token(NewToken{Name: "ops", Permission: Admin, Expires: time.Hour})), TokenInfo{User: "ops", Permission: Publish, Expires: end}},
		{"a reader", w.bearer(w.token(NewToken{Name: "reader", Permission: Read})), TokenInfo{User: "reader", Permission: Read}},
		{"a grant", w.bearer(w.token(NewToken{Name: "ci", Packages: []string{"a", "@b/*"}, Grant: true})), TokenInfo{User: "ci", Permission: Publish, Packages: []string{"a", "@b/*"}}},
		{"a grant of repositories", w.bearer(w.token(NewToken{Name: "bot", Repositories: []string{"acme/*"}, Grant: true})), TokenInfo{User: "bot", Permission: Publish, Repositories: []string{"acme/*"}}},
		{"a bound token", w.identify(Credentials{Token: bound, Addr: network10}), TokenInfo{User: "bound", Permission: Publish, CIDR: []string{"10.0.0.0/8"}}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			l := w.begin()
			if err := w.ConfirmLogin(t.Context(), tt.who, l.ID); err != nil {
				t.Fatal(err)
			}
			token, done, err := w.PollLogin(t.Context(), l.Secret)
			if err != nil || !done {
				t.Fatal(done, err)
			}
			all, err := w.Tokens(t.Context(), w.root(), tt.want.User)
			i := slices.IndexFunc(all, func(i TokenInfo) bool { return i.Key == hashOf(token)[:keyDigits] })
			if err != nil || i < 0 {
				t.Fatal(i, err)
			}
			got := all[i]
			if got.User != tt.want.User || got.Permission != tt.want.Permission || got.Grant || !got.Expires.Equal(tt.want.Expires) ||
				!slices.Equal(got.Packages, tt.want.Packages) || !slices.Equal(got.Repositories, tt.want.Repositories) || !slices.Equal(got.CIDR, tt.want.CIDR) {
				t.Errorf("the token is %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestWebLoginOfOneWhoIsGone: what was confirmed with a token or account that is gone now gives nothing.
func TestWebLoginOfOneWhoIsGone(t *testing.T) {
	w := closed(t)
	alice, secret := w.user("alice"), w.token(NewToken{Name: "ci"})
	one, two := w.begin(), w.begin()
	if err := errors.Join(w.ConfirmLogin(t.Context(), alice, one.ID), w.ConfirmLogin(t.Context(), w.bearer(secret), two.ID)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.RemoveUser(t.Context(), w.root(), "alice"), w.Revoke(t.Context(), w.root(), secret)); err != nil {
		t.Fatal(err)
	}
	for _, l := range []Login{one, two} {
		token, done, err := w.PollLogin(t.Context(), l.Secret)
		if refused(t, err, fault.Unauthenticated, "removed"); done || token != "" {
			t.Error("there is a token all the same")
		}
	}
}

// TestTwoPollers: of many at once one gets the token, and no more than one is made.
func TestTwoPollers(t *testing.T) {
	w := closed(t)
	alice := w.user("alice")
	for range 10 {
		l := w.begin()
		if err := w.ConfirmLogin(t.Context(), alice, l.ID); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var got []string
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				token, done, err := w.PollLogin(t.Context(), l.Secret)
				if done {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, token)
				} else {
					refused(t, err, fault.NotFound)
				}
			})
		}
		wg.Wait()
		if len(got) != 1 {
			t.Fatalf("%d pollers got a token, want 1", len(got))
		}
		w.bearer(got[0])
	}
	if all, err := w.Tokens(t.Context(), alice, ""); err != nil || len(all) != 10 {
		t.Errorf("%d tokens were made, %v, want 10", len(all), err)
	}
}

func TestTwoConfirm(t *testing.T) {
	w := closed(t)
	alice, bob := w.user("alice"), w.user("bob")
	l := w.begin()
	var errs [2]error
	var wg sync.WaitGroup
	for i, who := range []Principal{alice, bob} {
		wg.Go(func() { errs[i] = w.ConfirmLogin(t.Context(), who, l.ID) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("alice: %v, bob: %v, want one of them", errs[0], errs[1])
	}
	refused(t, errors.Join(errs[:]...), fault.Exists)
}

func TestOpenLoginsAreBounded(t *testing.T) {
	w := closed(t)
	for range maxLogins {
		w.logins.add(randomText(), w.now())
	}
	_, err := w.BeginLogin(t.Context())
	refused(t, err, fault.Forbidden, "--auth-type=legacy") // which npm takes for: ask for the password
	w.Pass(loginFor)
	w.begin()
	if n := len(w.logins.open); n != 1 {
		t.Errorf("%d logins count as open, want 1", n)
	}
	boom := errors.New("disk on fire")
	w.db.before = func([]kv.Op) error { return boom }
	if _, err := w.BeginLogin(t.Context()); !errors.Is(err, boom) {
		t.Errorf("BeginLogin = %v", err)
	}
	if n := len(w.logins.open); n != 1 {
		t.Errorf("%d logins count as open after a fault, want 1", n)
	}
}
