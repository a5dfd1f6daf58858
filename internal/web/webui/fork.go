package webui

import (
	"slices"
	"strconv"

	"github.com/org/registry-action/internal/domain/commits"
)

// forkNote says of packages that a fork published them, and what they do to who installs them.
type forkNote struct {
	Author     string // "" if it is not known
	Repository string // that nobody has looked at them for
	From       string // the fork
	Pull       link
	Run        string // the page of the run that built them
	Scripts    []string
}

// forkOf describes packages of one repository; nil if no fork published them.
func forkOf(packages []commits.Package) *forkNote {
	if len(packages) == 0 || !packages[0].FromFork() {
		return nil
	}
	repo := packages[0].Repository
	pull := commits.Ref{Kind: commits.PR, Name: strconv.Itoa(repo.Pull())}
	n := &forkNote{Repository: repo.Base().Path, Pull: link{refTitle(pull), refPath(repo.Base().Path, pull)}}
	if proof := packages[0].Proof; proof != nil {
		n.Author, n.From, n.Run = proof.Author, proof.HeadRepo, proof.RunURL
	}
	for _, p := range packages {
		n.Scripts = append(n.Scripts, p.InstallScripts()...)
	}
	slices.Sort(n.Scripts)
	n.Scripts = slices.Compact(n.Scripts)
	return n
}
