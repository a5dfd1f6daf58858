package webui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"time"

	"github.com/org/registry-action/internal/web/httpkit"
)

//go:embed assets
var assetFiles embed.FS

// asset is a file that pages refer to. Its address has a digest of it, so that it never changes.
type asset struct {
	text        []byte
	digest      string
	contentType string
}

var assetTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// readAssets reads the files that are built in, by name.
func readAssets() map[string]asset {
	all := map[string]asset{}
	names, err := fs.Glob(assetFiles, "assets/*")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		text, err := assetFiles.ReadFile(name)
		if err != nil {
			panic(err) // it is built in
		}
		sum := sha256.Sum256(text)
		all[path.Base(name)] = asset{text, hex.EncodeToString(sum[:6]), assetTypes[path.Ext(name)]}
	}
	return all
}

// assetURL is the address of an asset.
func (u *UI) assetURL(name string) string {
	return u.base + ownPrefix + "assets/" + name + "?v=" + u.assets[name].digest
}

// Stylesheet is the address of the pages' style, for a page that another package serves.
func (u *UI) Stylesheet() string { return u.assetURL("style.css") }

// asset serves one.
func (u *UI) asset(w http.ResponseWriter, r *http.Request) error {
	a, ok := u.assets[r.PathValue("file")]
	if !ok {
		return httpkit.NotFound(r)
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", `"`+a.digest+`"`)
	h.Set("Cache-Control", httpkit.Revalidate)
	if r.URL.Query().Get("v") == a.digest {
		h.Set("Cache-Control", httpkit.Immutable)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.text))
	return nil
}
