// Package pkgprnew admits what the stock pkg-pr-new CLI publishes, and takes in its tarballs that come in parts.
//
// The CLI has no token. It shows a key: a short hash of repository, run, attempt and actor, all of which are public.
// So the key names a run, and proves nothing by itself. What admits is what the forge says of that run at this moment:
// it is in progress, in this attempt, of a repository that the operator has enrolled, and its commit is the one that is
// published. What is published is marked by the run's tier and never takes the place of anything. Somebody who knows
// the key of a run in progress can still publish in its name, for as long as it runs and for its commit only: where that
// is too much, runs prove themselves by OIDC.
package pkgprnew
