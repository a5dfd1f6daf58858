package forks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	// zipped is what a zip of a claim may have beyond its content.
	zipped = 4 << 10
	// ahead is how far the forge's clock may be behind this one.
	ahead = 5 * time.Minute
)

// Prove gives a token to a run that has attached the artifact of its claim, once.
func (s *Service) Prove(ctx context.Context, id string) (Proven, error) {
	row, raw, found, err := kv.ReadJSON[pending](ctx, s.db, claimKey(id))
	if err != nil {
		return Proven{}, err
	}
	if !found {
		return Proven{}, fault.New(fault.NotFound, "there is no such claim: it has been proven, or is older than %s; make another", claimLife).WithCode("unknown_claim")
	}
	var m manifest
	if err := json.Unmarshal(row.Manifest, &m); err != nil {
		return Proven{}, fmt.Errorf("decoding a claim: %w", err)
	}
	if err := s.countProof(ctx, id); err != nil {
		return Proven{}, err
	}
	asked, done, err := s.asking(ctx)
	if err != nil {
		return Proven{}, err
	}
	defer done()
	repo, err := s.needs.Forge.Open(asked, row.Path)
	if err != nil {
		return Proven{}, unasked(err)
	}
	if err := s.checkArtifact(asked, repo, row, m); err != nil {
		return Proven{}, err
	}
	// Only now: what was true before the artifact was there may be no more.
	run, head, err := s.check(asked, repo, Claim{RunID: m.RunID, RunAttempt: m.RunAttempt, SHA: m.SHA, Pull: m.Pull})
	if err != nil {
		return Proven{}, err
	}
	if _, err := s.pin(ctx, row.Path, run.RepositoryID); err != nil {
		return Proven{}, err
	}
	if err := s.spend(ctx, row.Path, m, kv.Drop(raw, claimKey(id))); err != nil {
		return Proven{}, err
	}
	return s.grant(ctx, row.Path, m, run, head)
}

// grant makes the token of a run, which is for these bytes, this commit and this pull request.
func (s *Service) grant(ctx context.Context, path string, m manifest, run forge.Run, head forge.Head) (Proven, error) {
	ref := fmt.Sprintf("pr/%d", m.Pull)
	token, expires, err := s.needs.Token(ctx, Grant{Proof: s.proof(path, m, run, head), Ref: ref, Packages: m.Packages, Expires: tokenLife})
	return Proven{Token: token, Expires: expires, SHA: m.SHA, Ref: ref}, err
}

func (s *Service) proof(path string, m manifest, run forge.Run, head forge.Head) provenance.Proof {
	return provenance.Proof{
		Tier: provenance.Fork, Issuer: s.needs.Forge.URL(), Repository: path, RepositoryID: run.RepositoryID, Event: run.Event,
		Ref: fmt.Sprintf("refs/pull/%d/merge", m.Pull), SHA: m.SHA, Pull: m.Pull, HeadRepo: head.Repository, Author: head.Author,
		RunID: run.ID, RunAttempt: run.Attempt, RunURL: run.URL, At: s.now(),
	}
}

// checkArtifact refuses a run that has not attached what it was told, as it was told.
func (s *Service) checkArtifact(ctx context.Context, repo Repository, row pending, m manifest) error {
	found, err := repo.Artifacts(ctx, m.RunID, row.Artifact)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return unasked(err)
	}
	i := slices.IndexFunc(found, func(a forge.Artifact) bool {
		return a.Name == row.Artifact && a.RunID == m.RunID && a.HeadSHA == m.SHA && !a.Expired && a.CreatedAt.After(row.At.Add(-ahead))
	})
	if i < 0 {
		return differs(fault.New(fault.Forbidden, "run %d has no artifact %s that was attached since the claim", m.RunID, row.Artifact).WithCode("proof_missing"), "artifact", row.Artifact, names(found))
	}
	if s.needs.Forge.Anonymous() {
		return nil // its name has the digest of what it holds
	}
	limit := int64(len(row.Manifest) + zipped)
	if size := found[i].Size; size > limit {
		return differs(fault.New(fault.Forbidden, "the artifact of the claim has %d bytes, more than a zip of its manifest has", size).WithCode("digest_mismatch"), "artifact", limit, size)
	}
	text, err := repo.ArtifactFile(ctx, found[i].ID, limit)
	switch {
	case errors.Is(err, fault.Invalid), errors.Is(err, fault.TooLarge):
		return differs(fault.Wrap(err, fault.Forbidden, "the artifact of the claim is no zip of its manifest alone").WithCode("digest_mismatch"), "artifact", "claim.json", "something else")
	case errors.Is(err, fault.NotFound):
		return differs(fault.Wrap(err, fault.Forbidden, "the artifact of the claim is gone").WithCode("proof_missing"), "artifact", row.Artifact, "none")
	case err != nil:
		return unasked(err)
	case !bytes.Equal(text, row.Manifest):
		return differs(fault.New(fault.Forbidden, "the artifact of the claim has another manifest than this server gave").WithCode("digest_mismatch"), "artifact", "the manifest of the claim", "another")
	}
	return nil
}

func names(found []forge.Artifact) string {
	if len(found) == 0 {
		return "none"
	}
	return "one of another run, commit or time"
}
