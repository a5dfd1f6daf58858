package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/registry-action/internal/report"
)

// orNeutral lets the run of a fork pass although nothing was published: its author can do nothing about it. A notice and
// the summary say why.
func (j *job) orNeutral(ctx context.Context, refused error) error {
	fork := j.event.Fork || j.auth == AuthFork
	if refused == nil || !fork || j.opt.FailOnFork || ctx.Err() != nil {
		return refused
	}
	text := fmt.Sprintf("Nothing was published of this pull request, which is of a fork or of Dependabot: %v", refused)
	j.runner.Noticef("%s", text)
	j.published.SHA = j.source.SHA
	out := result{Published: j.published, Packages: []announced{}, Registry: j.opt.RegistryURL, PR: j.source.PR, Warnings: append(j.warnings, text)}
	return errors.Join(j.setOutputs(out), j.runner.AddStepSummary(report.Refused(j.source.SHA, refused.Error())), j.writeJSON(out))
}
