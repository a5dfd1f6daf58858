package forks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/pattern"
	"github.com/org/registry-action/internal/store/kv"
)

// Claim takes the claim of a run, if the forge knows a run like that. What costs nothing is looked at first.
func (s *Service) Claim(ctx context.Context, c Claim) (Claimed, error) {
	path, err := s.admit(ctx, c)
	if err != nil {
		return Claimed{}, err
	}
	ctx, done, err := s.asking(ctx)
	if err != nil {
		return Claimed{}, err
	}
	defer done()
	repo, err := s.needs.Forge.Open(ctx, path)
	if err != nil {
		return Claimed{}, unasked(err)
	}
	run, _, err := s.check(ctx, repo, c)
	if err != nil {
		return Claimed{}, err
	}
	pin, err := s.pin(ctx, path, run.RepositoryID)
	if err != nil {
		return Claimed{}, err
	}
	return s.store(ctx, path, c, pin)
}

var (
	wholeSHA  = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	integrity = regexp.MustCompile(`^sha512-[A-Za-z0-9+/]{86}==$`)
)

// admit refuses what needs no question to the forge, and counts the rest.
func (s *Service) admit(ctx context.Context, c Claim) (path string, err error) {
	path, ok := s.needs.Forge.Split(c.Repository)
	if !ok {
		return "", differs(fault.New(fault.Forbidden, "forks of %.200q can't publish here: this server knows the repositories of %s", c.Repository, s.needs.Forge.URL()).
			WithCode("wrong_forge"), "repository", s.needs.Forge.URL()+"/owner/name", c.Repository)
	}
	if !s.enrolled(path) {
		return "", differs(fault.New(fault.Forbidden, "forks of %s may not publish here; the operator of this server can let them (FORK_PREVIEWS)", path).
			WithCode("repo_not_enrolled"), "repository", "one of FORK_PREVIEWS", path)
	}
	if err := c.validate(); err != nil {
		return "", err
	}
	if err := s.quotas(s.now(), path, c.Pull)[0].within(used{}, sum(c.Packages)); err != nil {
		return "", err
	}
	if err := s.count(ctx, path, c); err != nil {
		return "", err
	}
	return path, s.bound(ctx, path, c.Packages)
}

func (c Claim) validate() error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, format, args...).WithCode("invalid_claim")
	}
	switch {
	case c.RunID <= 0 || c.RunAttempt <= 0 || c.Pull <= 0 || c.Pull > 1e9:
		return bad("runId, runAttempt and pull are numbers from 1 on, as the runner says")
	case !wholeSHA.MatchString(c.SHA):
		return bad("%.80q is not the whole name of a commit", c.SHA)
	case len(c.Packages) == 0 || len(c.Packages) > maxPackages:
		return bad("a claim is for 1 to %d packages, not %d", maxPackages, len(c.Packages))
	}
	for i, p := range c.Packages {
		switch {
		case npm.ValidName(p.Name) != nil:
			return bad("%.230q can't be published by a fork: it is no name of an npm package", p.Name)
		case p.Version != npm.PreviewVersion(c.SHA):
			return differs(fault.New(fault.Invalid, "%s has the version %.100q, but forks publish previews only", p.Name, p.Version).WithCode("invalid_claim"), "version", npm.PreviewVersion(c.SHA), p.Version)
		case !integrity.MatchString(p.Integrity) || p.Size <= 0:
			return bad("%s needs the integrity (sha512-…) and the size of its tarball", p.Name)
		case i > 0 && c.Packages[i-1].Name >= p.Name:
			return bad("the packages of a claim are in the order of their names, each once")
		}
	}
	return nil
}

// bound refuses names that are not the repository's: it publishes them itself, or the operator says so.
func (s *Service) bound(ctx context.Context, path string, packages []Package) error {
	names, err := s.needs.Names(ctx, path)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	for _, p := range packages {
		mine := slices.Contains(names, p.Name) || pattern.Covers(s.opt.Packages, p.Name)
		if !mine {
			return differs(fault.New(fault.Forbidden, "%s is not known as a package of %s: forks publish what the repository itself has published here before, or what the operator lets them (FORK_PACKAGES)", p.Name, path).
				WithCode("package_not_bound"), "packages", "names that the repository has published here", p.Name) // which, not everybody may read
		}
	}
	return nil
}

// differs says which field of what was shown differed.
func differs(e *fault.Error, field string, expected, got any) error {
	return e.With("field", field).With("expected", fmt.Sprint(expected)).With("got", fmt.Sprintf("%.300v", got))
}

// unasked is what a caller hears if the forge could not be asked: never that it may go on.
func unasked(err error) error {
	if !forge.Outage(err) {
		return err
	}
	e := fault.Wrap(err, fault.Unavailable, "the forge can't be asked now whether this is true; try again later").WithCode("upstream_unavailable")
	e.Wait = max(fault.Wait(err), 10*time.Second)
	return e
}

// pin refuses a repository that has taken the name of another, and returns what remembers this one.
func (s *Service) pin(ctx context.Context, path string, id int64) (kv.Op, error) {
	key := repositoryKey(path)
	old, raw, found, err := kv.ReadJSON[pinned](ctx, s.db, key)
	if err != nil {
		return kv.Op{}, err
	}
	if found && old.ID != id {
		return kv.Op{}, differs(fault.New(fault.Forbidden, "%s is another repository than the one whose forks have published here, which had this name before; they can once nothing was published for %d days", path, int(pinFor.Hours()/24)).
			WithCode("run_mismatch"), "repositoryId", old.ID, id)
	}
	row := kv.JSON(key, pinned{id})
	row.Expires = s.now().Add(pinFor)
	return kv.Upsert(raw, found, row), nil
}

func (s *Service) store(ctx context.Context, path string, c Claim, pin kv.Op) (Claimed, error) {
	nonce, id, now := secret(), secret(), s.now()
	text, err := json.Marshal(manifest{Claim: nonce, Repository: s.needs.Forge.URL() + "/" + path, RunID: c.RunID, RunAttempt: c.RunAttempt, SHA: c.SHA, Pull: c.Pull, Packages: c.Packages})
	if err != nil {
		return Claimed{}, err
	}
	if len(text) > maxManifest {
		return Claimed{}, fault.New(fault.TooLarge, "the claim has %d bytes, more than the %d that this server takes; claim fewer packages at a time", len(text), maxManifest)
	}
	sum := sha256.Sum256(text)
	// The name alone says what is claimed: a forge that knows nobody shows names, but no bytes.
	row := pending{Path: path, Manifest: text, Artifact: "registry-claim-" + nonce + "-" + hex.EncodeToString(sum[:16]), At: now}
	r := kv.JSON(claimKey(id), row)
	r.Expires = now.Add(claimLife)
	err = s.db.Apply(ctx, kv.PutNew(r), pin)
	if errors.Is(err, kv.ErrConflict) { // another claim has pinned it in this moment
		err = s.db.Apply(ctx, kv.PutNew(r))
	}
	return Claimed{ID: id, Artifact: row.Artifact, Manifest: text, Expires: r.Expires}, err
}
