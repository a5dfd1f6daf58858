package webui

import (
	"cmp"
	"net/http"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// failure is the content of an error's page.
type failure struct {
	Heading, Message, Request string
	Search                    string // may find what was meant
}

// fail answers an error as a page.
func (u *UI) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message, request := httpkit.Failure(w, err)
	if status == http.StatusUnauthorized && u.viewer(r).Anonymous() && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, u.signInURL(r), http.StatusSeeOther)
		return
	}
	f := failure{Heading: http.StatusText(status), Message: message, Request: request}
	if status == http.StatusNotFound {
		f.Heading, f.Search = "There is nothing here", cmp.Or(r.PathValue("name"), r.PathValue("repo"))
	}
	if u.render(w, r, status, "error", Page{Title: f.Heading, Data: f}) != nil {
		httpkit.WriteError(w, r, err)
	}
}

// nothing is the page of an address that has none.
func (u *UI) nothing(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.NotFound, "No page has this address.")
}
