package lumenpackages

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

// head is the first row of a package.
type head struct {
	Revision int64     `json:"revision"` // raised by every write
	Versions int       `json:"versions"` // how many there are
	Written  int64     `json:"written"`  // the Revision of the last write of a version's entry
	Owners   []Owner   `json:"owners"`   // by user
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
}

// pkg is a package as its head says.
type pkg struct {
	head
	name  string
	raw   []byte // the head's value, for the condition of a write
	found bool
}

// load reads the head of a package. found is false if nothing of the name is here.
func (s *Service) load(ctx context.Context, name string) (pkg, error) {
	if lumen.ValidName(name, true) != nil {
		return pkg{}, absent(name)
	}
	h, raw, found, err := kv.ReadJSON[head](ctx, s.db, headKey(name))
	return pkg{head: h, name: name, raw: raw, found: found}, err
}

// living is load for a package that is here; fault.NotFound for others.
func (s *Service) living(ctx context.Context, name string) (pkg, error) {
	p, err := s.load(ctx, name)
	if err == nil && !p.found {
		err = absent(name)
	}
	return p, err
}

func absent(name string) error {
	return fault.New(fault.NotFound, "Package not found: %.80q is not in this registry", name)
}

func absentVersion(name, version string) error {
	return fault.New(fault.NotFound, "Package version not found: %s has no version %.140q", name, version)
}

// next returns the op that writes the head over the one that was loaded.
func (p pkg) next() kv.Op {
	p.Revision++
	return kv.Upsert(p.raw, p.found, kv.JSON(headKey(p.name), p.head))
}

// writes notes that the entries are written with the head, of so many versions then.
func (p *pkg) writes(versions int, entries ...*entry) {
	p.Versions, p.Written = versions, p.Revision+1 // which next raises it to
	for _, e := range entries {
		e.Revision = p.Written
	}
}

// touched notes when the package was changed; time never runs backwards.
func (p *pkg) touched(t time.Time) {
	if p.Created.IsZero() {
		p.Created = t
	}
	if t.After(p.Modified) {
		p.Modified = t
	}
}

// principalName is the package's name for a Principal.
func (p pkg) principalName() string { return kind.Lumen.Name(p.name) }

// admit refuses who may write to nothing, or not to this name.
func (p pkg) admit(who Principal) error {
	if err := who.MayRelease(p.principalName()); err != nil {
		return err
	}
	if who.User() == "" {
		return fault.New(fault.Unauthenticated, "Authorization required: sign in to change %.80q", p.name)
	}
	return nil
}

// role is what the package's head has of a user; "" for nobody.
func (p pkg) role(user string) Role {
	i := slices.IndexFunc(p.Owners, func(o Owner) bool { return o.User == user })
	if i < 0 {
		return ""
	}
	return p.Owners[i].Role
}

// mayChange refuses who may not publish to, or yank from, a package that is here.
func (s *Service) mayChange(ctx context.Context, who Principal, p pkg) error {
	if err := p.admit(who); err != nil {
		return err
	}
	if who.IsAdmin() || who.Granted(p.principalName()) || p.role(who.User()) != "" {
		return nil
	}
	return s.mustOwnScope(ctx, who, p)
}

// mayGive refuses who may not change the owners of a package: who was only granted to publish may not.
func (s *Service) mayGive(ctx context.Context, who Principal, p pkg) error {
	if err := p.admit(who); err != nil {
		return err
	}
	if who.IsAdmin() || p.role(who.User()) == RoleOwner {
		return nil
	}
	return s.mustOwnScope(ctx, who, p)
}

func (s *Service) mustOwnScope(ctx context.Context, who Principal, p pkg) error {
	owners, err := s.ownersOfScope(ctx, scopeOf(p.name))
	if err != nil || slices.Contains(owners, who.User()) {
		return err
	}
	return fault.New(fault.Forbidden, "%s is not an owner of the Lumen package %s; one of its owners can add you: wares owner add %s %s", who.User(), p.name, p.name, who.User()).WithCode("not_owner")
}

// scopeRow says who owns a scope.
type scopeRow struct {
	Owners []string `json:"owners"`
}

// scopeOf is "@scope", or "".
func scopeOf(name string) string {
	scope, _, scoped := strings.Cut(name, "/")
	if !scoped {
		return ""
	}
	return scope
}

// ownersOfScope lists who owns a scope; "" has nobody.
func (s *Service) ownersOfScope(ctx context.Context, scope string) ([]string, error) {
	if scope == "" {
		return nil, nil
	}
	row, _, _, err := kv.ReadJSON[scopeRow](ctx, s.db, scopeKey(scope))
	return row.Owners, err
}

// mayTake refuses who may not publish the first version of a package. takes is the scope that gets its owner by it, or "".
func (s *Service) mayTake(ctx context.Context, who Principal, p pkg) (takes string, err error) {
	if err := p.admit(who); err != nil {
		return "", err
	}
	scope := scopeOf(p.name)
	owners, err := s.ownersOfScope(ctx, scope)
	switch {
	case err != nil:
		return "", err
	case len(owners) == 0:
		return scope, nil
	case who.IsAdmin() || who.Granted(p.principalName()) || slices.Contains(owners, who.User()):
		return "", nil
	}
	return "", fault.New(fault.Forbidden, "the scope %s belongs to others, and %s is not one of its owners; let one of them publish the first version of %s and add you, or publish under another scope", scope, who.User(), p.name).WithCode("not_owner")
}

// revise is the write of one package. f changes the head and returns what is written beside it;
// it is called anew each time another write comes in between.
func (s *Service) revise(ctx context.Context, name string, f func(p *pkg) ([]kv.Op, error)) error {
	return s.turns.Write(ctx, []string{name}, func() error {
		p, err := s.load(ctx, name)
		if err != nil {
			return err
		}
		ops, err := f(&p)
		if err != nil {
			return err
		}
		return s.apply(ctx, append(ops, p.next(), s.changed(name))...)
	})
}

// change is revise for a package that is here.
func (s *Service) change(ctx context.Context, who Principal, name string, f func(p *pkg) ([]kv.Op, error)) error {
	return s.revise(ctx, name, func(p *pkg) ([]kv.Op, error) {
		if err := p.admit(who); err != nil {
			return nil, err
		}
		if !p.found {
			return nil, absent(name)
		}
		return f(p)
	})
}
