package auth

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/pattern"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// RunLimits are what a token is good for that a CI run got by proving what it is.
type RunLimits struct {
	Proof provenance.Proof `json:"proof"`
	Refs  []string         `json:"refs,omitempty"` // the typed refs that it may move, such as pr/7
	// Contents are the only bytes that it may publish: by package the integrity of its tarball. Nil: any.
	Contents map[string]string `json:"contents,omitempty"`
	// Sizes are those of Contents, which their quota was counted by.
	Sizes map[string]int64 `json:"sizes,omitempty"`
}

// Run asks for a token of a CI run.
type Run struct {
	Name string // 1 to 100 printable characters, for lists of tokens
	// User is whom it speaks for; empty: nobody but the runs of the repository, by a name that no account can have.
	User         string
	Packages     []string
	Repositories []string
	// Own: it may do no more than its user, who must still be one, may do: nobody else has given it these packages.
	Own bool
	RunLimits
	Expires time.Duration
}

const (
	maxRunToken    = 15 * time.Minute // how long a token of a CI run is good
	maxRunPackages = 1000             // that it names
)

// CreateRunToken makes a token that may publish what a run has proven to be its own, whoever owns it. Whoever calls
// this has checked the proof, and that the packages and repositories are the run's.
func (s *Service) CreateRunToken(ctx context.Context, r Run) (secret string, info TokenInfo, err error) {
	if len(r.Packages) == 0 || len(r.Repositories) == 0 || r.Expires <= 0 || r.Expires > maxRunToken {
		return "", info, fault.New(fault.Invalid, "a token of a run names packages and repositories, and ends within %s", maxRunToken)
	}
	user, err := r.user()
	if err := cmp.Or(err, validTokenName(r.Name), pattern.Valid(r.Packages, maxRunPackages), validRepositories(r.Repositories)); err != nil {
		return "", info, err
	}
	secret = newSecret()
	hash, now := hashOf(secret), s.now()
	info = TokenInfo{
		Key: hash[:keyDigits], Name: r.Name, User: user, Hint: secret[:hintChars], Permission: Publish,
		Packages: slices.Clone(r.Packages), Repositories: slices.Clone(r.Repositories), Grant: !r.Own,
		Created: now, Expires: now.Add(r.Expires), Run: &r.RunLimits,
	}
	if err := turns.Retry(accounts, func() error { return s.keepRun(ctx, hash, info) }); err != nil {
		return "", TokenInfo{}, err
	}
	return secret, info, nil
}

func (r Run) user() (string, error) {
	if r.User == "" {
		return "ci:" + strings.ToLower(r.Proof.Repository), nil
	}
	return r.User, validUser(r.User)
}

// keepRun makes one attempt to store the token of a run. It does not wait for a turn, as tokens that stay do: a
// monorepo's release asks for hundreds at once, and their number is bounded by their time.
func (s *Service) keepRun(ctx context.Context, hash string, info TokenInfo) error {
	var ops []kv.Op
	if !info.Grant {
		row, err := s.db.Get(ctx, userKey(info.User))
		if errors.Is(err, kv.ErrNotFound) {
			return fault.New(fault.Forbidden, "%q, who has vouched for this run, has no account here any more", info.User).WithCode("unknown_user")
		}
		if err != nil {
			return err
		}
		ops = append(ops, kv.Check(row.Value, row.Key))
	}
	token, listed := kv.JSON(tokenKey(hash), info), kv.JSON(userTokenKey(info.User, hash), info)
	token.Expires = info.Expires.Add(maxRunToken) // to tell an expired token from an unknown one
	listed.Expires = token.Expires
	return s.db.Apply(ctx, append(ops, kv.PutNew(token), kv.PutNew(listed))...)
}

// StockUser is whom the runs speak for that publish with the stock pkg-pr-new CLI. No account has the name.
const StockUser = "pkg-pr-new"

// OfRun is who a run is that has proven itself in this very request, so that it needs no token. Whoever calls this has
// checked the proof, and that the repositories are the run's. Expires is not asked for.
func (s *Service) OfRun(r Run) (Principal, error) {
	if len(r.Packages) == 0 || len(r.Repositories) == 0 {
		return Principal{}, fault.New(fault.Invalid, "a run is limited to packages and repositories")
	}
	if err := cmp.Or(validUser(r.User), pattern.Valid(r.Packages, maxRunPackages), validRepositories(r.Repositories)); err != nil {
		return Principal{}, err
	}
	return Principal{
		user: r.User, permission: Publish, limits: limits{packages: r.Packages, repositories: r.Repositories, grant: !r.Own}, run: &r.RunLimits,
		door: door{open: s.open(), readAuth: s.opt.ReadAuth},
	}, nil
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

// MayPublishBytes returns nil if p may publish a package with this integrity and size, as far as the bytes go.
func (p Principal) MayPublishBytes(name, integrity string, size int64) error {
	if p.run == nil || p.run.Contents == nil {
		return nil
	}
	if integrity == "" || p.run.Contents[name] != integrity {
		return fault.New(fault.Forbidden, "%.230q has other bytes than its run has proven: expected %.120q, got %.120q", name, p.run.Contents[name], integrity).WithCode("digest_mismatch")
	}
	if want, known := p.run.Sizes[name]; known && want != size {
		return fault.New(fault.Forbidden, "%.230q has %d bytes, and not the %d that its run has claimed", name, size, want).WithCode("digest_mismatch")
	}
	return nil
}
