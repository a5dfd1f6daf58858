package issuertest

import (
	"fmt"
	"strings"
)

// The ids of the repository and its owner in the claims that this package makes.
const (
	RepositoryID = 74
	OwnerID      = 65
)

// Push returns the claims of a job that a push to the branch main of the repository has started, as GitHub documents them.
func Push(repository, sha string) Claims {
	return run(repository, sha, "refs/heads/main", "push")
}

// Tag returns those for a tag that was pushed.
func Tag(repository, sha, tag string) Claims {
	return run(repository, sha, "refs/tags/"+tag, "push").With(Claims{"ref_type": "tag"})
}

// PullRequest returns those for a pull request from a branch of the repository itself. merge is the commit that GitHub
// makes to test it, whose second parent is its head.
func PullRequest(repository, merge string, number int) Claims {
	ref := fmt.Sprintf("refs/pull/%d/merge", number)
	return run(repository, merge, ref, "pull_request").With(Claims{
		"base_ref": "main", "head_ref": "feature", "sub": "repo:" + repository + ":pull_request",
	})
}

func run(repository, sha, ref, event string) Claims {
	owner, _, _ := strings.Cut(repository, "/")
	workflow := repository + "/.github/workflows/publish.yml@" + ref
	return Claims{
		"sub":        "repo:" + repository + ":ref:" + ref,
		"repository": repository, "repository_id": fmt.Sprint(RepositoryID), "repository_visibility": "private",
		"repository_owner": owner, "repository_owner_id": fmt.Sprint(OwnerID),
		"ref": ref, "ref_type": "branch", "ref_protected": "true", "sha": sha, "event_name": event, "base_ref": "", "head_ref": "",
		"workflow": "publish", "workflow_ref": workflow, "workflow_sha": sha, "job_workflow_ref": workflow, "job_workflow_sha": sha,
		"run_id": "4711", "run_number": "10", "run_attempt": "2", "check_run_id": "815", "runner_environment": "github-hosted",
		"actor": "octocat", "actor_id": "12", "enterprise": "", "enterprise_id": "",
	}
}
