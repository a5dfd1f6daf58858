package trust

import (
	"context"
	"errors"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/pattern"
)

// Vouching is the event of runs that publish what the run of another event has built, which may be a fork's. They get no
// token of their own: what they publish is as trustworthy as the run before them.
const Vouching = "workflow_run"

// Vouch takes the word of a run of workflow_run for packages of its repository, once for each token. Policies that name
// that event are who lets it. claims are what the run has proven, also where it is refused.
func (s *Service) Vouch(ctx context.Context, a Ask) (claims Claims, err error) {
	claims, err = s.admitted(ctx, a)
	if err != nil {
		return claims, err
	}
	return claims, s.vouch(ctx, a, claims)
}

// admitted verifies a token. Addresses that show too many bad ones are refused.
func (s *Service) admitted(ctx context.Context, a Ask) (Claims, error) {
	if err := s.failures.admit(a.Addr); err != nil {
		return Claims{}, err
	}
	claims, err := s.verify(ctx, a.Token)
	if errors.Is(err, fault.Unauthenticated) {
		s.failures.add(a.Addr)
	}
	return claims, err
}

func (s *Service) vouch(ctx context.Context, a Ask, c Claims) error {
	if err := pattern.Valid(a.Packages, maxAsked); err != nil {
		return err
	}
	if c.Event != Vouching {
		return refuse(fault.Forbidden, "not_trusted", "event_name", Vouching, c.Event)
	}
	if err := s.sameRepository(a.Repository, c); err != nil {
		return err
	}
	all, err := s.concerning(ctx, c)
	if err != nil {
		return err
	}
	fit, err := admitting(all, c)
	if err != nil {
		return err
	}
	if rest := uncovered(fit, a.Packages); len(rest) > 0 {
		return refuse(fault.Forbidden, "package_not_covered", "packages", strings.Join(patterns(fit), ", "), strings.Join(rest[:min(len(rest), 20)], ", ")).With("packages", rest)
	}
	if err := s.pin(ctx, needed(fit, a.Packages), c); err != nil {
		return err
	}
	return s.use(ctx, c)
}
