package runner

// payload is the part of GitHub's webhook payloads that an event needs.
// https://docs.github.com/webhooks/webhook-events-and-payloads
type payload struct {
	Action      string       `json:"action"`
	Ref         string       `json:"ref"`
	Before      string       `json:"before"`
	After       string       `json:"after"`
	Deleted     bool         `json:"deleted"`
	HeadCommit  *headCommit  `json:"head_commit"`
	Repository  repository   `json:"repository"`
	PullRequest *pullRequest `json:"pull_request"`
	WorkflowRun *workflowRun `json:"workflow_run"`
	MergeGroup  *mergeGroup  `json:"merge_group"`
	Issue       *issue       `json:"issue"`
	Release     *release     `json:"release"`
}

type headCommit struct {
	ID string `json:"id"`
}

type repository struct {
	ID            int64  `json:"id"`
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
}

type pullRequest struct {
	Number int  `json:"number"`
	Head   side `json:"head"`
	Base   side `json:"base"`
}

// side is one end of a pull request. Repo is null when the fork is gone.
type side struct {
	Ref  string      `json:"ref"`
	SHA  string      `json:"sha"`
	Repo *repository `json:"repo"`
}

type workflowRun struct {
	ID             int64         `json:"id"`
	Attempt        int64         `json:"run_attempt"`
	Number         int64         `json:"run_number"`
	Event          string        `json:"event"`
	HeadSHA        string        `json:"head_sha"`
	HeadBranch     string        `json:"head_branch"`
	HeadRepository *repository   `json:"head_repository"`
	PullRequests   []pullRequest `json:"pull_requests"`
}

type mergeGroup struct {
	HeadSHA string `json:"head_sha"`
	HeadRef string `json:"head_ref"`
	BaseSHA string `json:"base_sha"`
	BaseRef string `json:"base_ref"`
}

type issue struct {
	Number      int       `json:"number"`
	PullRequest *struct{} `json:"pull_request"`
}

type release struct {
	TagName string `json:"tag_name"`
}
