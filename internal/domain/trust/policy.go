package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/pattern"
	"github.com/org/registry-action/internal/format/provenance"
)

// Binding says which runs are trusted, and with what.
type Binding struct {
	Issuer     string `json:"issuer"`
	Repository string `json:"repository"` // owner/name, or owner/* for all of an owner; for people: the ids decide
	Workflow   string `json:"workflow,omitempty"`
	// WorkflowRepository is whose reusable workflow has the job, owner/name; empty: the repository's own.
	WorkflowRepository string          `json:"workflowRepository,omitempty"`
	Environment        string          `json:"environment,omitempty"` // empty: any, and none
	Refs               []string        `json:"refs,omitempty"`        // globs such as refs/tags/v*; none: any
	Events             []string        `json:"events"`
	Tier               provenance.Tier `json:"tier"`
	Packages           []string        `json:"packages"` // patterns
	SelfHosted         bool            `json:"selfHosted,omitempty"`
}

// Policy is a binding that is kept.
type Policy struct {
	ID string `json:"id"`
	Binding
	RepositoryID int64     `json:"repositoryId,omitempty"` // 0: not yet pinned, or all of the owner
	OwnerID      int64     `json:"ownerId,omitempty"`      // 0: not yet pinned
	User         string    `json:"user"`                   // whom its runs speak for
	Granted      bool      `json:"granted,omitempty"`      // by an admin: its runs may write the packages whoever owns them
	MadeBy       string    `json:"madeBy"`
	FromFile     bool      `json:"fromFile,omitempty"`
	Created      time.Time `json:"created"`
	Pinned       time.Time `json:"pinned,omitzero"` // when a run's token told the ids
}

// pinned reports whether the policy's ids are known.
func (p Policy) pinned() bool { return p.OwnerID != 0 }

// ofOwner reports whether a binding is for all repositories of an owner.
func (b Binding) ofOwner() bool { return strings.HasSuffix(b.Repository, everything) }

const everything = "/*"

const (
	maxRefs     = 20
	maxEvents   = 20
	maxPackages = 100
)

// Events that a policy is for if it names none.
var (
	releaseEvents = []string{"push", "release", "workflow_dispatch", "schedule"}
	previewEvents = []string{"push", "pull_request", "merge_group", "release", "workflow_dispatch", "schedule"}
	// writersEvents are those that only who may write to the repository starts. Releases are for no others: of a list of
	// those that anybody starts, such as issues or fork, the next that a forge invents would be missing.
	writersEvents = append([]string{"create", "deployment", "repository_dispatch"}, releaseEvents...)
)

var (
	workflowFile    = regexp.MustCompile(`^[A-Za-z0-9 _.+()-]{1,196}\.ya?ml$`)
	ownerOnly       = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}/\*$`)
	environmentName = regexp.MustCompile(`^[^\x00-\x1f\x7f'"` + "`" + `,;\\]{1,255}$`)
	refGlob         = regexp.MustCompile(`^refs/[!-~]{1,250}$`)
)

// complete checks a binding and fills in what it leaves out.
func (b Binding) complete(issuers []Issuer) (Binding, error) {
	b.Repository = strings.TrimSuffix(strings.TrimSpace(b.Repository), ".git")
	b.Workflow = strings.TrimPrefix(b.Workflow, ".github/workflows/") // as the forge shows it
	if b.Issuer == "" {
		b.Issuer = issuers[0].URL
	}
	if b.Tier == "" {
		b.Tier = provenance.Preview
	}
	if _, err := secureURL(b.Issuer); err != nil {
		return b, err
	}
	if i := slices.IndexFunc(issuers, func(i Issuer) bool { return i.URL == b.Issuer }); i >= 0 {
		b.Repository = strings.TrimPrefix(b.Repository, issuers[i].Forge+"/")
		b.SelfHosted = b.SelfHosted || !issuers[i].hosted()
	}
	if b.Tier != provenance.Release && b.Tier != provenance.Preview {
		return b, invalid("tier %.40q is none of release and preview", b.Tier)
	}
	if len(b.Packages) == 0 && b.Tier == provenance.Preview {
		b.Packages = []string{"*"}
	}
	if len(b.Events) == 0 {
		b.Events = releaseEvents
		if b.Tier == provenance.Preview {
			b.Events = previewEvents
		}
	}
	return b, b.check()
}

func invalid(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).WithCode("invalid_policy")
}

func (b Binding) check() error {
	switch {
	case !repositoryName.MatchString(b.Repository) && !ownerOnly.MatchString(b.Repository):
		return invalid("%.200q is no repository of a forge; write it as owner/name, or owner/* for previews of all that the owner has", b.Repository)
	case b.ofOwner() && b.Tier != provenance.Preview:
		return invalid("a policy for releases names its repository, not %.200q: whoever may make a repository there could release", b.Repository)
	case b.Workflow != "" && !workflowFile.MatchString(b.Workflow):
		return invalid("%.200q is no workflow; write the name of its file in .github/workflows, such as publish.yml", b.Workflow)
	case b.WorkflowRepository != "" && !repositoryName.MatchString(b.WorkflowRepository):
		return invalid("%.200q is no repository of reusable workflows; write it as owner/name", b.WorkflowRepository)
	case b.Environment != "" && !environmentName.MatchString(b.Environment):
		return invalid("%.200q can't be the name of an environment", b.Environment)
	case len(b.Packages) == 0:
		return invalid("a policy for releases names the packages that it is for, such as @acme/*")
	case len(b.Refs) > maxRefs || len(b.Events) > maxEvents:
		return invalid("%d refs and %d events are more than a policy may have (%d, %d)", len(b.Refs), len(b.Events), maxRefs, maxEvents)
	}
	for _, ref := range b.Refs {
		if !refGlob.MatchString(ref) {
			return invalid("%.200q is no ref; write it in full, such as refs/heads/main or refs/tags/v*", ref)
		}
	}
	for _, event := range b.Events {
		if err := mayRun(b.Tier, event); err != nil {
			return err
		}
	}
	return pattern.Valid(b.Packages, maxPackages)
}

// mayRun refuses events whose runs anybody can start, or fill with code of others.
func mayRun(tier provenance.Tier, event string) error {
	switch {
	case !eventName.MatchString(event):
		return invalid("%.100q is no event of workflows, such as push", event)
	case event == "pull_request_target":
		return invalid("runs of pull_request_target are trusted with nothing: they have the rights of the repository, and often code of strangers; let pull_request build previews")
	case tier == provenance.Release && !slices.Contains(writersEvents, event):
		return invalid("runs of %s can't make releases: others than those who may write to the repository may start them; take push, release, workflow_dispatch or schedule", event)
	}
	return nil
}

// newID names a policy by what it says, so that the same policy again is the same.
func (p Policy) newID() string {
	b := p.Binding
	b.Repository, b.WorkflowRepository = strings.ToLower(b.Repository), strings.ToLower(b.WorkflowRepository)
	text, err := json.Marshal([]any{b, p.RepositoryID, p.OwnerID, p.User, p.Granted, p.FromFile})
	if err != nil {
		panic(fmt.Sprintf("encoding a policy: %v", err)) // it has plain members only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
