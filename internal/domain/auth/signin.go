package auth

import (
	"cmp"
	"context"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// SignIn checks a user's password (or a token of theirs in its place) and returns who it is. If there is no such user and
// signing up is allowed, or the caller is an admin, it makes one; email is then required (npm asks for it).
func (s *Service) SignIn(ctx context.Context, who Principal, user, password, email string) (p Principal, created bool, err error) {
	c := Credentials{User: user, Token: password, Addr: who.addr}
	if password == "" {
		return p, false, s.wrongPassword()
	}
	if s.isRoot(password) || looksLikeToken(password) {
		p, err = s.recognize(ctx, c)
		if err == nil && p.user != user {
			err = s.wrongPassword()
		}
	} else {
		p, created, err = s.enter(ctx, who, c, email)
	}
	if err != nil {
		return Principal{}, false, err
	}
	p.addr, p.door = who.addr, door{open: s.open(), readAuth: s.opt.ReadAuth}
	return p, created, nil
}

// enter signs in with a password, or up.
func (s *Service) enter(ctx context.Context, who Principal, c Credentials, email string) (p Principal, created bool, err error) {
	err = turns.Retry(accounts, func() error {
		_, raw, err := s.account(ctx, c.User)
		if err != nil {
			return err
		}
		if raw != nil || !who.IsAdmin() && (!s.opt.SignUp || reserved(c.User)) {
			p, err = s.byPassword(ctx, c)
			return err
		}
		err = s.signUp(ctx, who, c, email)
		p, created = Principal{user: c.User, permission: Publish, account: true}, err == nil
		return err
	})
	return p, created, err
}

func (s *Service) signUp(ctx context.Context, who Principal, c Credentials, email string) error {
	if email == "" {
		// npm asks for no address when it logs in, and takes this refusal for what it says.
		return fault.New(fault.Invalid, "There is no user with the username %.80q; to make it, give an e-mail address too (npm adduser asks for one)", c.User).WithCode("email_required")
	}
	if err := cmp.Or(validAccount(c.User), validEmail(email), validPassword(c.Token)); err != nil {
		return err
	}
	_, _, taken, err := kv.ReadJSON[name](ctx, s.db, nameKey(c.User))
	if err != nil {
		return err
	}
	claim := kv.PutNew(kv.JSON(nameKey(c.User), name{}))
	if who.IsAdmin() {
		claim = kv.Put(claim.Row)
	} else if taken {
		if _, raw, err := s.account(ctx, c.User); err != nil || raw != nil {
			return cmp.Or(err, kv.ErrConflict) // made since it was looked for
		}
		return fault.New(fault.Exists, "user name %q was given out before, and may own packages; choose another, or ask an admin for the account", c.User).WithCode("user_taken")
	} else if err := s.guard.signUp(ctx, who.addr); err != nil {
		return err
	}
	hash, err := s.guard.hash(ctx, c.Token)
	if err != nil {
		return err
	}
	now := s.now()
	a := account{Profile: Profile{Name: c.User, Email: email, Created: now, Updated: now}, Password: hash}
	return s.db.Apply(ctx, claim, kv.PutNew(kv.JSON(userKey(a.Name), a)))
}
