package webui

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	homeRecent = 8
	// slowList is how long the start waits for a list, which it can do without.
	slowList = 2 * time.Second
)

// homeView is what the start shows.
type homeView struct {
	BaseURL string
	Host    string // as .npmrc names the registry: without the scheme, with a slash at the end
	Name    string // of the host alone
	HTTP    bool   // clients have to be told that plain http is right
	Open    bool   // this machine needs no account
	Recent  []Found
	Top     []topList
}

// home is the page of the server itself. On an empty one it says how to begin.
func (u *UI) home(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), slowList)
	defer cancel()
	recent, err := u.Search.Recent(ctx, homeRecent)
	if err != nil {
		return err
	}
	_, host, _ := strings.Cut(u.BaseURL, "://")
	name := ""
	if parsed, err := url.Parse(u.BaseURL); err == nil {
		name = parsed.Hostname()
	}
	return u.render(w, r, http.StatusOK, "home", Page{Description: "Packages of " + u.Site, Data: homeView{
		BaseURL: u.BaseURL, Host: host + "/", Name: name, HTTP: !u.secure(), Open: u.session(r) == "" && !u.viewer(r).Anonymous(),
		Recent: recent, Top: u.top(ctx),
	}})
}
