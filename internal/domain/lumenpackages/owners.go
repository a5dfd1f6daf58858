package lumenpackages

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// Role is what somebody may do with a package.
type Role string

// The roles, by the client's names.
const (
	RoleOwner      Role = "owner"      // publish, yank, change who else may
	RoleMaintainer Role = "maintainer" // publish and yank
)

// Owner is one who may publish.
type Owner struct {
	User    string    `json:"user"`
	Role    Role      `json:"role"`
	AddedAt time.Time `json:"addedAt"`
	AddedBy string    `json:"addedBy"`
}

const (
	maxOwners = 40  // of a package; its head is read for every write
	maxUser   = 214 // bytes
)

// validUser is what storage and documents need of a user name; accounts have tighter rules.
func validUser(user string) bool {
	return user != "" && len(user) <= maxUser && utf8.ValidString(user) &&
		!strings.ContainsFunc(user, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
}

// Owners lists who may publish a package, by user.
func (s *Service) Owners(ctx context.Context, name string) ([]Owner, error) {
	p, err := s.living(ctx, name)
	return p.Owners, err
}

// SetOwner gives a user a role, or takes it with "". An owner stays: the last can't go. Whether a user has
// an account is for the caller to know.
func (s *Service) SetOwner(ctx context.Context, who Principal, name, user string, role Role) error {
	if who.Proof() != nil {
		return fault.New(fault.Forbidden, "the token of a CI run may publish, but not change owners; sign in to do that").WithCode("run_token")
	}
	if !validUser(user) {
		return fault.New(fault.Invalid, "%.80q can't own %.80s: it is not a user name", user, name).WithCode("invalid_user")
	}
	if role != "" && role != RoleOwner && role != RoleMaintainer {
		return fault.New(fault.Invalid, "%.40q is no role; send %q or %q", role, RoleOwner, RoleMaintainer).WithCode("invalid_role")
	}
	return s.change(ctx, who, name, func(p *pkg) ([]kv.Op, error) {
		if err := s.mayGive(ctx, who, *p); err != nil {
			return nil, err
		}
		if p.role(user) == role {
			return nil, turns.ErrUnchanged
		}
		owners := slices.DeleteFunc(slices.Clone(p.Owners), func(o Owner) bool { return o.User == user })
		if role != "" {
			owners = append(owners, Owner{User: user, Role: role, AddedAt: s.now(), AddedBy: who.User()})
			slices.SortFunc(owners, func(a, b Owner) int { return cmp.Compare(a.User, b.User) })
		}
		if err := p.mayHave(owners); err != nil {
			return nil, err
		}
		p.Owners = owners
		return nil, nil
	})
}

func (p pkg) mayHave(owners []Owner) error {
	switch {
	case !slices.ContainsFunc(owners, func(o Owner) bool { return o.Role == RoleOwner }):
		return fault.New(fault.Invalid, "%s must keep at least one owner; add another before the last one goes", p.name).WithCode("no_owner")
	case len(owners) > maxOwners:
		return fault.New(fault.Invalid, "%s would have %d owners, at most %d are allowed", p.name, len(owners), maxOwners).WithCode("too_many_owners")
	}
	return nil
}
