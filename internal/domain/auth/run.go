package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
)

// RunLimits are what a token is good for that a CI run got by proving what it is.
type RunLimits struct {
	Proof provenance.Proof `json:"proof"`
	Refs  []string         `json:"refs,omitempty"` // the typed refs that it may move, such as pr/7
	// Contents are the only bytes that it may publish: by package the integrity of its tarball. Nil: any.
	Contents map[string]string `json:"contents,omitempty"`
}

// Run asks for a token of a CI run.
type Run struct {
	Name         string // 1 to 100 printable characters, for lists of tokens
	User         string // whom it speaks for
	Packages     []string
	Repositories []string
	RunLimits
	Expires time.Duration
}

// maxRunToken bounds how long a token of a CI run is good.
const maxRunToken = 15 * time.Minute

// CreateRunToken makes a token that may publish what a run has proven to be its own, whoever owns it. Whoever calls
// this has checked the proof, and that the packages and repositories are the run's.
func (s *Service) CreateRunToken(ctx context.Context, r Run) (secret string, info TokenInfo, err error) {
	if len(r.Packages) == 0 || len(r.Repositories) == 0 || r.Expires <= 0 || r.Expires > maxRunToken {
		return "", info, fault.New(fault.Invalid, "a token of a run names packages and repositories, and ends within %s", maxRunToken)
	}
	info, err = s.plan(Operator(), NewToken{
		Name: r.Name, User: r.User, Permission: Publish, Packages: r.Packages, Repositories: r.Repositories, Grant: true, Expires: r.Expires,
	})
	if err != nil {
		return "", TokenInfo{}, err
	}
	info.Run = &r.RunLimits
	secret = newSecret()
	for range tries {
		stored, err := s.keep(ctx, Operator(), secret, info)
		if !errors.Is(err, kv.ErrConflict) {
			return secret, stored, err
		}
	}
	return "", TokenInfo{}, busy()
}

// Proof is what the run has proven whose token was shown; nil if it is no token of a run.
func (p Principal) Proof() *provenance.Proof {
	if p.run == nil {
		return nil
	}
	return new(p.run.Proof)
}

// MayRelease returns nil if p may write to a package of the registry at all: what MayWrite says, but previews are not enough.
func (p Principal) MayRelease(name string) error {
	if p.run != nil && p.run.Proof.Tier != provenance.Release {
		return fault.New(fault.Forbidden, "this token is for previews only: the policy that it was given by does not let its run write to %.230q; "+
			"an owner can add one that does (registry-server trust add, or npm trust)", name).WithCode("preview_only")
	}
	return p.MayWrite(name)
}

// MayPublishCommit returns nil if p may publish this commit and move these typed refs, as far as the commit goes.
func (p Principal) MayPublishCommit(sha string, refs []string) error {
	if p.run == nil {
		return nil
	}
	if proven := p.run.Proof.SHA; sha != proven {
		return fault.New(fault.Forbidden, "this token is for commit %s, which its run is about, not for %.80s", proven, sha).WithCode("wrong_commit")
	}
	for _, ref := range refs {
		if !slices.Contains(p.run.Refs, ref) {
			return fault.New(fault.Forbidden, "this token may not move %.200q, only %s", ref, list(p.run.Refs)).WithCode("ref_not_covered")
		}
	}
	return nil
}

// MayPublishBytes returns nil if p may publish a package with this integrity, as far as the bytes go.
func (p Principal) MayPublishBytes(name, integrity string) error {
	if p.run == nil || p.run.Contents == nil || integrity != "" && p.run.Contents[name] == integrity {
		return nil
	}
	return fault.New(fault.Forbidden, "%.230q has other bytes than its run has proven: expected %.120q, got %.120q", name, p.run.Contents[name], integrity).WithCode("digest_mismatch")
}
