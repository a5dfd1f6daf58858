package zigapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Handler is the handler of everything below /zig/.
func (a *API) Handler() http.Handler {
	kit, mux, byToken := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}, &httpkit.Mux{}
	read := func(method, path string, h httpkit.Handler) {
		byToken.Handle(method+" "+path, kit.Handle(a.Private(h)))
		mux.Handle(method+" "+path, kit.Handle(a.Readable(h)))
	}
	read("GET", "/zig/packages/{name}", a.pkg)
	read("GET", "/zig/packages/{name}/versions", a.versions)
	read("GET", "/zig/owners/{name}", a.owners)
	read("GET", "/zig/packages/{name}/{version}", a.version)
	read("GET", "/zig/packages/{name}/{version}/tarball", a.tarball)
	read("GET", "/zig/packages/{name}/{version}/{file}", a.file)
	read("GET", "/zig/hash/{hash}", a.hash)
	read("GET", "/zig/p/{file}", a.cached)
	read("GET", "/zig/search", a.search)
	read("GET", "/zig/gh/{owner}/{repo}", a.mirror)
	read("GET", "/zig/gh/{owner}/{repo}/{ref...}", a.mirror)
	read("GET", "/zig/mirror/{host}/{owner}/{repo}", a.mirror)
	read("GET", "/zig/mirror/{host}/{owner}/{repo}/{ref...}", a.mirror)
	mux.Handle("POST /zig/publish", kit.Write(a.publish))
	mux.Handle("PUT /zig/packages/{name}/{version}/yank", kit.Write(a.yank))
	mux.Handle("DELETE /zig/packages/{name}/{version}/yank", kit.Write(a.unyank))
	mux.Handle("PUT /zig/owners/{name}/{user}", kit.Write(a.addOwner))
	mux.Handle("DELETE /zig/owners/{name}/{user}", kit.Write(a.removeOwner))
	return httpkit.PathTokens(byToken, mux)
}
