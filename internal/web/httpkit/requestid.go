package httpkit

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
)

// requestID is the id of the request that is answered, "" if nothing stands
// before its handler.
func requestID(w http.ResponseWriter) string {
	if rec := recorderOf(w); rec != nil {
		return rec.scope.id
	}
	return ""
}

// requestIDOf is what a trusted proxy has set as X-Request-Id if it is clean, else made:
// of anybody else it could make two requests look like one in the log.
func requestIDOf(r *http.Request, trusted bool) string {
	if trusted {
		if given := r.Header["X-Request-Id"]; len(given) == 1 && cleanID(given[0]) {
			return given[0]
		}
	}
	return newID()
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

// scope is the context of a request, by which the lines that are logged for it find its id.
type scope struct {
	context.Context
	id string
}

type scopeKey struct{}

// Value returns the scope itself for its key.
func (s *scope) Value(key any) any {
	if key == (scopeKey{}) {
		return s
	}
	return s.Context.Value(key)
}

// requestAttr is the name of a request's id in the log.
const requestAttr = "request"

// LogRequests returns a handler that gives every line which is logged with a request's
// context, by whatever package, the request's id.
func LogRequests(h slog.Handler) slog.Handler { return requestLines{h} }

type requestLines struct{ slog.Handler }

// Handle adds the id to a line that lacks it.
func (l requestLines) Handle(ctx context.Context, line slog.Record) error {
	if s, ok := ctx.Value(scopeKey{}).(*scope); ok && !names(line) {
		line = line.Clone()
		line.AddAttrs(slog.String(requestAttr, s.id))
	}
	return l.Handler.Handle(ctx, line)
}

// names reports whether a line names its request.
func names(line slog.Record) (found bool) {
	line.Attrs(func(a slog.Attr) bool {
		found = a.Key == requestAttr
		return !found
	})
	return found
}

// WithAttrs keeps the id in lines of derived loggers.
func (l requestLines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLines{l.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the id in lines of derived loggers.
func (l requestLines) WithGroup(name string) slog.Handler {
	return requestLines{l.Handler.WithGroup(name)}
}
