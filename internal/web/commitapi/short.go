package commitapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/web/httpkit"
)

// shortURL is a parsed install URL.
type shortURL struct {
	repository string // "owner/repo", or empty
	name       string
	pointer    string // what stands behind "@"
	suffix     string // ".tgz" or empty
}

// parseShort reads [owner/repo/]name@pointer[.tgz]. The first "@" that does not
// begin a scope ends the name, so that a pointer may hold "/" and "@". Of
// owner/name@pointer the repository is called as the package, as pkg.pr.new has
// it. ok is false if path has not that form at all.
func parseShort(path string) (u shortURL, ok bool) {
	at := -1
	for i := 1; i < len(path); i++ {
		if path[i] == '@' && !beginsScope(path, i) {
			at = i
			break
		}
	}
	if at < 0 {
		return u, false
	}
	left := strings.Split(path[:at], "/")
	u.pointer, ok = strings.CutSuffix(path[at+1:], ".tgz")
	if ok {
		u.suffix = ".tgz"
	}
	u.name = left[len(left)-1]
	left = left[:len(left)-1]
	if n := len(left); n > 0 && strings.HasPrefix(strings.TrimPrefix(left[n-1], kind.Lumen.Prefix()), "@") {
		u.name = left[n-1] + "/" + u.name
		left = left[:n-1]
	}
	if len(left) == 1 && !strings.Contains(u.name, "/") {
		left = append(left, u.name)
	}
	u.repository = strings.Join(left, "/")
	return u, len(left) != 1
}

// beginsScope reports whether the "@" at an index begins a scope: of npm's in a segment, of Lumen's behind their prefix.
func beginsScope(path string, at int) bool {
	before := path[:at]
	return strings.HasSuffix(before, "/") || before == kind.Lumen.Prefix() || strings.HasSuffix(before, "/"+kind.Lumen.Prefix())
}

// short answers an install URL: by itself if it names a whole SHA, else by a
// redirect to the one that does.
func (a *API) short(w http.ResponseWriter, r *http.Request) error {
	u, ok := parseShort(r.PathValue("path"))
	if !ok {
		return httpkit.NotFound(r)
	}
	p, fixed, err := a.find(r, u)
	if err != nil {
		return err
	}
	tellKeys(w, p)
	if r.URL.Query().Has("resolve") {
		return httpkit.JSON(w, r, http.StatusOK, a.render(p))
	}
	if !fixed {
		return a.redirect(w, r, a.shortPath(u.repository, p)+u.suffix)
	}
	return a.serve(w, r, p)
}

// find returns the package that an install URL means; fixed says that it will never mean another.
func (a *API) find(r *http.Request, u shortURL) (p commits.Package, fixed bool, err error) {
	if u.repository == "" {
		p, err = a.Commits.Package(r.Context(), u.pointer, u.name)
		return p, strings.EqualFold(u.pointer, p.SHA), err
	}
	pointer, err := commits.ParsePointer(u.pointer)
	if err != nil {
		return p, false, err
	}
	sha, err := a.Commits.Point(r.Context(), u.repository, pointer)
	if err != nil {
		return p, false, err
	}
	p, err = a.Commits.Package(r.Context(), sha, u.name)
	if err == nil && !p.BelongsTo(u.repository) {
		err = fault.New(fault.NotFound, "%s of commit %s was not published by %s", u.name, sha, u.repository)
	}
	return p, len(pointer.Refs) == 0 && strings.EqualFold(u.pointer, p.SHA), err
}

// tellKeys says what was found in the headers of pkg.pr.new, by which tools learn the commit behind a ref.
func tellKeys(w http.ResponseWriter, p commits.Package) {
	if p.Repository.IsZero() {
		return
	}
	w.Header().Set("X-Commit-Key", strings.Replace(p.Repository.Base().Path, "/", ":", 1)+":"+p.SHA)
	w.Header().Set("X-Pkg-Name-Key", strings.ReplaceAll(p.Name, "/", ":"))
}

// escapeName makes a package name one path part that reads well: @a/b.
func escapeName(name string) string {
	return strings.ReplaceAll(url.PathEscape(name), "%2F", "/")
}
