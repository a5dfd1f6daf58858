package httpkit

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// Front is what every request passes on its way to the protocols, in one step:
// it finds out who the client is, bounds the time of a body that nobody reads,
// sets what every answer carries, writes the access log, tells the meter, and turns
// a panic into a 500. What it needs of an answer is made as that starts; see recorder.
type Front struct {
	Log     *slog.Logger
	Proxies Proxies // whose X-Forwarded-For is believed
	Meter   Meter   // nil: none
	Closed  bool    // to pages of other origins: they may read nothing, else everything that needs no token
}

// The headers that every answer carries, as they are in an http.Header.
var (
	noSniff       = []string{"nosniff"}
	anyOrigin     = []string{"*"}
	sameOriginCRP = []string{"same-origin"}
	exposed       = []string{"ETag, Content-Length, Content-Range, Content-Disposition, X-Request-Id"}
)

// Handler returns next behind the front.
func (f Front) Handler(next http.Handler) http.Handler {
	lines := f.Log.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		if rec.logged = lines.Enabled(r.Context(), slog.LevelInfo); rec.logged || f.Meter != nil {
			rec.began = time.Now()
		}
		r = rec.attach(r, f.Proxies.reveal(r))
		if f.Meter != nil {
			f.Meter.Begun()
		}
		defer f.end(rec)
		cutOff(w, r)
		rec.header[0] = rec.scope.id
		h := w.Header()
		h["X-Content-Type-Options"], h["X-Request-Id"] = noSniff, rec.header[:]
		if f.answerOrigin(rec, r) {
			next.ServeHTTP(rec, r)
		}
	})
}

// end comes after the handler, whether it has panicked or not.
func (f Front) end(rec *recorder) {
	p := recover()
	aborted := p == http.ErrAbortHandler
	if p != nil && !aborted {
		f.Log.ErrorContext(rec.request.Context(), "panic", requestAttr, rec.scope.id, "panic", p, "stack", string(debug.Stack()))
		if rec.status == 0 {
			WriteError(rec, rec.request, errPanic)
		}
	}
	if f.Meter != nil {
		f.Meter.Ended(rec.answered(aborted))
	}
	if aborted {
		panic(p)
	}
	if rec.logged {
		logAccess(f.Log.Handler(), rec)
	}
}

// answerOrigin tells a browser whose pages may read the answer, and reports
// whether there is more to answer than that.
func (f Front) answerOrigin(w http.ResponseWriter, r *http.Request) (more bool) {
	h := w.Header()
	if f.Closed {
		h["Cross-Origin-Resource-Policy"] = sameOriginCRP
		return true
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "*")
		h.Set("Access-Control-Max-Age", "86400")
	default:
		return true
	}
	h["Access-Control-Allow-Origin"] = anyOrigin
	if len(r.Header["Origin"]) > 0 { // who asks from another origin
		h["Access-Control-Expose-Headers"] = exposed
	}
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	return true
}

// protect keeps a browser from framing and running what it could render. Most
// answers are JSON and archives, which it can't.
func protect(h http.Header) {
	if ct := h["Content-Type"]; len(ct) == 0 || inert(ct[0]) {
		return
	}
	if len(h["Content-Security-Policy"]) == 0 {
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	}
	if len(h["Referrer-Policy"]) == 0 {
		h.Set("Referrer-Policy", "no-referrer")
	}
}

// inert reports whether no browser renders a media type, nor guesses another.
func inert(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	switch mediaType {
	case "application/json", "application/vnd.npm.install-v1+json", "application/octet-stream", "application/gzip":
		return true
	}
	return false
}
