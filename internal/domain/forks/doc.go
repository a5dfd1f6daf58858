// Package forks lets CI runs of forks publish, which have no token and no secret to show.
//
// A run of a fork's pull request claims what it has built. This server asks the forge whether there is such a run, and
// whether the pull request is as the claim says; that much anybody could know. Then the run proves that it is that run: it
// attaches an artifact to itself whose name this server has made up. Nobody but a job of that run can do so. For that it
// gets a token for these bytes, this commit and this pull request, and nothing else.
//
// Where it can't reach this server, a run of the repository itself vouches for it, which shows what it is by a token of the
// forge's; the same is asked, and the same token given.
//
// No word of the caller decides anything: not who it is, nor whose fork, nor what its workflow says. While the forge can't
// be asked, nobody is let in.
package forks
