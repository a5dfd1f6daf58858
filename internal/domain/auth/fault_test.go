package auth

import (
	"context"
	"errors"
	"testing"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/storetest"
)

// A write whose outcome the store can't tell may have happened (law 7 of kv). Who
// makes the request again gets what was asked for, and only that can be used
// which somebody was told.
func TestUnknownOutcomes(t *testing.T) {
	lost := errors.New("the disk is gone, or is it?")
	w := newWorld(t, Options{RootToken: rootToken, SignUp: true})
	db := &storetest.DB{DB: w.Service.db}
	w.Service.db = db
	ctx := t.Context()
	// twice makes a change whose first outcome is unknown, and then again.
	twice := func(what string, change func() error) {
		t.Helper()
		db.Doubt(0, lost)
		if err := change(); !errors.Is(err, lost) {
			t.Errorf("%s: %v, want the store's error", what, err)
		}
		if err := change(); err != nil {
			t.Errorf("%s, again: %v", what, err)
		}
	}

	alice := Principal{}
	twice("sign up", func() (err error) {
		alice, _, err = w.SignIn(ctx, w.anonymous(), "alice", "correct horse", "alice@example.com")
		return err
	})
	if alice.User() != "alice" {
		t.Errorf("signed up as %q", alice.User())
	}
	var secret string
	twice("a token", func() (err error) {
		secret, _, err = w.CreateToken(ctx, alice, NewToken{Name: "ci"})
		return err
	})
	if who := w.bearer(secret); who.User() != "alice" {
		t.Errorf("the token is %q's", who.User())
	}
	all, err := w.Tokens(ctx, alice, "alice")
	if err != nil || len(all) != 2 {
		t.Errorf("the tokens are %v, %v; want both, so that the one that nobody was told can be revoked", all, err)
	}
	for _, info := range all {
		db.Doubt(0, lost)
		if err := w.Revoke(ctx, alice, info.Key); !errors.Is(err, lost) {
			t.Errorf("Revoke: %v", err)
		}
	}
	if _, err := w.Identify(ctx, Credentials{Token: secret}); err == nil {
		t.Error("the token works after a revocation that happened")
	}
	twice("a profile", func() error { _, err := w.SetProfile(ctx, alice, nil, new("Alice A.")); return err })
	twice("a password of the operator's", func() error { return w.SetPassword(ctx, w.root(), "bob", "", "another horse") })
	if _, _, err := w.SignIn(ctx, w.anonymous(), "bob", "another horse", ""); err != nil {
		t.Errorf("signing in with it: %v", err)
	}
}

// hookedGets calls before ahead of a Get.
type hookedGets struct {
	kv.DB
	before func(k kv.Key)
}

func (h *hookedGets) Get(ctx context.Context, k kv.Key) (kv.Row, error) {
	h.before(k)
	return h.DB.Get(ctx, k)
}

// Of the same sign-up twice at once, as by a client that was cut off and asks
// again, both are let in.
func TestSameSignUpInBetween(t *testing.T) {
	w := newWorld(t, Options{RootToken: rootToken, SignUp: true})
	plain := w.Service.db
	signUp := func() error {
		_, _, err := w.SignIn(t.Context(), Principal{}, "alice", "correct horse", "alice@example.com")
		return err
	}
	w.Service.db = &hookedGets{plain, func(k kv.Key) {
		if k == nameKey("alice") { // the account has been looked for
			w.Service.db = plain
			if err := signUp(); err != nil {
				t.Error(err)
			}
		}
	}}
	if err := signUp(); err != nil {
		t.Errorf("the slower of the two: %v", err)
	}
}
