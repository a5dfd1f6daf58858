package webui

import (
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/web/httpkit"
)

// ownPrefix is of the addresses that only pages have.
const ownPrefix = "/-/web/"

const loginPath = ownPrefix + "login"

func (u *UI) routes() *httpkit.Mux {
	mux := &httpkit.Mux{}
	mux.Handle("GET /{$}", u.page(u.home))
	mux.Handle("GET /-/web/assets/{file}", u.kit().Handle(u.asset))
	mux.Handle("GET /search", u.page(u.search))
	mux.Handle("GET /-/web/suggest", httpkit.Kit{Log: u.Log}.Handle(u.identified(u.suggest)))
	mux.Handle("GET /-/web/login", u.public(u.login))
	mux.Handle("POST /-/web/login", u.write(u.signIn))
	mux.Handle("POST /-/web/logout", u.write(u.signOut))
	mux.Handle("GET /-/web/account", u.page(u.account))
	mux.Handle("POST /-/web/account/tokens", u.write(u.createToken))
	mux.Handle("POST /-/web/account/revoke", u.write(u.revokeToken))
	mux.Handle("POST /-/web/account/distrust", u.write(u.distrust))
	mux.Handle("GET /-/web/manage", u.page(u.manage))
	mux.Handle("POST /-/web/manage/{what}", u.write(u.change))
	mux.Handle("GET /-/web/admin", u.page(u.admin))
	mux.Handle("POST /-/web/admin/users", u.write(u.addUser))
	mux.Handle("POST /-/web/admin/users/remove", u.write(u.removeUser))
	mux.Handle("GET /-/web/{rest...}", u.public(u.nothing))
	u.packageRoutes(mux)
	mux.Handle("GET /commits/{sha}", u.page(u.commit))
	mux.Handle("GET /commits/{sha}/{name}", u.page(u.commitPackage))
	mux.Handle("GET /commits/{sha}/{name}/diff/{other}", u.page(u.commitDiff))
	u.handleArchive(mux, "/commits/{sha}/{name}", u.commitArchive)
	mux.Handle("GET /zig/packages/{name}", u.page(u.zig))
	mux.Handle("GET /zig/packages/{name}/{version}", u.page(u.zig))
	u.handleArchive(mux, "/zig/packages/{name}/{version}", u.zigArchive)
	mux.Handle("GET /lumen/packages/{name}", u.page(u.lumen))
	mux.Handle("GET /lumen/packages/{name}/{version}", u.page(u.lumen))
	u.handleArchive(mux, "/lumen/packages/{name}/{version}", u.lumenArchive)
	return mux
}

// packageRoutes are the pages of npm packages.
func (u *UI) packageRoutes(mux *httpkit.Mux) {
	mux.Handle("GET /packages/{name}", u.page(u.packageReadme))
	mux.Handle("GET /packages/{name}/versions", u.page(u.packageVersions))
	mux.Handle("GET /packages/{name}/{version}", u.page(u.packageReadme))
	mux.Handle("GET /packages/{name}/{version}/dependencies", u.page(u.packageDependencies))
	mux.Handle("GET /packages/{name}/{version}/files", u.page(u.packageFiles))
	mux.Handle("GET /packages/{name}/{version}/files/{path...}", u.page(u.packageFile))
	mux.Handle("GET /packages/{name}/{version}/diff/{other}", u.page(u.packageDiff))
	mux.Handle("GET /-/web/raw/packages/{name}/{version}/{path...}", u.page(u.packageRaw))
	mux.Handle("GET /-/web/compare/{name}", u.page(u.packageCompare))
}

func (u *UI) repositoryRoutes() *httpkit.Mux {
	mux := &httpkit.Mux{}
	mux.Handle("GET /{owner}/{repo}", u.page(u.repository))
	mux.Handle("GET /{owner}/{repo}/badge.svg", u.page(u.badge))
	mux.Handle("GET /{owner}/{repo}/pull/{ref}", u.page(u.pull))
	mux.Handle("GET /{owner}/{repo}/tree/{ref...}", u.page(u.tree))
	mux.Handle("GET /{owner}/{repo}/tag/{ref...}", u.page(u.tag))
	mux.Handle("GET /{owner}/{repo}/compare/{range...}", u.page(u.compareCommits))
	return mux
}

// others are the first parts of addresses that are no owner of a repository.
var others = []string{"-", "~", "analytics", "commits", "health", "lumen", "metrics", "npm", "packages", "publish", "ready", "search", "zig"}

// isRepository reports whether an address may be one of a repository: it has two parts, not the first of any other, and is not one
// of npm: a package's in a scope, or a tarball's.
func isRepository(path string) bool {
	owner, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return rest != "" && owner != "" && owner[0] != '@' && !strings.HasPrefix(rest, "-/") && !slices.Contains(others, owner)
}

// below are what the addresses of a repository's pages have behind it. No group's repository that is called so has pages.
var below = []string{"badge.svg", "compare", "pull", "tag", "tree"}

// grouped makes one part of the groups that a repository is in, so that the addresses of all repositories have one form:
// /group/sub/repo/tree/main is /group%2Fsub/repo/tree/main.
func grouped(path string) string {
	if strings.Count(path, "/") < 3 || strings.Contains(path, "/-/") { // of npm, most often
		return path
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	name := parts
	for i := 2; i < len(parts); i++ {
		if slices.Contains(below, parts[i]) {
			name = parts[:i]
			break
		}
	}
	if _, err := commits.ParseRepository(strings.Join(name, "/")); err != nil {
		return path
	}
	last := len(name) - 1
	return "/" + strings.Join(name[:last], "%2F") + "/" + strings.Join(parts[last:], "/")
}

// isBadge reports whether an address is the one of a badge, which browsers ask for as an image.
func isBadge(path string) bool {
	return isRepository(path) && strings.HasSuffix(path, "/badge.svg") && strings.Count(grouped(path), "/") == 3 && !strings.HasSuffix(path, "/-/badge.svg")
}

// isDocument reports whether an address is one of a document among those of pages.
func isDocument(path string) bool {
	return strings.HasPrefix(path, "/lumen/packages/") && strings.HasSuffix(path, ".json") && strings.Count(path, "/") == 4
}
