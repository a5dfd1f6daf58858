package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// account is the row of a user.
type account struct {
	Profile
	Password string `json:"password"` // hash
}

// name is the row of a user name that was ever given out. It stays when the account or the tokens go:
// nobody may sign up as somebody who was here, and own what they published.
type name struct {
	LastToken string `json:"lastToken,omitempty"` // key
}

// account reads an account; raw is its row for a later condition, nil if there is none.
func (s *Service) account(ctx context.Context, user string) (a account, raw []byte, err error) {
	if validUser(user) != nil {
		return a, nil, nil
	}
	a, raw, _, err = kv.ReadJSON[account](ctx, s.db, userKey(user))
	return a, raw, err
}

// Profile reads a user; fault.NotFound if there is none.
func (s *Service) Profile(ctx context.Context, user string) (Profile, error) {
	a, raw, err := s.account(ctx, user)
	if err == nil && raw == nil {
		err = noUser(user)
	}
	return a.Profile, err
}

// Known reports whether a user has an account or tokens here, or had: nobody else can sign up under the name.
func (s *Service) Known(ctx context.Context, user string) (bool, error) {
	if validUser(user) != nil {
		return false, nil
	}
	_, _, found, err := kv.ReadJSON[name](ctx, s.db, nameKey(user))
	return found || reserved(user), err
}

// CheckOwner returns nil if who may make a user an owner of something. The user must have an account: a misspelt name would
// belong to whoever signs up with it. An admin may also name a user of tokens only.
func (s *Service) CheckOwner(ctx context.Context, who Principal, user string) (err error) {
	known := true
	if who.IsAdmin() {
		known, err = s.Known(ctx, user)
	} else if _, err = s.Profile(ctx, user); errors.Is(err, fault.NotFound) {
		known, err = false, nil
	}
	if err != nil || known {
		return err
	}
	return fault.New(fault.Invalid, "there is no user %.100q here; owners are named by their user name, not by an address, and sign in first (npm login), or have an admin make the account", user).WithCode("unknown_user")
}

func noUser(user string) error {
	return fault.New(fault.NotFound, "there is no user with the name %.80q", user).WithCode("unknown_user")
}

// SetProfile changes the caller's own e-mail address and full name; nil leaves them.
func (s *Service) SetProfile(ctx context.Context, who Principal, email, fullName *string) (Profile, error) {
	if err := who.MayManage(); err != nil {
		return Profile{}, err
	}
	if email != nil {
		if err := validEmail(*email); err != nil {
			return Profile{}, err
		}
	}
	if fullName != nil {
		if err := validFullName(*fullName); err != nil {
			return Profile{}, err
		}
	}
	var p Profile
	err := turns.Retry(accounts, func() error {
		a, raw, err := s.account(ctx, who.user)
		if err != nil {
			return err
		}
		if raw == nil {
			return noUser(who.user)
		}
		if email != nil {
			a.Email = *email
		}
		if fullName != nil {
			a.FullName = *fullName
		}
		a.Updated = s.now()
		p = a.Profile
		return s.db.Apply(ctx, kv.Swap(raw, kv.JSON(userKey(a.Name), a)))
	})
	return p, err
}

// SetPassword changes the caller's own password, or as an admin anybody's (old is then not asked). It makes the
// account if an admin names one that does not exist. Tokens stay.
func (s *Service) SetPassword(ctx context.Context, who Principal, user, old, password string) error {
	switch {
	case who.Anonymous():
		return who.stranger()
	case !who.IsAdmin() && user != who.user:
		return fault.New(fault.Forbidden, "%q may not change the password of %.80q", who.user, user)
	}
	if err := cmp.Or(validAccount(user), validPassword(password)); err != nil {
		return err
	}
	return turns.Retry(accounts, func() error {
		a, raw, err := s.account(ctx, user)
		if err != nil {
			return err
		}
		if !who.IsAdmin() {
			if err := s.checkOld(ctx, who, a, old); err != nil {
				return err
			}
		}
		a.Updated = s.now()
		if a.Password, err = s.guard.hash(ctx, password); err != nil {
			return err
		}
		var ops []kv.Op
		if raw == nil {
			a.Name, a.Created = user, a.Updated
			ops = append(ops, kv.Put(kv.JSON(nameKey(user), name{})))
		}
		return s.db.Apply(ctx, append(ops, kv.Upsert(raw, raw != nil, kv.JSON(userKey(user), a)))...)
	})
}

func (s *Service) checkOld(ctx context.Context, who Principal, a account, old string) error {
	if a.Name == "" {
		return noUser(who.user)
	}
	right, err := s.guard.check(ctx, a.Name, old, a.Password, who.addr)
	if err == nil && !right {
		err = fault.New(fault.Forbidden, "the old password of %q is another one", a.Name).WithCode("wrong_password")
	}
	return err
}

// Users lists the accounts by name; for admins.
func (s *Service) Users(ctx context.Context, who Principal) ([]Profile, error) {
	if err := who.mustBeAdmin("list the users"); err != nil {
		return nil, err
	}
	all := []Profile{}
	for r, err := range s.db.Scan(ctx, userPartition, kv.Query{}) {
		if err != nil {
			return nil, err
		}
		var p Profile
		if err := json.Unmarshal(r.Value, &p); err != nil {
			return nil, fmt.Errorf("decoding row %s: %w", r.Key, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// RemoveUser ends an account and its tokens; for admins. Nobody can sign up under the name again,
// since it may still own packages.
func (s *Service) RemoveUser(ctx context.Context, who Principal, user string) error {
	if err := who.mustBeAdmin("remove users"); err != nil {
		return err
	}
	if validUser(user) != nil {
		return noUser(user)
	}
	_, raw, err := s.account(ctx, user)
	if err != nil {
		return err
	}
	if err := s.db.Apply(ctx, kv.Delete(userKey(user))); err != nil {
		return err
	}
	removed, err := s.removeTokens(ctx, user)
	if err == nil && !removed && raw == nil {
		err = noUser(user)
	}
	return err
}

// removeTokens ends the tokens of a user. One that is made by another, before that one goes, may be
// missed by a scan; so it looks again until there is none left to make more.
func (s *Service) removeTokens(ctx context.Context, user string) (some bool, err error) {
	err = turns.Retry(accounts, func() error {
		var ops []kv.Op
		for t, err := range s.scan(ctx, userTokens(user), "") {
			if err != nil {
				return err
			}
			ops = append(ops, deleteOps(t)...)
		}
		if len(ops) == 0 {
			return nil
		}
		some = true
		for batch := range slices.Chunk(ops, kv.MaxBatch) {
			if err := s.db.Apply(ctx, batch...); err != nil {
				return err
			}
		}
		return kv.ErrConflict // with whoever makes another meanwhile
	})
	return some, err
}
