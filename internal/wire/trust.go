package wire

import (
	"time"

	"github.com/org/registry-action/internal/format/provenance"
)

// NewTrust is the JSON body of POST /-/admin/trust, and a policy of the file TRUST_FILE.
type NewTrust struct {
	Issuer             string          `json:"issuer,omitempty"`             // default: the first of OIDC_ISSUERS
	Repository         string          `json:"repository"`                   // owner/name; of previews owner/*, too
	RepositoryID       int64           `json:"repositoryId,omitempty"`       // 0: as the forge tells
	OwnerID            int64           `json:"ownerId,omitempty"`            //
	Workflow           string          `json:"workflow,omitempty"`           // the file; default: any
	WorkflowRepository string          `json:"workflowRepository,omitempty"` // whose reusable workflow has the job; default: the repository
	Environment        string          `json:"environment,omitempty"`        // default: any, and none
	Refs               []string        `json:"refs,omitempty"`               // globs; default: any
	Events             []string        `json:"events,omitempty"`             // default: by the tier
	Tier               provenance.Tier `json:"tier,omitempty"`               // "release" or "preview", the default
	Packages           []string        `json:"packages,omitempty"`           // patterns; default: of previews all
	SelfHosted         bool            `json:"selfHosted,omitempty"`         // on runners that are not the forge's, too
	User               string          `json:"user,omitempty"`               // whom its runs speak for; default: who makes it
}

// Trust is a policy: which runs may publish what.
type Trust struct {
	ID string `json:"id"`
	NewTrust
	Pinned   bool      `json:"pinned"`             // the ids are known; else the first run that fits tells them
	Granted  bool      `json:"granted,omitempty"`  // by an admin: its runs may write the packages whoever owns them
	MadeBy   string    `json:"madeBy"`             //
	FromFile bool      `json:"fromFile,omitempty"` // of TRUST_FILE
	Created  time.Time `json:"created"`
}

// Trusts answers GET /-/admin/trust, by repository.
type Trusts struct {
	Policies []Trust `json:"policies"`
}

// TrustFile is the file TRUST_FILE.
type TrustFile struct {
	Policies []NewTrust `json:"policies"`
}
