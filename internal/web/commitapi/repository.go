package commitapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/web/httpkit"
)

// Repositories returns the handler of /{owner}/{repo}, where npm has versions of packages: what is no repository is
// next's, and so is whatever npm's clients ask for.
func (a *API) Repositories(next http.Handler) http.Handler {
	kit := httpkit.Kit{Log: a.Log}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := repositoryPath(r)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		from, _ := strconv.Atoi(r.URL.Query().Get("from")) // what is no number is the beginning
		o, err := a.Commits.Overview(r.Context(), path, from)
		if errors.Is(err, fault.NotFound) {
			next.ServeHTTP(w, r)
			return
		}
		kit.Handle(a.Readable(func(w http.ResponseWriter, r *http.Request) error {
			if err != nil {
				return err
			}
			return httpkit.JSON(w, r, http.StatusOK, a.overview(o))
		})).ServeHTTP(w, r)
	})
}

// repositoryPath is the path of the repository that a request may be about.
func repositoryPath(r *http.Request) (string, bool) {
	path := strings.Trim(httpkit.Path(r), "/")
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 || strings.Contains(path, "/-/") || r.Method != http.MethodGet && r.Method != http.MethodHead ||
		strings.Contains(r.Header.Get("Accept"), "application/vnd.npm.") {
		return "", false
	}
	if _, err := commits.ParseRepository(path); err != nil {
		return "", false
	}
	_, err := semver.Parse(path[slash+1:])
	return path, err != nil
}

// overview is what a repository has here.
type overview struct {
	Repository      string         `json:"repository"`
	Owners          []string       `json:"owners"`
	PreviewRegistry string         `json:"previewRegistry"`
	Refs            []placed       `json:"refs"`
	Commits         []listedCommit `json:"commits"`
	Total           int            `json:"total"` // commits
}

// placed is a ref.
type placed struct {
	Kind      commits.RefKind `json:"kind"`
	Name      string          `json:"name"`
	DistTag   string          `json:"distTag"`
	SHA       string          `json:"sha"`
	MovedAt   time.Time       `json:"movedAt"`
	ExpiresAt time.Time       `json:"expiresAt"`
}

// listedCommit is a commit of a repository, with the names of its packages.
type listedCommit struct {
	SHA         string    `json:"sha"`
	PublishedAt time.Time `json:"publishedAt"`
	ExpiresAt   time.Time `json:"expiresAt"`
	Packages    []string  `json:"packages"`
}

func (a *API) overview(o commits.Overview) overview {
	path := o.Repository.Path
	out := overview{
		Repository: o.Repository.String(), Owners: append([]string{}, o.Owners...), PreviewRegistry: a.BaseURL + npm.PreviewPath(path) + "/",
		Refs: []placed{}, Commits: []listedCommit{}, Total: o.Total,
	}
	for _, kind := range []commits.RefKind{commits.Branch, commits.PR, commits.Tag} {
		for _, ref := range o.Refs[kind] {
			out.Refs = append(out.Refs, placed{ref.Kind, ref.Name, npm.PreviewTag(string(ref.Kind), ref.Name), ref.SHA, ref.MovedAt, ref.ExpiresAt})
		}
	}
	for _, c := range o.Commits {
		out.Commits = append(out.Commits, listedCommit{c.SHA, c.PublishedAt, c.ExpiresAt, append([]string{}, c.Packages...)})
	}
	return out
}
