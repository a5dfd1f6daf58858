package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/action/artifact"
	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/wire"
)

// Auth is how the registry is told who publishes.
type Auth string

// The ways. AuthAuto takes the first of OIDC, token and fork that the run has; at a desk, the token or none.
const (
	AuthAuto  Auth = "auto"
	AuthToken Auth = "token"
	AuthOIDC  Auth = "oidc" // the CI's own token is exchanged for one of the registry
	AuthFork  Auth = "fork" // the run claims to be a fork's, and proves it by an artifact
	AuthNone  Auth = "none"
)

const (
	tokenState = "token" // for post.js: what is to be revoked
	endTimeout = 10 * time.Second
)

// chooseAuth decides before anything is built, so that what the run lacks is told at once.
func (j *job) chooseAuth(context.Context) error {
	if j.auth = j.opt.Auth; j.auth == "" || j.auth == AuthAuto {
		j.auth = j.autoAuth()
	}
	switch j.auth {
	case AuthToken:
		if j.opt.Token == "" {
			return fault.New(fault.Invalid, "auth is token, and there is none; set token (REGISTRY_TOKEN)")
		}
		return j.registry.Authenticate(j.opt.Token, nil)
	case AuthOIDC:
		if !j.runner.HasIDToken() {
			return fault.New(fault.Forbidden, "auth is oidc, and the job may not ask for an OIDC token: give it `permissions: id-token: write` (a pull request from a fork never gets it)")
		}
		return j.registry.MayCarryToken()
	case AuthFork:
		return j.prepareClaim()
	case "":
		return fault.New(fault.Forbidden, "there is nothing to show the registry who publishes: give the job `permissions: id-token: write` "+
			"(and have the registry trust the repository: registry-server trust add github %s), or set token to one of the registry; auth: none publishes without", j.event.Repository)
	}
	return nil
}

// autoAuth is "" if the run has nothing to show.
func (j *job) autoAuth() Auth {
	switch {
	case j.event.Source != nil && j.runner.HasIDToken():
		return AuthFork // all that a run of workflow_run may do is vouch for it
	case j.runner.HasIDToken():
		return AuthOIDC
	case j.opt.Token != "":
		return AuthToken
	case !j.runner.InActions():
		return AuthNone
	case j.registry.Local():
		return AuthNone // which may be enough; see tryWithout
	}
	return j.restrictedAuth()
}

// restrictedAuth is for runs that GitHub gives no rights to.
func (j *job) restrictedAuth() Auth {
	if j.event.EventName == "pull_request" && (j.event.Fork || j.event.Dependabot()) {
		return AuthFork
	}
	return ""
}

// authenticate gets the token that the packages are published with; a fork's comes later, by authenticateFork.
func (j *job) authenticate(ctx context.Context) error {
	if j.auth == AuthNone && j.opt.Auth != AuthNone && j.runner.InActions() {
		if err := j.tryWithout(ctx); err != nil {
			return err
		}
	}
	if j.auth != AuthOIDC {
		return nil
	}
	token, err := j.obtain(ctx)
	if err != nil && j.opt.Auth != AuthOIDC && j.opt.Token != "" && ctx.Err() == nil {
		j.runner.Noticef("The registry token is used, since publishing by OIDC was refused: %v", err)
		j.auth = AuthToken
		return j.registry.Authenticate(j.opt.Token, nil)
	}
	if err != nil {
		return err
	}
	return j.registry.Authenticate(token, j.obtain)
}

// authenticateFork claims what is to be published, and nothing more.
func (j *job) authenticateFork(ctx context.Context) error {
	if j.auth != AuthFork || len(j.packages) == 0 {
		return nil
	}
	j.leaveOthers()
	token, err := j.obtain(ctx)
	if err != nil {
		return err
	}
	return j.registry.Authenticate(token, j.obtain)
}

// tryWithout asks a registry on this machine, which may take packages from it without a token.
func (j *job) tryWithout(ctx context.Context) error {
	publication, _ := j.publication()
	_, err := j.registry.Plan(ctx, publication)
	refused, ok := errors.AsType[*regclient.Error](err)
	if !ok || refused.Status != http.StatusUnauthorized {
		return nil // what else is wrong is told by the publish
	}
	if j.auth = j.restrictedAuth(); j.auth == AuthFork {
		return j.prepareClaim()
	}
	return err
}

