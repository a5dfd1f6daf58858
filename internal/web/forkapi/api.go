// Package forkapi is what forks' runs and the forge say to this server, below /-/ci/v1/: claims, their proofs, and
// webhooks. Nobody here has a token of ours; package forks says what is believed, and why. docs/forks.md explains it.
package forkapi

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/org/registry-action/internal/domain/forks"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

const (
	maxClaim   = 512 << 10 // bytes of JSON
	maxPayload = 1 << 20   // bytes of a webhook: of pull requests they have some 30,000, and 400,000 at most
)

// API answers the protocol.
type API struct {
	Forks *forks.Service
	// Vouch verifies the OIDC token of a run that vouches for packages of its repository. who names the run for audit
	// lines, also where it is refused.
	Vouch  func(ctx context.Context, token string, addr netip.Addr, repository string, packages []string) (by forks.Voucher, who string, err error)
	Secret string // of the webhooks; empty: none is taken
	Log    *slog.Logger
}

func (a *API) claim(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "claim", "a fork's run", "anonymous")
	c, err := readClaim(w, r)
	if err != nil {
		return err
	}
	got, err := a.Forks.Claim(r.Context(), c)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpkit.JSON(w, r, http.StatusCreated, wire.Claimed{ID: got.ID, Artifact: got.Artifact, Manifest: string(got.Manifest), Expires: got.Expires})
}

func readClaim(w http.ResponseWriter, r *http.Request) (forks.Claim, error) {
	if _, _, err := httpkit.MediaType(r, "application/json"); err != nil {
		return forks.Claim{}, err
	}
	var in wire.Claim
	if err := httpkit.DecodeJSON(w, r, maxClaim, &in); err != nil {
		return forks.Claim{}, err
	}
	httpkit.Audit(r, "", in.Repository, "")
	c := forks.Claim{Repository: in.Repository, RunID: in.RunID, RunAttempt: in.RunAttempt, SHA: in.SHA, Pull: in.Pull, Addr: httpkit.Remote(r)}
	for _, p := range in.Packages {
		c.Packages = append(c.Packages, forks.Package(p))
	}
	return c, nil
}

// vouched takes the claim that a run of the repository makes for a fork's. Its token is looked at first: without a good
// one the forge is asked nothing.
func (a *API) vouched(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "vouch", "a fork's run", "")
	c, err := readClaim(w, r)
	if err != nil {
		return err
	}
	names := make([]string, len(c.Packages))
	for i, p := range c.Packages {
		names[i] = p.Name
	}
	by, who, err := a.Vouch(r.Context(), httpkit.CredentialsOf(r).Secret, c.Addr, c.Repository, names)
	if who != "" {
		httpkit.Audit(r, "", "", who)
	}
	if err != nil {
		return err
	}
	got, err := a.Forks.Vouched(r.Context(), c, by)
	if err != nil {
		return err
	}
	return answer(w, r, http.StatusCreated, got)
}

func answer(w http.ResponseWriter, r *http.Request, status int, got forks.Proven) error {
	w.Header().Set("Cache-Control", "no-store")
	return httpkit.JSON(w, r, status, wire.Exchanged{
		Token: got.Token, Expires: got.Expires, Tier: string(provenance.Fork), SHA: got.SHA, Refs: []string{got.Ref},
	})
}

func (a *API) prove(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "prove", "a fork's run", "anonymous")
	got, err := a.Forks.Prove(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, r, http.StatusOK, got)
}

// webhook takes what the forge says happened. Only who knows the secret is heard.
func (a *API) webhook(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "webhook", r.Header.Get("X-GitHub-Event"), "")
	if a.Secret == "" {
		return fault.New(fault.NotFound, "this server takes no webhooks: it was given no secret for them (GITHUB_WEBHOOK_SECRET)")
	}
	signature, ok := readSignature(r)
	if !ok { // before a byte of the body is read
		return badSignature()
	}
	body, err := httpkit.Body(w, r, maxPayload)
	if err != nil {
		return err
	}
	payload, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(a.Secret))
	mac.Write(payload)
	if !hmac.Equal(signature, mac.Sum(nil)) {
		return badSignature()
	}
	httpkit.Audit(r, "", "", "the forge")
	done, err := a.Forks.Deliver(r.Context(), forks.Delivery{Event: r.Header.Get("X-GitHub-Event"), Payload: payload})
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]string{"done": done})
}

func readSignature(r *http.Request) (signature []byte, ok bool) {
	digits, ok := strings.CutPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256=")
	signature, err := hex.DecodeString(digits)
	return signature, ok && err == nil && len(signature) == sha256.Size
}

func badSignature() error {
	return fault.New(fault.Unauthenticated, "the webhook is not signed with the secret of this server (X-Hub-Signature-256, GITHUB_WEBHOOK_SECRET)").WithCode("bad_signature")
}
