// Package trust knows which CI runs may publish what, with no secret stored anywhere. A run shows an OIDC token that
// its forge has signed; it is checked, compared with the policies that bind repositories to packages, and a token of
// this registry is made that is good for what the run has proven, for some minutes.
//
// Policies bind by numeric ids: names change hands, and the form of the claim sub with them, so sub is not read.
package trust
