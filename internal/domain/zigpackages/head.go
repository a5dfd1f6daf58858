package zigpackages

import (
	"context"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/store/feed"
	"github.com/org/registry-action/internal/store/kv"
)

// head is the first row of a package.
type head struct {
	Revision int64     `json:"revision"`     // raised by every write
	Name     string    `json:"name"`         // as the latest version has it
	Latest   string    `json:"latest"`       // version
	ID       uint32    `json:"id,omitempty"` // of the first fingerprint
	Owners   []string  `json:"owners"`
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
}

// pkg is a package as its head says.
type pkg struct {
	head
	key   string
	asked string // the name, as the caller writes it
	raw   []byte // the head's value, for the condition of a write
	found bool
}

// load reads the head of a package. found is false if nothing of the name is here.
func (s *Service) load(ctx context.Context, name string) (pkg, error) {
	if !isName(name) {
		return pkg{}, absent(name)
	}
	key := keyOf(name)
	h, raw, found, err := kv.ReadJSON[head](ctx, s.db, headKey(key))
	return pkg{head: h, key: key, asked: name, raw: raw, found: found}, err
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

// next returns the op that writes the head over the one that was loaded.
func (p pkg) next() kv.Op {
	p.Revision++
	return kv.Upsert(p.raw, p.found, kv.JSON(headKey(p.key), p.head))
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

// offer makes v the latest version, and returns the op on what searches show.
func (p *pkg) offer(v Version) kv.Op {
	p.Latest, p.Name = v.Version, v.Name
	if v.Yanked { // as all others are
		return kv.Delete(nameKey(p.key))
	}
	return kv.Put(kv.JSON(nameKey(p.key), Summary{
		Name: v.Name, Version: v.Version, Description: v.Description, Publisher: v.Publisher, Date: v.PublishedAt,
	}))
}

// admit refuses who may write to nothing, or not to this name.
func (p pkg) admit(who Principal) error {
	if err := who.MayRelease(p.principalName()); err != nil {
		return err
	}
	if who.User() == "" {
		return fault.New(fault.Unauthenticated, "Authorization required: sign in to change %.80q", p.asked)
	}
	return nil
}

// principalName is the package's name for a Principal.
func (p pkg) principalName() string { return kind.Zig.Name(p.asked) }

// mayChange refuses who may not write to a package that is here.
func (p pkg) mayChange(who Principal) error {
	if err := p.admit(who); err != nil {
		return err
	}
	if p.isOwner(who) || who.Granted(p.principalName()) {
		return nil
	}
	return p.notOwner(who)
}

// isOwner reports whether the package is who's to give away.
func (p pkg) isOwner(who Principal) bool {
	return who.IsAdmin() || slices.Contains(p.Owners, who.User())
}

func (p pkg) notOwner(who Principal) error {
	return fault.New(fault.Forbidden, "%s is not an owner of the Zig package %s; one of its owners can add you, or publish under another name", who.User(), p.Name).WithCode("not_owner")
}

// revise is the write of one package. f changes the head and returns what is written beside it;
// it is called anew each time another write comes in between.
func (s *Service) revise(ctx context.Context, name string, f func(p *pkg) ([]kv.Op, error)) error {
	return s.turns.Write(ctx, []string{keyOf(name)}, func() error {
		p, err := s.load(ctx, name)
		if err != nil {
			return err
		}
		ops, err := f(&p)
		if err != nil {
			return err
		}
		return s.db.Apply(ctx, append(ops, p.next(), feed.Changed(ownKind, s.now(), p.key))...)
	})
}

// change is revise for a package that is here and who may change it.
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
