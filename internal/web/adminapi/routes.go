package adminapi

import (
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Handler is the handler of /-/admin/.
func (a *API) Handler() http.Handler {
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	read := func(h handler) http.Handler { return kit.Handle(a.admin(h)) }
	write := func(h handler) http.Handler { return kit.Write(a.admin(h)) }
	mux.Handle("GET /-/admin/tokens", read(a.tokens))
	mux.Handle("POST /-/admin/tokens", write(a.createToken))
	mux.Handle("DELETE /-/admin/tokens/{key}", write(a.revokeToken))
	mux.Handle("GET /-/admin/users", read(a.users))
	mux.Handle("POST /-/admin/users", write(a.addUser))
	mux.Handle("DELETE /-/admin/users/{user}", write(a.removeUser))
	mux.Handle("GET /-/admin/trust", read(a.trusts))
	mux.Handle("POST /-/admin/trust", write(a.addTrust))
	mux.Handle("DELETE /-/admin/trust/{id}", write(a.removeTrust))
	mux.Handle("GET /-/admin/repositories/owners", read(a.owners))
	mux.Handle("PUT /-/admin/repositories/owners/{user}", write(a.Repositories.AddOwner))
	mux.Handle("DELETE /-/admin/repositories/owners/{user}", write(a.Repositories.RemoveOwner))
	mux.Handle("GET /-/admin/keys", read(a.keys))
	mux.Handle("POST /-/admin/keys/rotate", write(a.rotateKey))
	mux.Handle("GET /-/admin/keys/lumen", read(a.lumenKeys))
	mux.Handle("POST /-/admin/keys/lumen/rotate", write(a.rotateLumenKey))
	mux.Handle("POST /-/admin/keys/lumen/{key}/revoke", write(a.revokeLumenKey))
	mux.Handle("GET /-/admin/import", read(a.present))
	mux.Handle("PUT /-/admin/import", write(a.importVersion))
	mux.Handle("GET /-/admin/import/lumen", read(a.presentLumen))
	mux.Handle("PUT /-/admin/import/lumen", write(a.importLumen))
	if a.Verifier != nil {
		mux.Handle("GET /-/admin/verification", kit.Handle(a.operator(a.verification)))
		mux.Handle("POST /-/admin/verification", kit.Write(a.operator(a.verify)))
		mux.Handle("DELETE /-/admin/verification", kit.Write(a.operator(a.stopVerification)))
	}
	if a.Storage != nil {
		mux.Handle("GET /-/admin/migration", kit.Handle(a.operator(a.migration)))
		mux.Handle("POST /-/admin/migration", kit.Write(a.operator(a.migrate)))
		mux.Handle("DELETE /-/admin/migration", kit.Write(a.operator(a.abandonMigration)))
		mux.Handle("POST /-/admin/snapshot", kit.Write(a.operator(a.snapshot)))
	}
	return mux
}
