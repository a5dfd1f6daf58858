package httpkit

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// Stream sends bytes that come only once, as from another server: GET and HEAD,
// If-None-Match, no ranges. Of c, Reader is not used; Size is -1 if not known and
// ETag empty if not known. What fails before the first byte is answered as an error;
// if src ends early later, the error cuts the connection, so that no client takes
// a part for the whole.
func Stream(w http.ResponseWriter, r *http.Request, src io.Reader, c Content) error {
	unchanged := c.ETag != "" && Matches(r, c.ETag)
	var first []byte
	if !unchanged && r.Method != http.MethodHead {
		first = make([]byte, 4<<10)
		n, err := io.ReadAtLeast(src, first, 1)
		if err != nil && err != io.EOF {
			return err
		}
		first = first[:n]
	}
	h := w.Header()
	h.Set("Cache-Control", c.Cache)
	if c.ETag != "" {
		h.Set("ETag", `"`+c.ETag+`"`)
	}
	if unchanged {
		w.WriteHeader(http.StatusNotModified)
		return nil
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
	var to io.Writer = w
	if c.Size < 0 {
		to = &livelyWriter{w, http.NewResponseController(w)}
	}
	n, err := io.Copy(to, io.MultiReader(bytes.NewReader(first), src))
	if err == nil && c.Size >= 0 && n < c.Size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// livelyWriter gives each write a deadline of its own: what has no known length
// has no time in which all of it must be taken.
type livelyWriter struct {
	io.Writer
	control *http.ResponseController
}

func (l *livelyWriter) Write(p []byte) (int, error) {
	_ = l.control.SetWriteDeadline(time.Now().Add(2 * stall)) // not every connection has deadlines
	return l.Writer.Write(p)
}
