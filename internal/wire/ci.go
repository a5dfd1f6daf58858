package wire

import "time"

// CIPath is where CI runs get their tokens, below the server's URL.
const CIPath = "/-/ci/v1/"

// Exchange is the JSON body of POST /-/ci/v1/exchange, which is sent with the CI's own token (OIDC) as bearer.
// Its audience is npm:HOST, the server's host name, as npm asks for it too.
type Exchange struct {
	Repository string   `json:"repository,omitempty"` // whose commits are to be published; default: the run's
	Packages   []string `json:"packages,omitempty"`   // their names, at most 1,000; a refusal names those not covered
	// MergeCommit is the commit object (git cat-file commit) of the merge that a pull request's run is about, in base64:
	// its hash is what the CI's token says, its second parent the head of the pull request.
	MergeCommit string `json:"mergeCommit,omitempty"`
	// Tier is what the token must be for, "release" or "preview"; empty: a release if a policy covers all packages for
	// that, else a preview. Who names no packages gets a preview of those that the policies cover.
	Tier string `json:"tier,omitempty"`
}

// Exchanged answers it, and the last step of a claim.
type Exchanged struct {
	Token   string    `json:"token"` // DELETE /-/ci/v1/tokens/self ends it
	Expires time.Time `json:"expires"`
	Tier    string    `json:"tier"`          // "release", "preview" or "fork"
	SHA     string    `json:"sha,omitempty"` // the commit that it may publish; empty: any of the repository
	Refs    []string  `json:"refs,omitempty"`
	// Packages are what it is for: those that were asked for, or the patterns of the policies.
	Packages []string `json:"packages,omitempty"`
}

// Claim is the JSON body of POST /-/ci/v1/claims: a run of a fork, which has no token to show, says which run it is. With
// the OIDC token of a run of workflow_run as bearer, POST /-/ci/v1/claims/vouched answers the same with an Exchanged.
type Claim struct {
	Repository string           `json:"repository"` // the URL of the repository that runs the workflow
	RunID      int64            `json:"runId"`
	RunAttempt int64            `json:"runAttempt"`
	SHA        string           `json:"sha"` // the head of the pull request
	Pull       int              `json:"pull"`
	Packages   []ClaimedPackage `json:"packages"` // by name; what the token will be good for
}

// ClaimedPackage is a package that a claim is for.
type ClaimedPackage struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Integrity string `json:"integrity"` // sha512-…, of the tarball
	Size      int64  `json:"size"`
}

// Claimed answers it. The run proves that it is that run by attaching an artifact of this name to it, which has one file
// claim.json with these bytes; then it asks POST /-/ci/v1/claims/{id}/prove for an Exchanged.
type Claimed struct {
	ID       string    `json:"id"`
	Artifact string    `json:"artifact"`
	Manifest string    `json:"manifest"` // the bytes of claim.json
	Expires  time.Time `json:"expires"`
}

// Refusal is the body of an answer that does not admit a run: which field differed, what it must be and what it is.
type Refusal struct {
	Error
	Field    string `json:"field,omitempty"`
	Expected string `json:"expected,omitempty"`
	Got      string `json:"got,omitempty"`
}
