package httpkit

import (
	"net/http"
	"strings"
)

// Downloads counts what clients download.
type Downloads interface {
	// Count must not wait for anything.
	Count(kind, name, version, userAgent string)
}

// CountDownload counts the answer to a request for a tarball, once it has been given, if it is a download: 200 to a
// GET, the first of its ranges, or a link to the bytes. HEAD, 304 and other ranges are none. An empty kind, and no
// Downloads, count nothing.
func CountDownload(d Downloads, w http.ResponseWriter, r *http.Request, kind, name, version string) {
	if d == nil || kind == "" || r.Method != http.MethodGet {
		return
	}
	rec := recorderOf(w)
	if rec == nil {
		return
	}
	switch rec.status {
	case http.StatusOK, http.StatusFound:
	case http.StatusPartialContent:
		if !strings.HasPrefix(w.Header().Get("Content-Range"), "bytes 0-") {
			return
		}
	default:
		return
	}
	d.Count(kind, name, version, r.UserAgent())
}
