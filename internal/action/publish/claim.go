package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/wire"
)

const (
	claimTries  = 2
	claimFile   = "claim.json"
	maxBeside   = 4 << 10 // bytes of a manifest beside the claim
	maxProofing = time.Minute
	longestLook = 8 * time.Second
)

// claimArtifact is what a registry may have a run attach: nothing that another workflow takes for its own.
var claimArtifact = regexp.MustCompile(`^registry-claim-[A-Za-z0-9_-]{16,100}$`)

// claim is how a run of a fork gets a token: it says which run it is, and attaches to that run what the registry asks for.
// A claim that came to nothing by an interruption is made anew.
func (j *job) claim(ctx context.Context) (got wire.Exchanged, err error) {
	for range claimTries {
		got, err = j.claimOnce(ctx)
		if err == nil || !errors.Is(err, fault.Exists) && !lost(err) || ctx.Err() != nil {
			break
		}
	}
	if errors.Is(err, regclient.ErrNotServed) {
		err = fmt.Errorf("%w; it takes no packages from forks", err)
	}
	return got, err
}

// leaveOthers leaves out what no fork may publish.
func (j *job) leaveOthers() {
	j.packages = slices.DeleteFunc(j.packages, func(p *pack.Package) bool {
		k, _ := kind.Of(p.Name)
		if k != kind.NPM {
			j.warn("%s is left out: forks publish npm packages only", p.Name)
		}
		return k != kind.NPM
	})
}

// claimOf is what a run has built.
func (j *job) claimOf(run, attempt int64) wire.Claim {
	claim := wire.Claim{Repository: j.source.Repository, RunID: run, RunAttempt: attempt, SHA: j.source.SHA, Pull: j.source.PR}
	for _, p := range j.packages {
		claim.Packages = append(claim.Packages, wire.ClaimedPackage{Name: p.Name, Version: p.Version, Integrity: p.Sums.Integrity, Size: p.Size})
	}
	slices.SortFunc(claim.Packages, func(a, b wire.ClaimedPackage) int { return strings.Compare(a.Name, b.Name) })
	return claim
}

func (j *job) claimOnce(ctx context.Context) (wire.Exchanged, error) {
	claim := j.claimOf(j.event.RunID, j.event.RunAttempt)
	claimed, err := j.registry.Claim(ctx, claim)
	if err != nil {
		return wire.Exchanged{}, err
	}
	if err := checkClaimed(claim, claimed); err != nil {
		return wire.Exchanged{}, err
	}
	if err := j.artifacts.Upload(ctx, claimed.Artifact, claimFile, []byte(claimed.Manifest)); err != nil {
		return wire.Exchanged{}, err
	}
	return j.prove(ctx, claimed.ID)
}

// prove asks again while the artifact is not listed yet.
func (j *job) prove(ctx context.Context, id string) (got wire.Exchanged, err error) {
	delay, waited := time.Second, time.Duration(0)
	for {
		got, err = j.registry.Prove(ctx, id)
		if e, ok := errors.AsType[*regclient.Error](err); !ok || e.Code != "proof_missing" || waited >= maxProofing {
			return got, err
		}
		if err := j.wait(ctx, delay); err != nil {
			return got, err
		}
		waited += delay
		delay = min(2*delay, longestLook)
	}
}

// lost reports whether the registry has no such claim any more, as when the answer to its proof was lost: a claim is good once.
func lost(err error) bool {
	e, ok := errors.AsType[*regclient.Error](err)
	return ok && e.Code == "unknown_claim"
}

// checkClaimed doubts the registry: what is attached to the run must speak of this publish alone, lest a registry have it
// vouch for other bytes elsewhere, and must not be taken for what another workflow makes.
func checkClaimed(claim wire.Claim, claimed wire.Claimed) error {
	if !claimArtifact.MatchString(claimed.Artifact) {
		return fmt.Errorf("the registry asks for an artifact %.100q, which is not one that proves a claim", claimed.Artifact)
	}
	own, err := json.Marshal(claim)
	if err != nil {
		return err
	}
	if most := len(own) + maxBeside; len(claimed.Manifest) > most {
		return fmt.Errorf("the registry asks for a manifest of %d bytes, more than the %d that this claim needs", len(claimed.Manifest), most)
	}
	var says wire.Claim
	if err := json.Unmarshal([]byte(claimed.Manifest), &says); err != nil {
		return fmt.Errorf("the registry asks for a manifest that is no claim: %w", err)
	}
	if says.RunID != claim.RunID || says.SHA != claim.SHA || says.Pull != claim.Pull || !slices.Equal(says.Packages, claim.Packages) {
		return errors.New("the registry asks for a manifest that says something else than what this run claims")
	}
	return nil
}
