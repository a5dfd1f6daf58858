// Package adminapi is the administration of a server, below /-/admin/: tokens,
// accounts, trust in CI runs, owners of repositories, signing keys, the import of versions and the move to other stores. It is what the subcommands
// of registry-server talk to, whether the server runs or not; docs/api.md
// describes every endpoint. All of it is for admins.
package adminapi

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/signing"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxText bounds a JSON body, in bytes.
const maxText = 64 << 10

// API answers the protocol.
type API struct {
	Auth         *auth.Service
	Trust        *trust.Service
	Packages     *packages.Service
	Lumen        *lumenpackages.Service
	Repositories Repositories
	Signing      *signing.Service
	Storage      Storage  // nil: it stays where it is
	Verifier     Verifier // nil: nothing is verified
	MaxPackage   int64    // bytes of a tarball
	// ControlToken, if given, is a secret of this run of the server: who shows it
	// on the same machine is the operator.
	ControlToken string
	Log          *slog.Logger
}

// Repositories answers for the owners of repositories (web/commitapi).
type Repositories interface {
	Owners(w http.ResponseWriter, r *http.Request) error
	AddOwner(w http.ResponseWriter, r *http.Request, who auth.Principal) error
	RemoveOwner(w http.ResponseWriter, r *http.Request, who auth.Principal) error
}

// handler is a handler of what an admin asks for.
type handler func(w http.ResponseWriter, r *http.Request, who auth.Principal) error

// admin makes a handler of one that only admins reach.
func (a *API) admin(h handler) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, err := a.principal(r)
		if err != nil {
			return err
		}
		httpkit.Audit(r, "", "", who.String())
		if !who.IsAdmin() {
			return refuse(who)
		}
		w.Header().Set("Cache-Control", "no-store")
		return h(w, r, who)
	}
}

func refuse(who auth.Principal) error {
	if err := who.MayUpload(); who.Anonymous() && err != nil {
		return err // it says how to get in
	}
	return fault.New(fault.Forbidden, "only an admin may administer this server; use its REGISTRY_TOKEN or a token with the permission admin")
}

func (a *API) principal(r *http.Request) (auth.Principal, error) {
	if a.isControl(r) {
		return auth.Operator(), nil
	}
	return a.Auth.Identify(r.Context(), access.Shown(r))
}

// sameMachine reports whether a request comes from where the server is, so that
// a copy of its data folder is no key to it. A server that listens on one address
// of its machine is called from that address, by that address.
func sameMachine(r *http.Request) bool {
	if httpkit.Local(r) {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || httpkit.Relayed(r) {
		return false
	}
	own := local.AddrPort().Addr().Unmap()
	host, err := netip.ParseAddrPort(r.Host)
	return err == nil && host.Addr().Unmap() == own && httpkit.Remote(r) == own
}

func (a *API) owners(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	return a.Repositories.Owners(w, r)
}
