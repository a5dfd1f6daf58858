package httpkit

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// identified is the context of a request that has an id.
type identified struct {
	context.Context
	id string
}

type requestIDKey struct{}

func (c *identified) Value(key any) any {
	if key == (requestIDKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// RequestID returns the id of the request, "" outside of one.
func RequestID(ctx context.Context) string {
	if c, ok := ctx.Value(requestIDKey{}).(*identified); ok {
		return c.id
	}
	return ""
}

// Identify gives every request an id, taken from X-Request-Id if a proxy set a
// clean one, and returns it in the same header.
func Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !cleanID(id) {
			id = newID()
		}
		w.Header()["X-Request-Id"] = []string{id}
		next.ServeHTTP(w, r.WithContext(&identified{r.Context(), id}))
	})
}

// newID makes an id: it tells requests apart and is no secret.
func newID() string {
	const digits = "0123456789abcdef"
	var id [16]byte
	n := rand.Uint64()
	for i := range id {
		id[i] = digits[n&15]
		n >>= 4
	}
	return string(id[:])
}

func cleanID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// Access writes a log line for every request, and turns a panic into a 500.
func Access(log *slog.Logger, next http.Handler) http.Handler {
	lines := log.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				log.ErrorContext(r.Context(), "panic", "request", RequestID(r.Context()), "panic", p, "stack", string(debug.Stack()))
				if rec.status == 0 {
					WriteError(rec, r, errPanic)
				}
			}
			logAccess(lines, r, rec, start)
		}()
		next.ServeHTTP(rec, r)
	})
}

// logAccess is on the way of every request, so it leaves out what slog.Logger
// does besides: the caller's position, and attributes as values of any.
func logAccess(h slog.Handler, r *http.Request, rec *recorder, start time.Time) {
	ctx := r.Context()
	if !h.Enabled(ctx, slog.LevelInfo) {
		return
	}
	now := time.Now()
	line := slog.NewRecord(now, slog.LevelInfo, "request", 0)
	line.AddAttrs(slog.String("method", r.Method), slog.String("path", shownPath(r.URL.Path)), slog.Int("status", rec.status),
		slog.Int64("bytes", rec.bytes), slog.Duration("took", now.Sub(start)), slog.String("request", RequestID(ctx)))
	_ = h.Handle(ctx, line) // as slog.Logger does
}

// shownPath is a path as logs may show it: npm's logout names a token in it, and
// who ends one by DELETE /-/admin/tokens/{key} may take the secret for the key.
func shownPath(path string) string {
	i := strings.Index(path, "/-/")
	if i < 0 {
		return short(path)
	}
	for _, mark := range []string{"/token/", "/admin/tokens/"} {
		if j := strings.Index(path[i:], mark); j >= 0 {
			return short(path[:i+j+len(mark)] + "…")
		}
	}
	return short(path)
}

// maxShown bounds what a log line has of a client's text, in bytes.
const maxShown = 1000

// short is the beginning of a text that a client may have made long.
func short(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + "…"
}

// Headers sets what every answer carries: nothing we serve may be sniffed, and
// everything that can be read may be read from any origin. What a browser could
// render is besides kept from being framed or run, as the answer starts; see protect.
func Headers(next http.Handler) http.Handler {
	noSniff, origin := []string{"nosniff"}, []string{"*"}
	exposed := []string{"ETag, Content-Length, Content-Range, Content-Disposition, X-Request-Id"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = noSniff
		if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
			h["Access-Control-Allow-Origin"] = origin
			if len(r.Header["Origin"]) > 0 { // who asks from another origin
				h["Access-Control-Expose-Headers"] = exposed
			}
		}
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, HEAD")
			h.Set("Access-Control-Allow-Headers", "*")
			h.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
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
