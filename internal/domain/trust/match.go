package trust

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/pattern"
)

// difference is the first thing in which a run is not what a policy asks for.
type difference struct {
	rank                 int // how much of the policy was met before it
	field, expected, got string
}

// differs compares a run with a policy of its issuer. It returns nil if all fits, but for the packages.
func (p Policy) differs(c Claims) *difference {
	got, job := parseWorkflow(c.Workflow), parseWorkflow(c.JobWorkflow)
	home := p.WorkflowRepository
	if home == "" {
		home = c.Repository
	}
	for rank, f := range []struct {
		field, expected, got string
		ok                   bool
	}{
		{"repository", p.Repository, c.Repository, p.pinned() || strings.EqualFold(p.Repository, c.Repository)},
		{"repository_id", number(p.RepositoryID), number(c.RepositoryID), !p.pinned() || p.ofOwner() || p.RepositoryID == c.RepositoryID},
		{"repository_owner_id", number(p.OwnerID), number(c.OwnerID), !p.pinned() || p.OwnerID == c.OwnerID},
		{"event_name", strings.Join(p.Events, ", "), c.Event, slices.Contains(p.Events, c.Event) && mayRun(p.Tier, c.Event) == nil},
		{"job_workflow_ref", "a workflow of " + home, c.JobWorkflow, strings.EqualFold(job.Repository, home)},
		{"workflow_ref", p.Workflow, c.Workflow, p.Workflow == "" || job.File == p.Workflow || got.File == p.Workflow && p.WorkflowRepository == ""},
		{"environment", p.Environment, c.Environment, p.Environment == "" || strings.EqualFold(p.Environment, c.Environment)},
		{"ref", strings.Join(p.Refs, ", "), c.Ref, matchesRef(p.Refs, c.Ref)},
		{"job_workflow_ref", c.Ref + " or " + strings.Join(p.Refs, ", "), c.JobWorkflow, p.vouchesFor(c, job)},
		{"runner_environment", "github-hosted", "self-hosted", p.SelfHosted || !c.SelfHosted},
	} {
		if !f.ok {
			return &difference{rank, f.field, f.expected, f.got}
		}
	}
	return nil
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// vouchesFor reports whether the job's workflow is of a ref that the policy is for. A workflow of the repository may
// call another of its workflows by the name of any branch, where others may write.
func (p Policy) vouchesFor(c Claims, job workflow) bool {
	return !strings.EqualFold(job.Repository, c.Repository) || job.Ref == c.SHA || matchesRef(p.Refs, job.Ref)
}

// matchesRef reports whether a ref fits one of the globs: * is anything but a slash, ** anything. None fits all.
func matchesRef(globs []string, ref string) bool {
	return len(globs) == 0 || slices.ContainsFunc(globs, func(glob string) bool {
		expr := regexp.QuoteMeta(glob)
		expr = strings.ReplaceAll(expr, `\*\*`, "\x00")
		expr = strings.ReplaceAll(expr, `\*`, `[^/]*`)
		expr = strings.ReplaceAll(expr, "\x00", `.*`)
		return regexp.MustCompile(`^(?s:` + expr + `)$`).MatchString(ref)
	})
}

// admitting returns the policies that fit a run. If there is none, the refusal is by the one that fits best.
func admitting(all []Policy, c Claims) ([]Policy, error) {
	var fit []Policy
	var best *difference
	for _, p := range all {
		d := p.differs(c)
		switch {
		case d == nil:
			fit = append(fit, p)
		case best == nil || d.rank > best.rank:
			best = d
		}
	}
	switch {
	case len(fit) > 0:
		return fit, nil
	case best != nil:
		return nil, refuse(fault.Forbidden, "not_trusted", best.field, best.expected, best.got)
	}
	e := fault.New(fault.Forbidden, "this registry trusts no run of %s (repository_id %d); an admin can let it: registry-server trust add github %[1]s, "+
		"or an owner of a package: npm trust github", c.Repository, c.RepositoryID).WithCode("not_trusted")
	return nil, e.With("field", "repository_id").With("expected", "a repository with a policy").With("got", number(c.RepositoryID))
}

// patterns are those of some policies, each once.
func patterns(all []Policy) []string {
	var out []string
	for _, p := range all {
		out = append(out, p.Packages...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// uncovered returns the names that no policy is for.
func uncovered(all []Policy, names []string) []string {
	covered := patterns(all)
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return pattern.Covers(covered, name) })
}
