package webui

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/stats"
)

const (
	homeRecent = 8
	homeTop    = 8
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
	Top     []downloaded
}

// downloaded is a package with its downloads.
type downloaded struct {
	Found
	Downloads int64
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
		Recent: recent, Top: u.top(ctx, r),
	}})
}

// top is what was downloaded most this month. A page without it is better than none.
func (u *UI) top(ctx context.Context, r *http.Request) []downloaded {
	ranked, err := u.Stats.Top(ctx, stats.Downloads(), stats.Month, homeTop)
	if err != nil {
		u.Log.WarnContext(r.Context(), "reading the most downloaded packages", "err", err)
		return nil
	}
	var all []downloaded
	for _, d := range ranked {
		kind := string(d.Kind)
		if d.Kind == stats.Commit { // counted by the package
			continue
		}
		all = append(all, downloaded{Found{Kind: kind, Name: d.Name}, d.Downloads})
	}
	return all
}
