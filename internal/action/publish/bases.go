package publish

import (
	"context"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/action/regclient"
)

// maxBases is how many commits the registry is asked for: as many as it takes.
const maxBases = 50

// compareWith says what the packages are best compared with, for a pull request, or the zero pull for none.
//
// What was packed decides: of a merge into a branch that is the commit merged into, of the head of a pull request where it
// left its branch. After that come their first parents, of which one may have been published where the best was not.
func (j *job) compareWith(ctx context.Context, of pull) regclient.ChangesQuery {
	src, g := j.source, git{dir: j.opt.Dir}
	q := regclient.ChangesQuery{Repository: src.Repository, Branch: of.BaseRef}
	add := func(shas ...string) {
		for _, sha := range shas {
			if len(q.Bases) < maxBases && sha != "" && sha != src.SHA && sha != src.MergeSHA && !slices.Contains(q.Bases, sha) {
				q.Bases = append(q.Bases, sha)
			}
		}
	}
	switch {
	case of.BaseRef != "" && of.Number != 0 && src.Comment:
		if into := j.mergedInto(ctx, of); into != "" {
			add(into)
			add(g.line(ctx, into, maxBases)...)
		}
		if base := j.mergeBase(ctx, of.BaseSHA); base != "" {
			add(base)
			add(g.line(ctx, base, maxBases)...)
		}
		add(of.BaseSHA)
	case of.BaseRef != "": // a merge group, which is on top of it
		add(of.BaseSHA)
		add(g.line(ctx, of.BaseSHA, maxBases)...)
	case src.InCI:
		q.Branch = src.Default
		add(src.Before)
		add(g.line(ctx, src.SHA, maxBases)...)
	default:
		q.Branch = g.trunk(ctx)
		if q.Branch != "" {
			if base := g.mergeBase(ctx, "refs/remotes/origin/"+q.Branch, src.SHA); base != src.SHA {
				add(base)
				add(g.line(ctx, base, maxBases)...)
			}
		}
		add(g.line(ctx, src.SHA, maxBases)...)
	}
	return q
}

// mergedInto is the commit that the head was merged into, if that merge is what was packed.
func (j *job) mergedInto(ctx context.Context, of pull) string {
	merge := j.source.MergeSHA
	if merge == "" {
		return ""
	}
	parents := git{dir: j.opt.Dir}.parents(ctx, merge)
	if len(parents) == 0 { // nothing is checked out, as where another job has packed
		if object, _, err := j.handedOn(); err == nil && isCommit(object, merge) {
			parents = parentsOf(string(object))
		}
	}
	if len(parents) > 1 {
		return parents[0]
	}
	return of.BaseSHA // where the branch was when the event happened
}

// mergeBase is where the commit left its branch: git knows where it has the history, else the forge.
func (j *job) mergeBase(ctx context.Context, base string) string {
	if base == "" {
		return ""
	}
	if found := (git{dir: j.opt.Dir}).mergeBase(ctx, base, j.source.SHA); found != "" {
		return found
	}
	if j.opt.GitHubToken == "" || !j.runner.InActions() {
		return ""
	}
	client, err := j.forge()
	if err == nil {
		base, err = client.MergeBase(ctx, base, j.source.SHA)
	}
	if err != nil {
		j.streams.Log.DebugContext(ctx, "the merge base is not known", "err", err)
		return ""
	}
	return base
}

// repositoryPath is owner/name of a repository's address, in lower case: forges take no notice of it.
func repositoryPath(repository string) string {
	_, path := forgeOf(repository)
	if path == repository { // not a URL: git@host:owner/name, or owner/name
		if _, rest, ok := strings.Cut(path, ":"); ok {
			path = rest
		}
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(path, "/"), ".git"))
}
