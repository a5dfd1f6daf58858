package webui

import (
	"context"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// archive is a stored archive and the page it belongs to, of whatever kind.
type archive struct {
	files.Source
	Home string // the path of its page, "/packages/a/1.0.0"; its files have pages below Home + "/files/"
}

// rawPrefix begins the address of a file's bytes. It is not that of a page, which is answered by what a browser prefers.
const rawPrefix = ownPrefix + "raw"

func (a archive) fileURL(path string) string { return a.Home + "/files/" + escapePath(path) }

func (a archive) rawURL(path string) string { return rawPrefix + a.Home + "/" + escapePath(path) }

// imageTypes are what the pages show as images.
var imageTypes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif", ".svg": "image/svg+xml",
}

func imageType(name string) string { return imageTypes[strings.ToLower(path.Ext(name))] }

// rawPolicy keeps a file that somebody opens by itself from doing anything: it is data, whatever it says it is.
const rawPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

// raw answers with the bytes of a file: an image to be shown, all else to be saved.
func (u *UI) raw(w http.ResponseWriter, r *http.Request, a archive, name string) error {
	l, err := u.Files.List(r.Context(), a.Source)
	if err != nil {
		return err
	}
	f, ok := l.Find(name)
	if !ok || f.Link != "" {
		return noSuchFile(name)
	}
	kind := imageType(f.Path)
	content := httpkit.Content{Size: f.Size, ETag: f.SHA256.Hex(), ContentType: kind, Cache: httpkit.PrivateRevalidate}
	if kind == "" {
		content.ContentType, content.Filename = "application/octet-stream", path.Base(f.Path)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", rawPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Del("Access-Control-Allow-Origin")
	return u.sendFile(w, r, a, f, content)
}

// noSuchFile says that an archive has no such file.
func noSuchFile(name string) error {
	return fault.New(fault.NotFound, "there is no file %.300q in the package", name).WithCode("no_such_file")
}

// sendFile streams a file out of its archive.
func (u *UI) sendFile(w http.ResponseWriter, r *http.Request, a archive, f files.File, c httpkit.Content) error {
	ctx, cancel := context.WithCancel(r.Context())
	in, out := io.Pipe()
	done := make(chan struct{})
	go func() { // ended by cancel and in.Close
		defer close(done)
		out.CloseWithError(u.Files.Copy(ctx, a.Source, f, out))
	}()
	defer func() {
		cancel()
		_ = in.Close() // it can't fail
		<-done
	}()
	return httpkit.Stream(w, r, in, c)
}
