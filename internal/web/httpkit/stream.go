package httpkit

import (
	"io"
	"mime"
	"net/http"
	"strconv"
)

// Stream sends bytes that come only once, as from another server: GET and HEAD,
// If-None-Match, no ranges. Of c, Reader is not used; Size is -1 if not known and
// ETag empty if not known. If src ends early the error cuts the connection, so
// that no client takes a part for the whole.
func Stream(w http.ResponseWriter, r *http.Request, src io.Reader, c Content) error {
	h := w.Header()
	h.Set("Cache-Control", c.Cache)
	if c.ETag != "" {
		h.Set("ETag", `"`+c.ETag+`"`)
		if Matches(r, c.ETag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	h.Set("Content-Type", c.ContentType)
	if c.Filename != "" {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": c.Filename}))
	}
	if c.Size >= 0 {
		h.Set("Content-Length", strconv.FormatInt(c.Size, 10))
	}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	n, err := io.Copy(w, src)
	if err == nil && c.Size >= 0 && n < c.Size {
		err = io.ErrUnexpectedEOF
	}
	return err
}
