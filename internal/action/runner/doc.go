// Package runner speaks to the program that runs a CI step: GitHub's runner,
// and those that copy it (Forgejo, Gitea, act). It reads inputs and the event,
// and writes outputs, the job summary, log groups, annotations and masks.
//
// The formats are those of GitHub's "Workflow commands for GitHub Actions".
// Outside Actions every method works and degrades: messages become plain
// lines, outputs and summaries go nowhere.
//
// It is no client of the forge's API; that is package forge.
package runner
