package upstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
)

// documentTime is for a whole packument with all its tries.
const documentTime = 5 * time.Minute

// Packument returns what upstream says of a package. fresh asks upstream even if the copy is
// young. fault.NotFound if upstream has none, fault.Unavailable if it can't be asked and there is no copy.
// The caller closes it.
func (s *Service) Packument(ctx context.Context, name string, f packument.Form, fresh bool) (*Document, error) {
	if err := npm.ValidName(name); err != nil {
		return nil, err
	}
	if !fresh {
		doc, err := s.young(name, f)
		if doc != nil || err != nil {
			return doc, err
		}
	}
	return s.ask(ctx, name, f, fresh)
}

// young returns a copy that needs no asking, nil if there is none.
func (s *Service) young(name string, f packument.Form) (*Document, error) {
	if _, ok := s.absent.Get(name); ok {
		return nil, s.notFound(name)
	}
	doc, err := s.held(name, f)
	if doc != nil && !s.younger(&doc.meta, s.opt.MaxAge) {
		return nil, doc.Close()
	}
	return doc, err
}

func (s *Service) notFound(name string) error {
	return fault.New(fault.NotFound, "package %q is not in upstream %s", name, s.URL())
}

// ask has upstream asked and returns the copy that is there then.
func (s *Service) ask(ctx context.Context, name string, f packument.Form, fresh bool) (*Document, error) {
	look := func() (stale, mine bool, err error) {
		key := fmt.Sprintf("packument\n%s\n%d\n%t", name, f, fresh)
		return share(ctx, s, key, documentTime, func(ctx context.Context) (bool, error) {
			return s.refresh(ctx, name, f, fresh)
		})
	}
	for range 3 {
		stale, mine, err := look()
		if err == nil && fresh && !mine {
			// Somebody else's request may have been sent before this one came; the next can't.
			stale, _, err = look()
		}
		if err != nil {
			return nil, err
		}
		doc, err := s.held(name, f)
		if err != nil {
			return nil, err
		}
		if doc != nil {
			doc.Stale = stale
			return doc, nil
		}
	}
	return nil, fault.New(fault.Unavailable, "package %q: its document was dropped from the cache at once, which is too small for it", name)
}

// refresh sees to it that there is a copy for a form that is as young as can be
// had. stale: upstream could not be asked, and there is an old one.
func (s *Service) refresh(ctx context.Context, name string, f packument.Form, fresh bool) (stale bool, err error) {
	// One after the other, so that a document that is the answer for both forms is fetched once.
	done, err := s.turns.take(ctx, together(ctx, name))
	if err != nil {
		return false, s.unavailable(err)
	}
	defer done()
	old, err := s.metaOf(name, f)
	if err != nil {
		return false, err
	}
	if !fresh && old != nil && s.younger(old, s.opt.MaxAge) {
		return false, nil
	}
	if cause, ok := s.failing(name); ok {
		return s.fallBack(ctx, name, old, cause)
	}
	err = s.fetch(ctx, name, f, old)
	if err == nil {
		s.failed.Forget(name)
		return false, nil
	}
	if errors.Is(err, fault.NotFound) || s.work.Ended() {
		return false, err
	}
	s.remember(ctx, name, err)
	return s.fallBack(ctx, name, old, err)
}

// fallBack takes an old copy in place of an answer that did not come or makes
// no sense. Being refused is an answer.
func (s *Service) fallBack(ctx context.Context, name string, old *meta, err error) (stale bool, _ error) {
	if old == nil || errors.Is(err, errDenied) {
		return false, err
	}
	s.health.Warn(ctx, "upstream can't be asked, serving what is kept", "upstream", s.URL(), "package", name, "err", err)
	return true, nil
}
