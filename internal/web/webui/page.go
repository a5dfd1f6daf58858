package webui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/org/registry-action/internal/web/httpkit"
)

// maxBrief is what lists show of a description, in bytes.
const maxBrief = 200

//go:embed all:templates
var templateFiles embed.FS

// policy lets a page load our own files and nothing else, and run none but our scripts.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Page is what the layout shows around the content.
type Page struct {
	Title       string // of the window; the site's name is added
	Description string
	Query       string // in the search box
	Data        any    // of the content
	Secret      bool   // browsers must not keep it

	// These the UI fills in.
	Site, Version, User string
}

// parse reads the templates: layout.html and the fragments (_*.html), and each page over them.
func (u *UI) parse() map[string]*template.Template {
	shared := template.New("").Funcs(u.funcs())
	shared = template.Must(shared.ParseFS(templateFiles, "templates/layout.html"))
	fragments, err := fs.Glob(templateFiles, "templates/_*.html")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	if len(fragments) > 0 {
		shared = template.Must(shared.ParseFS(templateFiles, fragments...))
	}
	names, err := fs.Glob(templateFiles, "templates/[a-z]*.html")
	if err != nil {
		panic(err) // the same
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		if base := strings.TrimSuffix(path.Base(name), ".html"); base != "layout" {
			pages[base] = template.Must(template.Must(shared.Clone()).ParseFS(templateFiles, name))
		}
	}
	return pages
}

func (u *UI) funcs() template.FuncMap {
	return template.FuncMap{
		"base":    func() string { return u.base },
		"asset":   u.assetURL,
		"bytes":   formatBytes,
		"visible": visible,
		"brief":   func(text string) string { return visible(shorten(text, maxBrief)) },
		"day":     func(t time.Time) string { return t.UTC().Format("2006-01-02") },
	}
}

// render answers with a page. It is revalidated each time: what it shows can change at any moment.
func (u *UI) render(w http.ResponseWriter, r *http.Request, status int, name string, p Page) error {
	p.Site, p.Version, p.User = u.Site, u.Version, u.viewer(r).User()
	p.Title = strings.TrimPrefix(p.Title+" · "+u.Site, " · ")
	var b bytes.Buffer
	if err := u.pages[name].ExecuteTemplate(&b, "layout", p); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Vary", "Accept, Cookie")
	h.Del("Access-Control-Allow-Origin") // what a page shows depends on who looks
	h.Del("Access-Control-Expose-Headers")
	if status != http.StatusOK || p.Secret {
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = w.Write(b.Bytes()) // the client is gone if this fails
		return nil
	}
	sum := sha256.Sum256(b.Bytes())
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	h.Set("Cache-Control", httpkit.PrivateRevalidate)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b.Bytes()))
	return nil
}
