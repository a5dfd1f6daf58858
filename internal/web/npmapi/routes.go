package npmapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Main returns the handler of the main registry, at the server's root.
func (a *API) Main() http.Handler { return a.newSite("") }

// Alias returns the handler of the main registry below /npm/, where no package's
// name meets another path of the server.
func (a *API) Alias() http.Handler { return a.newSite("/npm") }

// Previews returns the handler of every repository's preview registry, and of those of forks' pull requests, below /~/.
func (a *API) Previews() http.Handler {
	repositories, pulls := a.newSite(previewPrefix), a.newSite(pullPrefix)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pullRegistry.MatchString(httpkit.Path(r)) {
			pulls.ServeHTTP(w, r)
			return
		}
		repositories.ServeHTTP(w, r)
	})
}

func (s *site) routes() {
	kit := httpkit.Kit{Log: s.Log}
	open := func(method, path string, h httpkit.Handler) { s.mux.Handle(method+" "+s.prefix+path, kit.Handle(h)) }
	read := func(method, path string, h httpkit.Handler) { open(method, path, s.Readable(h)) }
	account := func(method, path string, h httpkit.Handler) { s.mux.Handle(method+" "+s.prefix+path, kit.Write(h)) }
	write := func(method, path string, h httpkit.Handler) { account(method, path, s.writable(h)) }
	exchange := func(method, path string, h httpkit.Handler) {
		s.mux.Handle(method+" "+s.prefix+path, httpkit.Kit{Log: s.Log, Errors: writeExchangeError}.Write(s.writable(h)))
	}

	if s.prefix != "" {
		read("GET", "", s.about)
	}
	read("GET", "/{name}", s.packument)
	read("GET", "/{name}/{version}", s.version)
	read("GET", "/{name}/-/{file}", s.tarball)
	read("GET", "/-/{unknown}", s.reserved)
	read("GET", "/-/package/{name}/dist-tags", s.tags)
	read("GET", "/-/v1/search", s.search)
	read("GET", "/-/npm/v1/attestations/{spec}", s.attestations)
	read("POST", "/-/npm/v1/security/advisories/bulk", s.advisories)
	read("POST", "/-/npm/v1/security/audits/quick", s.quickAudit)
	read("GET", "/-/all", s.all)
	open("GET", "/-/npm/v1/keys", s.keys)
	open("GET", "/-/ping", s.ping)

	write("PUT", "/{name}", s.put)
	write("PUT", "/{name}/-rev/{rev}", s.put)
	write("DELETE", "/{name}/-rev/{rev}", s.unpublishAll)
	write("DELETE", "/{name}/-/{file}/-rev/{rev}", s.unpublishFile)
	write("PUT", "/-/package/{name}/dist-tags/{tag}", s.tag)
	write("POST", "/-/package/{name}/dist-tags/{tag}", s.tag)
	write("DELETE", "/-/package/{name}/dist-tags/{tag}", s.untag)
	write("PUT", "/-/package/{name}/owners", s.addOwner)
	write("DELETE", "/-/package/{name}/owners/{user}", s.removeOwner)
	write("POST", "/-/package/{name}/access", s.setAccess)
	write("PUT", "/-/pnpr/v0/publish", s.putAll)
	write("PUT", "/-/pnpm/v1/publish", s.putAll)

	read("GET", "/-/package/{name}/access", s.access)
	read("GET", "/-/package/{name}/visibility", s.visibility)
	read("GET", "/-/package/{name}/collaborators", s.collaborators)
	read("GET", "/-/org/{scope}/user", s.members)
	write("PUT", "/-/org/{scope}/user", s.addMember)
	write("DELETE", "/-/org/{scope}/user", s.removeMember)
	read("GET", "/-/org/{scope}/package", s.ownedByScope)
	read("GET", "/-/user/{user}/package", s.ownedByUser)
	read("GET", "/-/_view/starredByUser", s.starredBy)
	read("GET", "/-/user/{user}/stars", s.starsOf)
	read("GET", "/-/user/v1/star", s.stars)
	write("PUT", "/-/user/v1/star", s.star)
	write("DELETE", "/-/user/package/{name}/star", s.unstar)

	write("POST", "/-/stage/package/{name}", s.stage)
	read("GET", "/-/stage", s.staged)
	read("GET", "/-/stage/{id}", s.stagedOne)
	read("GET", "/-/stage/{id}/tarball", s.stagedTarball)
	write("POST", "/-/stage/{id}/{verb}", s.approve)
	write("DELETE", "/-/stage/{id}", s.reject)

	open("GET", "/-/package/{name}/trust", s.trusted)
	write("POST", "/-/package/{name}/trust", s.trust)
	write("DELETE", "/-/package/{name}/trust/{id}", s.distrust)
	exchange("POST", "/-/npm/v1/oidc/token/exchange/package/{name}", s.exchange)

	account("PUT", "/-/user/{user}", s.couchLogin)
	account("PUT", "/-/user/{user}/-rev/{rev}", s.couchLogin)
	open("GET", "/-/user/{user}", s.user)
	account("DELETE", "/-/user/token/{token}", s.logout)
	open("POST", "/-/v1/login", s.beginLogin)
	open("GET", "/-/v1/done", s.pollLogin)
	open("GET", "/-/login/{id}", s.loginPage)
	account("POST", "/-/login/{id}", s.confirmLogin)
	open("GET", "/-/whoami", s.whoami)
	open("GET", "/-/npm/v1/tokens", s.tokens)
	account("POST", "/-/npm/v1/tokens", s.createToken)
	account("DELETE", "/-/npm/v1/tokens/token/{token}", s.revokeToken)
	open("GET", "/-/npm/v1/user", s.profile)
	account("POST", "/-/npm/v1/user", s.setProfile)
}
