// Package pkgprnewapi speaks the protocol of pkg.pr.new, so that its stock CLI publishes here: with API_URL set to this
// server and nothing else changed. Installing is commitapi's. docs/api.md describes every endpoint.
package pkgprnewapi

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/pkgprnew"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// API answers the protocol.
type API struct {
	access.Control
	Runs       *pkgprnew.Service
	Commits    *commits.Service
	BaseURL    string // the server's public URL, without a slash at its end
	MaxPublish int64  // bytes
	// Comment writes the comments on pull requests, and returns the number of the first; nil: nobody does.
	Comment func(ctx context.Context, c Comment) (id int64, err error)
	Log     *slog.Logger
}

// who is the principal of an admitted run: it may publish its commit, and no release of anything.
func (a *API) who(r *http.Request, run pkgprnew.Admission) (auth.Principal, error) {
	who, err := a.Auth.OfRun(auth.Run{
		User: auth.StockUser, Packages: []string{"*"}, Repositories: []string{run.URL},
		RunLimits: auth.RunLimits{Proof: run.Proof, Refs: run.Refs},
	})
	if err == nil {
		httpkit.Audit(r, "", run.URL+"@"+run.HeadSHA, who.String()+" (run "+run.Proof.RunURL+")")
	}
	return who, err
}

// Means reports whether a request is one of this protocol. Its paths are also those of npm packages, which are asked
// for otherwise, and of the REST API, whose publishes have no headers like these.
func Means(r *http.Request) bool {
	switch path := httpkit.Path(r); r.Method {
	case http.MethodPost:
		return path == "/check" || path == "/multipart/create" || path == "/multipart/complete" || path == "/publish" && len(r.Header["Sb-Key"]) > 0
	case http.MethodPut:
		return path == "/multipart/upload"
	case http.MethodHead:
		rest, ok := strings.CutPrefix(path, "/~/")
		owner, repo, two := strings.Cut(rest, "/")
		return ok && two && owner != "" && repo != "" && !strings.Contains(repo, "/")
	}
	return false
}
