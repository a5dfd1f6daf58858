package runner

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// commitSHA is a full object name, SHA-1 or SHA-256.
var commitSHA = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// queueRef is the branch of a merge queue's group. The base may have slashes.
var queueRef = regexp.MustCompile(`^refs/heads/gh-readonly-queue/.+/pr-([1-9][0-9]*)-[0-9a-f]+$`)

// apply fills in what depends on the event. envSHA and envRef are GITHUB_SHA
// and GITHUB_REF.
func (c *Context) apply(p *payload, envSHA, envRef string) error {
	switch c.EventName {
	case "pull_request", "pull_request_target":
		return c.applyPull(p, envSHA)
	case "push":
		return c.applyPush(p, envSHA, envRef)
	case "workflow_run":
		return c.applyRun(p)
	case "merge_group":
		return c.applyGroup(p)
	case "issue_comment":
		return c.applyIssue(p, envSHA)
	case "release":
		return c.applyRelease(p, envSHA)
	}
	if p.Ref == "" || c.EventName != "workflow_dispatch" {
		p.Ref = envRef
	}
	c.addRef(p.Ref)
	c.Comment = c.EventName == "workflow_dispatch" && strings.HasPrefix(p.Ref, "refs/heads/")
	return c.setHead(envSHA, "GITHUB_SHA")
}

func (c *Context) applyPull(p *payload, envSHA string) error {
	pr := p.PullRequest
	if pr == nil || pr.Number <= 0 {
		return c.lacks("pull_request.number")
	}
	c.PR, c.BaseRef, c.BaseSHA, c.Comment = pr.Number, pr.Base.Ref, known(pr.Base.SHA), true
	c.Fork = pr.Head.Repo == nil || pr.Base.Repo == nil || pr.Head.Repo.ID != pr.Base.Repo.ID
	c.Refs = []string{"pr/" + strconv.Itoa(pr.Number)}
	if !c.Fork {
		c.addRef("refs/heads/" + pr.Head.Ref)
	}
	if c.EventName == "pull_request" && envSHA != pr.Head.SHA {
		c.MergeSHA = envSHA
	}
	return c.setHead(pr.Head.SHA, "pull_request.head.sha")
}

func (c *Context) applyPush(p *payload, envSHA, envRef string) error {
	ref, sha := p.Ref, p.After
	if ref == "" {
		ref, sha = envRef, envSHA
	}
	if p.Deleted || sha != "" && strings.Trim(sha, "0") == "" {
		c.Deleted = true
		return nil
	}
	// After an annotated tag's push, `after` names the tag object.
	if strings.HasPrefix(ref, "refs/tags/") && p.HeadCommit != nil {
		sha = p.HeadCommit.ID
	}
	c.addRef(ref)
	c.Comment = strings.HasPrefix(ref, "refs/heads/")
	if c.Comment {
		c.Before = known(p.Before)
	}
	return c.setHead(sha, "after")
}

func (c *Context) applyRun(p *payload) error {
	run := p.WorkflowRun
	if run == nil {
		return c.lacks("workflow_run")
	}
	c.Comment = true
	c.Fork = run.HeadRepository == nil || run.HeadRepository.ID != p.Repository.ID
	if c.Fork && run.Event == "pull_request" {
		c.Source = &Source{ID: run.ID, Attempt: run.Attempt, Number: run.Number, Branch: run.HeadBranch}
		if run.HeadRepository != nil {
			c.Source.Owner, _, _ = strings.Cut(run.HeadRepository.FullName, "/")
		}
	}
	for _, pr := range run.PullRequests {
		// The list has pull requests of other repositories of the network too.
		if pr.Number > 0 && pr.Base.Repo != nil && pr.Base.Repo.ID == p.Repository.ID && pr.Head.SHA == run.HeadSHA {
			c.Refs = append(c.Refs, "pr/"+strconv.Itoa(pr.Number))
			c.addPull(Pull{pr.Number, pr.Base.Ref, known(pr.Base.SHA)})
		}
	}
	// head_branch of a tag's run is the tag: only where it must be a branch
	// does it name one.
	fromPull := run.Event == "pull_request" || run.Event == "pull_request_target"
	if !c.Fork && (fromPull || run.HeadBranch == p.Repository.DefaultBranch) {
		c.addRef("refs/heads/" + run.HeadBranch)
	}
	return c.setHead(run.HeadSHA, "workflow_run.head_sha")
}

func (c *Context) applyGroup(p *payload) error {
	g := p.MergeGroup
	if g == nil {
		return c.lacks("merge_group")
	}
	c.BaseRef, c.BaseSHA = strings.TrimPrefix(g.BaseRef, "refs/heads/"), known(g.BaseSHA)
	if m := queueRef.FindStringSubmatch(g.HeadRef); m != nil {
		c.PR, _ = strconv.Atoi(m[1]) // a number too large for int stays "unknown"
	}
	return c.setHead(g.HeadSHA, "merge_group.head_sha")
}

func (c *Context) applyIssue(p *payload, envSHA string) error {
	if p.Issue == nil || p.Issue.Number <= 0 {
		return c.lacks("issue.number")
	}
	if p.Issue.PullRequest == nil {
		return c.setHead(envSHA, "GITHUB_SHA")
	}
	c.PR, c.Comment = p.Issue.Number, true
	c.Refs = []string{"pr/" + strconv.Itoa(c.PR)}
	return nil
}

func (c *Context) applyRelease(p *payload, envSHA string) error {
	if p.Release == nil || p.Release.TagName == "" {
		return c.lacks("release.tag_name")
	}
	if p.Action == "deleted" {
		c.Deleted = true
		return nil
	}
	c.addRef("refs/tags/" + p.Release.TagName)
	return c.setHead(envSHA, "GITHUB_SHA")
}

// addPull adds a pull request behind those that are known.
func (c *Context) addPull(p Pull) {
	if c.PR != 0 {
		c.MorePulls = append(c.MorePulls, p)
		return
	}
	c.PR, c.BaseRef, c.BaseSHA = p.Number, p.BaseRef, p.BaseSHA
}

// known is a commit's SHA, or "" if it is none: all zeros stand for no commit.
func known(sha string) string {
	if !commitSHA.MatchString(sha) || strings.Trim(sha, "0") == "" {
		return ""
	}
	return sha
}

// addRef adds the typed form of a Git ref; other refs (refs/pull/…) have none.
func (c *Context) addRef(ref string) {
	if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok && name != "" {
		c.Refs = append(c.Refs, "branch/"+name)
	} else if name, ok := strings.CutPrefix(ref, "refs/tags/"); ok && name != "" {
		c.Refs = append(c.Refs, "tag/"+name)
	}
}

func (c *Context) setHead(sha, from string) error {
	if !commitSHA.MatchString(sha) {
		return fault.New(fault.Invalid, "the %s event's %s is %.80q, not a full commit SHA", c.EventName, from, sha)
	}
	c.HeadSHA = sha
	return nil
}

func (c *Context) lacks(field string) error {
	return fault.New(fault.Invalid, "the %s event has no %s", c.EventName, field)
}
