package zigpackages

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const (
	maxOwners = 40  // of a package; its head is read for every request
	maxUser   = 214 // bytes
)

// validUser is what storage and documents need of a user name; accounts have tighter rules.
func validUser(user string) bool {
	reserved := user == "__proto__" || user == "constructor" || user == "prototype"
	return user != "" && len(user) <= maxUser && utf8.ValidString(user) && !reserved &&
		!strings.ContainsFunc(user, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
}

// SetOwner adds or removes an owner; the last one stays. Returns the owners. An owner or an admin may; who was only granted
// to publish may not. Whether a user has an account is for the caller to know.
func (s *Service) SetOwner(ctx context.Context, who Principal, name, user string, owns bool) ([]string, error) {
	if who.Proof() != nil {
		return nil, fault.New(fault.Forbidden, "the token of a CI run may publish, but not change owners; sign in to do that").WithCode("run_token")
	}
	if !validUser(user) {
		return nil, fault.New(fault.Invalid, "%.80q can't own %.80s: it is not a user name", user, name).WithCode("invalid_user")
	}
	var owners []string
	err := s.change(ctx, who, name, func(p *pkg) ([]kv.Op, error) {
		if !p.isOwner(who) {
			return nil, p.notOwner(who)
		}
		owners = slices.DeleteFunc(slices.Clone(p.Owners), func(o string) bool { return o == user })
		if owns {
			owners = append(owners, user)
			slices.Sort(owners)
		}
		switch {
		case slices.Equal(owners, p.Owners):
			return nil, turns.ErrUnchanged
		case len(owners) == 0:
			return nil, fault.New(fault.Invalid, "%s must keep at least one owner; add another before the last one goes", p.Name).WithCode("no_owner")
		case len(owners) > maxOwners:
			return nil, fault.New(fault.Invalid, "%s would have %d owners, at most %d are allowed", p.Name, len(owners), maxOwners).WithCode("too_many_owners")
		}
		p.Owners = owners
		p.touched(s.now())
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return owners, nil
}
