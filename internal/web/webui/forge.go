package webui

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
)

// forge is where a hosting service has the things of a repository, below its address.
type forge struct{ commit, pr, branch, tag string }

// forges are the services that pages link to. Whatever another host serves, it is not linked.
var forges = map[string]forge{
	"github.com":    {"/commit/", "/pull/", "/tree/", "/releases/tag/"},
	"gitlab.com":    {"/-/commit/", "/-/merge_requests/", "/-/tree/", "/-/tags/"},
	"codeberg.org":  {"/commit/", "/pulls/", "/src/branch/", "/src/tag/"},
	"bitbucket.org": {"/commits/", "/pull-requests/", "/branch/", "/commits/tag/"},
}

// forgeURL is the address of a repository at its forge, or of something in it; "" if the forge is not known.
func forgeURL(repo commits.Repository, of func(forge) string, name string) string {
	repo = repo.Base()
	f, known := forges[repo.Host]
	if !known {
		return ""
	}
	if of == nil {
		return repo.String()
	}
	return repo.String() + of(f) + escapePath(name)
}

func forgeCommit(f forge) string { return f.commit }

// forgeRef is where a forge has refs of a kind.
func forgeRef(kind commits.RefKind) func(forge) string {
	return func(f forge) string {
		switch kind {
		case commits.PR:
			return f.pr
		case commits.Tag:
			return f.tag
		}
		return f.branch
	}
}

// escapePath escapes what a path may not have as it is; its slashes stay.
func escapePath(path string) string { return strings.ReplaceAll(url.PathEscape(path), "%2F", "/") }

// repositoryPath is the page of a repository.
func repositoryPath(path string) string { return "/" + escapePath(path) }

// refPath is the page of a ref.
func refPath(repository string, ref commits.Ref) string {
	below := map[commits.RefKind]string{commits.PR: "/pull/", commits.Branch: "/tree/", commits.Tag: "/tag/"}
	return repositoryPath(repository) + below[ref.Kind] + escapePath(ref.Name)
}

// comparePath is the page that compares two commits of a repository.
func comparePath(repository, from, to string) string {
	return repositoryPath(repository) + "/compare/" + from + "..." + to
}

// hasPages reports whether a repository's path is one that pages can have.
func hasPages(repository string) bool {
	path := "/" + repository
	return isRepository(path) && strings.Count(grouped(path), "/") == 2
}

// refTitle is what people call a ref.
func refTitle(ref commits.Ref) string {
	switch ref.Kind {
	case commits.PR:
		return "Pull request #" + ref.Name
	case commits.Tag:
		return "Tag " + ref.Name
	}
	return "Branch " + ref.Name
}

// shortSHA is a commit as people write it.
func shortSHA(sha string) string { return fmt.Sprintf("%.7s", sha) }
