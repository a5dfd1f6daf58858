package webui

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/web/changeset"
	"github.com/org/registry-action/internal/web/httpkit"
)

// titled is an archive with what its package is called.
type titled struct {
	archive
	Title string
}

// archivePage is the content of the page of an archive's files, or of one of them.
type archivePage struct {
	Title, Home string
	Path        string // of the file
	Files       *fileList
	Source      *sourceView
}

// finder reads which archive a page is about.
type finder func(r *http.Request) (titled, error)

// handleArchive adds the pages of the files of archives below a pattern.
func (u *UI) handleArchive(mux *httpkit.Mux, home string, find finder) {
	mux.Handle("GET "+home+"/files", u.page(u.filesOf(find)))
	mux.Handle("GET "+home+"/files/{path...}", u.page(u.fileOf(find)))
	mux.Handle("GET "+rawPrefix+home+"/{path...}", u.page(u.rawOf(find)))
}

func (u *UI) filesOf(find finder) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := find(r)
		if err != nil {
			return err
		}
		list, err := u.listFiles(r, a.archive)
		if err != nil {
			return err
		}
		return u.render(w, r, http.StatusOK, "archive", Page{Title: "Files of " + a.Title, Data: archivePage{Title: a.Title, Home: a.Home, Files: list}})
	}
}

func (u *UI) fileOf(find finder) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := find(r)
		if err != nil {
			return err
		}
		path := r.PathValue("path")
		source, err := u.showSource(r, a.archive, path)
		if err != nil {
			return err
		}
		return u.render(w, r, http.StatusOK, "archive", Page{Title: path + " of " + a.Title, Data: archivePage{Title: a.Title, Home: a.Home, Path: path, Source: source}})
	}
}

func (u *UI) rawOf(find finder) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := find(r)
		if err != nil {
			return err
		}
		return u.raw(w, r, a.archive, r.PathValue("path"))
	}
}

// commitArchive finds the archive of a package of a commit.
func (u *UI) commitArchive(r *http.Request) (titled, error) {
	p, err := u.Commits.Package(r.Context(), r.PathValue("sha"), r.PathValue("name"))
	return titled{u.archiveOf(p), shownName(p) + " of commit " + shortSHA(p.SHA)}, err
}

// archiveOf is the archive of a package of a commit.
func (u *UI) archiveOf(p commits.Package) archive {
	return archive{Source: u.commitSource(p), Home: packagePath(p)}
}

// commitSource reads a package of a commit.
func (u *UI) commitSource(p commits.Package) files.Source { return changeset.Source(u.Commits, p) }

// zigArchive finds the archive of a version of a Zig package.
func (u *UI) zigArchive(r *http.Request) (titled, error) {
	v, err := u.Zig.Version(r.Context(), r.PathValue("name"), r.PathValue("version"))
	return titled{u.archiveOfZig(v), v.Name + " " + v.Version}, err
}

func (u *UI) archiveOfZig(v zigpackages.Version) archive {
	open := func(ctx context.Context) (io.ReadCloser, error) { return u.Zig.Open(ctx, v) }
	return archive{files.Source{ID: v.Artifact.SHA256.Hex(), Top: true, Open: open}, zigPath(v.Name) + "/" + url.PathEscape(v.Version)}
}

// lumenArchive finds the archive of a version of a Lumen package.
func (u *UI) lumenArchive(r *http.Request) (titled, error) {
	_, m, err := u.readLumen(r)
	if err != nil {
		return titled{}, err
	}
	a, ok := u.archiveOfLumen(m)
	if !ok {
		return titled{}, fault.New(fault.NotFound, "%s %s has no archive that can be looked into", m.Name, m.Version)
	}
	return titled{a, m.Name + " " + m.Version}, nil
}

// archiveOfLumen is the plain tar of a version.
func (u *UI) archiveOfLumen(m lumen.Metadata) (a archive, ok bool) {
	if len(m.Artifacts) == 0 {
		return archive{}, false
	}
	d, err := digest.Parse(m.Artifacts[0].Hash)
	if err != nil {
		return archive{}, false
	}
	open := func(ctx context.Context) (io.ReadCloser, error) { return u.Lumen.Artifact(ctx, d) }
	return archive{changeset.Flat(d, open), lumenPath(m.Name) + "/" + url.PathEscape(m.Version)}, true
}

// tryReadme is readmeOf for a page that can do without.
func (u *UI) tryReadme(ctx context.Context, a archive) readmeView {
	v, err := u.readmeOf(ctx, a)
	if err != nil && ctx.Err() == nil {
		u.Log.WarnContext(ctx, "reading the README of a package", "page", a.Home, "err", err)
		return readmeView{}
	}
	return v
}
