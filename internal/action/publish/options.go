package publish

import (
	"io"
	"log/slog"

	"github.com/org/registry-action/internal/action/workspace"
)

// Form is how packages of one commit refer to each other in their manifests.
type Form string

// The forms.
const (
	Registry Form = "registry" // by exact preview version
	URL      Form = "url"      // by the URL of the sibling's tarball
)

// The comment modes.
const (
	CommentUpdate   = "update"
	CommentRecreate = "recreate"
	CommentOff      = "off"
)

// When a commit gets a status.
const (
	StatusAuto = "auto" // if the token may
	StatusOn   = "on"
	StatusOff  = "off"
)

// PackOptions say what is packed and how.
type PackOptions struct {
	Dir           string   // where the workspace is
	Paths         []string // path globs, package names, or .tgz files; none: every public package
	Exclude       []string
	SHA           string // the commit; empty: from the CI run or from git
	Repository    string // its URL; empty: likewise
	RegistryURL   string // for Form URL
	Siblings      Form
	PinPeers      bool
	KeepVersion   bool // packed manifests keep their own version
	IgnoreScripts bool
	PackWith      workspace.Manager // empty: pack natively
	Parallel      int
}

// Options say what is published, where, and who is told.
type Options struct {
	PackOptions
	Auth         Auth
	Token        string
	InsecureHTTP bool
	FailOnFork   bool     // the run of a fork whose publish is refused fails
	Refs         []string // typed refs to move, beside those of the CI run
	AllowDirty   bool
	Force        bool // other bytes may take the place of this commit's packages
	DryRun       bool
	ChangedOnly  bool   // publish only what differs from the base, and what that needs
	CommitStatus string // one of the above
	Comment      string // one of the comment modes
	CommentKey   string // tells the comments of several publishes on one pull request apart
	ShowComment  bool   // print the comment
	GitHubToken  string
	Managers     []string // whose install lines are shown
	JSONFile     string   // where the result goes, as JSON; "-" is standard output
	Version      string   // of this program, for the User-Agent
}

// Streams are the process's surroundings.
type Streams struct {
	Getenv   func(string) string
	Stdout   io.Writer // results
	Stderr   io.Writer // progress
	Terminal bool      // Stderr is a terminal: progress may move
	Log      *slog.Logger
}