// obtain gets a token of the registry for this run; also another one, when the first has ended.
func (j *job) obtain(ctx context.Context) (string, error) {
	get := j.exchange
	switch {
	case j.auth == AuthFork && j.event.Source != nil:
		get = j.vouch
	case j.auth == AuthFork:
		get = j.claim
	}
	got, err := get(ctx)
	if err != nil {
		return "", err
	}
	j.runner.AddMask(got.Token)
	if err := j.runner.SaveState(tokenState, got.Token); err != nil {
		return "", err
	}
	j.minted = got.Token
	if got.SHA != "" && got.SHA != j.source.SHA {
		return "", fault.New(fault.Invalid, "the registry takes this run to be about commit %s, but what is published is %s", got.SHA, j.source.SHA)
	}
	if got.Refs != nil { // the run's other names were not proven
		j.source.Refs = slices.DeleteFunc(j.source.Refs, func(ref string) bool { return !slices.Contains(got.Refs, ref) })
	}
	j.say("the registry lets this run publish until %s (tier %s)", got.Expires.UTC().Format("15:04:05 MST"), got.Tier)
	return got.Token, nil
}

// exchange shows the CI's token to the registry.
func (j *job) exchange(ctx context.Context) (wire.Exchanged, error) {
	proof, err := j.mergeProof(ctx)
	if err != nil {
		return wire.Exchanged{}, err
	}
	got, err := j.registry.Exchange(ctx, func(ctx context.Context) (string, error) {
		return j.runner.IDToken(ctx, "npm:"+j.registry.Host())
	}, wire.Exchange{Repository: j.source.Repository, Packages: j.names(), MergeCommit: proof, Tier: "preview"})
	switch {
	case errors.Is(err, regclient.ErrNotServed):
		return got, fmt.Errorf("%w; set token to one of the registry instead", err)
	case err == nil && proof == "" && j.source.MergeSHA != "" && got.SHA == j.source.MergeSHA:
		return got, fault.New(fault.Invalid, "that %s is the head of the pull request is shown by the merge commit %s, which is neither in the checkout nor could be fetched (contents: read); "+
			"let actions/checkout check it out, as it does by default, or hand on the file %s that pack writes beside the tarballs", j.source.SHA, got.SHA, mergeFile)
	}
	return got, err
}

func (j *job) names() (names []string) {
	for _, p := range j.packages {
		names = append(names, p.Name)
	}
	return names
}

// endToken revokes what was obtained; what is left of it is for post.js.
func (j *job) endToken(ctx context.Context) {
	if j.minted == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err := j.registry.EndToken(ctx, j.minted)
	if err == nil {
		j.minted = ""
		err = j.runner.SaveState(tokenState, "")
	}
	if err != nil {
		j.streams.Log.WarnContext(ctx, "the run's token was not revoked; it ends by itself within minutes", "err", err)
	}
}

// prepareClaim checks that the run can prove a claim.
func (j *job) prepareClaim() (err error) {
	if j.event.Source != nil {
		return j.prepareVouch()
	}
	if j.event.EventName != "pull_request" || j.event.PR == 0 || j.event.RunID == 0 {
		return fault.New(fault.Invalid, "auth is fork, which is for runs of pull_request, and for those of workflow_run after a fork's; this is one of %q", j.event.EventName)
	}
	j.artifacts, err = artifact.New(artifact.Options{
		URL: j.streams.Getenv("ACTIONS_RESULTS_URL"), Token: j.streams.Getenv("ACTIONS_RUNTIME_TOKEN"), UserAgent: j.userAgent(),
	})
	return err
}

// secretEnv are the variables that a package's script has no use for.
func secretEnv(name string) bool {
	switch name {
	case "REGISTRY_TOKEN", "PANTRY_REGISTRY_TOKEN", "INPUT_TOKEN", "INPUT_GITHUB-TOKEN", "INPUT_GITHUB_TOKEN":
		return true
	}
	return strings.HasPrefix(name, "ACTIONS_ID_TOKEN_") || strings.HasPrefix(name, "ACTIONS_RUNTIME_") || name == "ACTIONS_RESULTS_URL"
}
