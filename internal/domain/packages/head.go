package packages

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/store/feed"
	"github.com/org/registry-action/internal/store/kv"
)

const latest = "latest"

// pkg is a package as its head says.
type pkg struct {
	head
	name  string
	raw   []byte // the head's value, for the condition of a write
	found bool
}

// load reads the head of a package. found is false if nothing of the name was ever here.
func (s *Service) load(ctx context.Context, name string) (pkg, error) {
	if npm.ValidName(name) != nil { // upstream may have such a name, from before there were rules
		return pkg{}, absent(name)
	}
	h, raw, found, err := kv.ReadJSON[head](ctx, s.db, headKey(name))
	if h.Tags == nil {
		h.Tags = map[string]string{}
	}
	return pkg{head: h, name: name, raw: raw, found: found}, err
}

// living is load for a package that has versions; fault.NotFound for others.
func (s *Service) living(ctx context.Context, name string) (pkg, error) {
	p, err := s.load(ctx, name)
	if err == nil {
		err = p.mustLive()
	}
	return p, err
}

func (p pkg) mustLive() error {
	switch {
	case !p.found:
		return absent(p.name)
	case p.Versions == 0:
		return fault.New(fault.NotFound, "Package not found: all of %q was unpublished on %s; its owners may publish new versions", p.name, p.Modified.Format(time.DateOnly)).WithCode("unpublished")
	}
	return nil
}

// revision is the counter, and a few digits that tell apart heads whose counters
// are equal, as after a backup was restored.
func (p pkg) revision() string {
	sum := sha256.Sum256(p.raw)
	return fmt.Sprintf("%d-%x", p.Revision, sum[:3])
}

// mustBe refuses a write that was made up on another state of the package.
func (p pkg) mustBe(rev string) error {
	if rev == "" || rev == p.revision() {
		return nil
	}
	return fault.New(fault.Exists, "%s has changed meanwhile: it is at revision %s, not %.80q; read it again, then repeat the change", p.name, p.revision(), rev).WithCode("stale_revision")
}

// next returns the op that writes the head over the one that was loaded.
func (p pkg) next() kv.Op {
	p.Revision++
	return kv.Upsert(p.raw, p.found, kv.JSON(headKey(p.name), p.head))
}

// touched notes when the package was changed; time never runs backwards.
func (p *pkg) touched(t time.Time) {
	if t.After(p.Modified) {
		p.Modified = t
	}
	if p.Created.IsZero() || t.Before(p.Created) {
		p.Created = t
	}
}

// point sets dist-tags. It reports whether anything changed.
func (p *pkg) point(version string, tags ...string) bool {
	changed := false
	for _, tag := range tags {
		changed = changed || p.Tags[tag] != version
		p.Tags[tag] = version
	}
	return changed
}

// tagsOf lists the dist-tags that point at a version.
func (p pkg) tagsOf(version string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.Tags)), func(tag string) bool { return p.Tags[tag] != version })
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
		return s.db.Apply(ctx, append(ops, p.next(), feed.Changed(ownKind, s.now(), name))...)
	})
}

func absent(name string) error {
	return fault.New(fault.NotFound, "Package not found: %.230q is not in this registry", name)
}
