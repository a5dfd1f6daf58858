package webui

import (
	"context"
	"net/http"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// trusted is a policy in a list.
type trusted struct {
	trust.Policy
	Removable bool // by who looks
}

// trusted lists the policies by which CI runs publish what somebody owns; for an admin all.
func (u *UI) trusted(ctx context.Context, who auth.Principal, owned []Found) ([]trusted, error) {
	if u.Trust == nil {
		return nil, nil
	}
	var names []string
	for _, f := range owned {
		if f.Kind == kindNPM {
			names = append(names, f.Name)
		}
	}
	all, err := u.Trust.For(ctx, who, names)
	if err != nil {
		return nil, err
	}
	var rows []trusted
	for _, p := range all[:min(len(all), maxShown)] {
		rows = append(rows, trusted{p, !p.FromFile && (who.IsAdmin() || p.User == who.User())})
	}
	return rows, nil
}

// distrust removes a policy.
func (u *UI) distrust(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "distrust", "", "")
	who, values, err := u.submitted(w, r)
	if err != nil {
		return err
	}
	httpkit.Audit(r, "", "policy "+values.Get("id"), "")
	if u.Trust == nil {
		return httpkit.NotFound(r)
	}
	err = u.Trust.Remove(r.Context(), who, values.Get("id"))
	if e, public := fault.Public(err); public {
		return u.showAccount(w, r, httpkit.Status(err), accountView{Error: e.Message})
	}
	if err != nil {
		return err
	}
	return u.done(w, r, accountPath, "untrust")
}
