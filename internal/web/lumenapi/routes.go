package lumenapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Handler is the handler of everything below /lumen/.
func (a *API) Handler() http.Handler {
	kit, mux, byToken := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}, &httpkit.Mux{}
	read := func(method, path string, h httpkit.Handler) {
		byToken.Handle(method+" "+path, kit.Handle(a.Private(h)))
		mux.Handle(method+" "+path, kit.Handle(a.Readable(h)))
	}
	read("GET", "/lumen/index.json", a.index)
	read("GET", "/lumen/keys.json", a.keys)
	read("GET", "/lumen/checkpoint.json", a.checkpoint)
	read("GET", "/lumen/packages/{name}/index.json", a.packageIndex)
	read("GET", "/lumen/packages/{name}/{file}", a.metadata)
	read("GET", "/lumen/signatures/{name}/{file}", a.signature)
	read("GET", "/lumen/artifacts/sha256/{begin}/{file}", a.artifact)
	read("GET", "/lumen/files.ndjson", a.files)
	read("GET", "/lumen/v1/search", a.search)
	read("GET", "/lumen/v1/wares/{name}/owners", a.owners)
	read("GET", "/lumen/v1/keys", a.uploadKeys)
	read("GET", "/lumen/auth/whoami", a.whoami)
	mux.Handle("POST /lumen/auth/cert", kit.Write(a.certify))
	mux.Handle("PUT /lumen/wares", kit.Write(a.publish)) // of clients since 0.6
	mux.Handle("PUT /lumen/v1/wares", kit.Write(a.publish))
	mux.Handle("POST /lumen/v1/wares/{name}/owners", kit.Write(a.addOwner))
	mux.Handle("DELETE /lumen/v1/wares/{name}/owners/{user}", kit.Write(a.removeOwner))
	mux.Handle("PUT /lumen/v1/keys", kit.Write(a.registerKey))
	mux.Handle("DELETE /lumen/v1/keys/{key}", kit.Write(a.revokeKey))
	mux.Handle("PUT /lumen/artifacts/sha256/{begin}/{file}", kit.Write(a.stage))
	mux.Handle("PUT /lumen/packages/{name}/{file}", kit.Write(a.publishStaged))
	mux.Handle("POST /lumen/packages/{name}/{version}/yank", kit.Write(a.yank))
	mux.Handle("DELETE /lumen/packages/{name}/{version}/yank", kit.Write(a.unyank))
	return httpkit.PathTokens(oneBase(byToken), oneBase(mux))
}
