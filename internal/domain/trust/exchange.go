package trust

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/pattern"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
)

// Ask is what a run asks for.
type Ask struct {
	Token       string // of the run's forge
	Addr        netip.Addr
	Packages    []string        // names; none: what the policies are for, for previews
	Repository  string          // whose commits; empty: the run's
	MergeCommit []byte          // the object of the commit that the token is about
	Tier        provenance.Tier // no more and no less than this; empty: the highest that covers the packages
}

// Answer is what it gets.
type Answer struct {
	Secret   string
	Expires  time.Time
	Packages []string
	Refs     []string
	Proof    provenance.Proof
}

const (
	tokenFor = 15 * time.Minute
	maxAsked = 1000 // packages of one token
	usedFor  = 5 * time.Minute
)

// Exchange makes a token of this registry for a run. claims are what the run has proven, also where it is refused.
func (s *Service) Exchange(ctx context.Context, a Ask) (answer Answer, claims Claims, err error) {
	claims, err = s.admitted(ctx, a)
	if err != nil {
		return Answer{}, Claims{}, err
	}
	answer, err = s.exchange(ctx, a, claims)
	return answer, claims, err
}

func (s *Service) exchange(ctx context.Context, a Ask, c Claims) (Answer, error) {
	if err := pattern.Valid(a.Packages, maxAsked); err != nil {
		return Answer{}, err
	}
	if a.Tier != "" && a.Tier != provenance.Release && a.Tier != provenance.Preview {
		return Answer{}, fault.New(fault.Invalid, "tier %.40q is none of release and preview", string(a.Tier))
	}
	if err := s.sameRepository(a.Repository, c); err != nil {
		return Answer{}, err
	}
	chosen, tier, err := s.choose(ctx, a, c)
	if err != nil {
		return Answer{}, err
	}
	if c.Event == Vouching {
		return Answer{}, refuse(fault.Forbidden, "vouches_only", "event_name", "an event whose run publishes for itself; one of "+Vouching+" may vouch for what a fork's run has built", c.Event)
	}
	proof, err := s.prove(c, tier, a.MergeCommit)
	if err != nil {
		return Answer{}, err
	}
	if err := s.pin(ctx, chosen, c); err != nil {
		return Answer{}, err
	}
	if err := s.use(ctx, c); err != nil {
		return Answer{}, err
	}
	t := Token{
		Name: tokenName(c), User: chosen[0].User, Own: !chosen[0].Granted,
		Packages: a.Packages, Repositories: []string{c.Issuer.repository(c.Repository)}, Proof: proof, Refs: c.refs(), For: tokenFor,
	}
	if len(t.Packages) == 0 {
		t.Packages = patterns(chosen)
	}
	answer := Answer{Packages: t.Packages, Refs: t.Refs, Proof: proof}
	answer.Secret, answer.Expires, err = s.opt.Tokens.Make(ctx, t)
	return answer, err
}

// tokenName is what lists of tokens call a run's.
func tokenName(c Claims) string {
	const limit = 60 // of 100, with the run
	return fmt.Sprintf("%.*s run %d", limit, c.Repository, c.RunID)
}

// sameRepository refuses to publish for another repository than the run's.
func (s *Service) sameRepository(asked string, c Claims) error {
	own := c.Issuer.repository(c.Repository)
	_, host, _ := strings.Cut(own, "://")
	if asked == "" || slices.ContainsFunc([]string{c.Repository, own, own + ".git", host}, func(same string) bool { return strings.EqualFold(asked, same) }) {
		return nil
	}
	return refuse(fault.Forbidden, "wrong_repository", "repository", own, asked)
}

