// Package provenance says how it was proven who made something, as it is stored with it and shown.
package provenance

import "time"

// Tier is what a proof is good for: who has one writes only what belongs to it.
type Tier string

// The tiers.
const (
	Release Tier = "release" // versions of the registry, and previews
	Preview Tier = "preview" // commits of the repository itself
	Fork    Tier = "fork"    // commits that a fork proposes, below their pull request only
)

// Proof is what a CI run has proven about itself. Names are for people: they change hands. Ids do not.
type Proof struct {
	Tier         Tier      `json:"tier"`
	Issuer       string    `json:"issuer"`             // who vouches: an issuer of OIDC tokens, or the forge whose API was asked
	Repository   string    `json:"repository"`         // owner/name
	RepositoryID int64     `json:"repositoryId"`       //
	OwnerID      int64     `json:"ownerId,omitempty"`  //
	Workflow     string    `json:"workflow,omitempty"` // owner/name/.github/workflows/file.yml@ref
	Environment  string    `json:"environment,omitempty"`
	Ref          string    `json:"ref,omitempty"` // refs/heads/main, refs/pull/7/merge, …
	Event        string    `json:"event,omitempty"`
	SHA          string    `json:"sha,omitempty"`            // the commit that people know: a pull request's head
	Pull         int       `json:"pull,omitempty"`           // the pull request; 0 for none
	HeadRepo     string    `json:"headRepository,omitempty"` // of a fork
	Author       string    `json:"author,omitempty"`         // login of who opened the pull request of a fork
	RunID        int64     `json:"runId,omitempty"`
	RunAttempt   int64     `json:"runAttempt,omitempty"`
	RunURL       string    `json:"runUrl,omitempty"`
	SelfHosted   bool      `json:"selfHosted,omitempty"` // on a runner that is not the forge's
	At           time.Time `json:"at"`                   // when it was proven
}
