package httpkit

import (
	"log/slog"
	"net"
	"strings"
	"time"
)

// logAccess is on the way of every request, so it leaves out what slog.Logger
// does besides: the caller's position, and attributes as values of any.
func logAccess(h slog.Handler, rec *recorder) {
	r, now := rec.request, time.Now()
	remote, _, _ := net.SplitHostPort(r.RemoteAddr)
	line := slog.NewRecord(now, slog.LevelInfo, "request", 0)
	line.AddAttrs(slog.String("method", r.Method), slog.String("path", shownPath(r.URL.Path)), slog.Int("status", rec.status),
		slog.Int64("bytes", rec.bytes), slog.Duration("took", now.Sub(rec.began)), slog.String("remote", remote), slog.String(requestAttr, rec.scope.id))
	_ = h.Handle(r.Context(), line) // as slog.Logger does
}

// shownPath is a path as logs may show it: npm's logout names a token in it, Zig and
// Lumen can show one nowhere else, who ends one by DELETE /-/admin/tokens/{key} may take
// the secret for the key, and the id of a fork's claim is its claimant's.
func shownPath(path string) string {
	path = dropEmpty(path)
	if shown, ok := hideToken(path); ok {
		return shown
	}
	i := strings.Index(path, "/-/")
	if i < 0 {
		return short(path)
	}
	for _, mark := range []string{"/token/", "/admin/tokens/", "/ci/v1/claims/"} {
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