// choose returns policies that together are for all packages, and what for. They have one user, whom the token speaks for.
func (s *Service) choose(ctx context.Context, a Ask, c Claims) ([]Policy, provenance.Tier, error) {
	all, err := s.concerning(ctx, c)
	if err != nil {
		return nil, "", err
	}
	fit, err := admitting(all, c)
	if err != nil {
		return nil, "", err
	}
	var missing []string
	for _, tier := range tiers(a) {
		for _, group := range groups(fit, tier) {
			rest := uncovered(group, a.Packages)
			if len(rest) == 0 {
				return needed(group, a.Packages), tier, nil
			}
			if missing == nil || len(rest) < len(missing) {
				missing = rest
			}
		}
	}
	if missing == nil { // a release is asked for, and there are policies for previews only
		return nil, "", refuse(fault.Forbidden, "preview_only", "tier", string(a.Tier), string(provenance.Preview))
	}
	e := refuse(fault.Forbidden, "package_not_covered", "packages", strings.Join(patterns(fit), ", "), strings.Join(missing[:min(len(missing), 20)], ", "))
	return nil, "", e.With("packages", missing)
}

// tiers are what to try, in order. Who names no package gets no release.
func tiers(a Ask) []provenance.Tier {
	switch {
	case a.Tier != "":
		return []provenance.Tier{a.Tier}
	case len(a.Packages) == 0:
		return []provenance.Tier{provenance.Preview}
	}
	return []provenance.Tier{provenance.Release, provenance.Preview}
}

// groups returns the policies that are for a tier, those of an admin first, by whom their tokens speak for. Who may make
// releases may make previews.
func groups(fit []Policy, tier provenance.Tier) [][]Policy {
	type whose struct {
		user    string
		granted bool
	}
	found := map[whose][]Policy{}
	var order []whose
	for _, p := range fit {
		if p.Tier != tier && p.Tier != provenance.Release {
			continue
		}
		w := whose{p.User, p.Granted}
		if found[w] == nil {
			order = append(order, w)
		}
		found[w] = append(found[w], p)
	}
	slices.SortFunc(order, func(a, b whose) int {
		if a.granted != b.granted {
			return map[bool]int{true: -1, false: 1}[a.granted]
		}
		return cmp.Compare(a.user, b.user)
	})
	var all [][]Policy
	for _, w := range order {
		all = append(all, found[w])
	}
	return all
}

// needed leaves out the policies that are for none of the packages, so that they are not pinned.
func needed(group []Policy, names []string) []Policy {
	if len(names) == 0 {
		return group
	}
	return slices.DeleteFunc(slices.Clone(group), func(p Policy) bool { return len(uncovered([]Policy{p}, names)) == len(names) })
}

// prove says what the run has proven.
func (s *Service) prove(c Claims, tier provenance.Tier, merge []byte) (provenance.Proof, error) {
	p := provenance.Proof{
		Tier: tier, Issuer: c.Issuer.URL, Repository: c.Repository, RepositoryID: c.RepositoryID, OwnerID: c.OwnerID, Workflow: c.Workflow,
		Environment: c.Environment, Ref: c.Ref, Event: c.Event, SHA: c.SHA, Pull: c.pull(), RunID: c.RunID, RunAttempt: c.RunAttempt,
		RunURL: fmt.Sprintf("%s/%s/actions/runs/%d", c.Issuer.Forge, c.Repository, c.RunID), SelfHosted: c.SelfHosted, At: s.opt.Now().UTC().Truncate(time.Second),
	}
	if len(merge) == 0 {
		return p, nil
	}
	if p.Pull == 0 {
		return p, refuse(fault.Invalid, "wrong_merge_commit", "ref", "refs/pull/N/merge, whose commit merges a pull request", c.Ref)
	}
	var err error
	p.SHA, err = headOf(c.SHA, merge)
	return p, err
}

// use marks a token as exchanged: of several exchanges at the same time, on whatever server, one wins.
func (s *Service) use(ctx context.Context, c Claims) error {
	row := kv.Row{Key: usedKey(c), Value: []byte(number(c.RunID)), Expires: c.Expires.Add(leeway + usedFor)}
	err := s.db.Apply(ctx, kv.PutNew(row))
	if errors.Is(err, kv.ErrConflict) {
		return fault.New(fault.Forbidden, "this OIDC token was exchanged already, and each can be once; ask the runner for another").WithCode("token_replayed").
			With("field", "jti").With("expected", "a token that is new here").With("got", clip(c.ID))
	}
	return err
}
