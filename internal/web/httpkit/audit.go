package httpkit

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
)

// LevelAudit is above all others: what the log leaves out is not up to who is audited.
const LevelAudit = slog.LevelError + 4

type auditKey struct{}

// auditNote is what the handler of a write says of it.
type auditNote struct{ who, action, target string }

// Audit notes, for the audit line of a write, who does what to what. An empty
// text leaves what was noted before. None of them may hold a secret.
func Audit(r *http.Request, action, target, who string) {
	if n, ok := r.Context().Value(auditKey{}).(*auditNote); ok {
		n.action, n.target, n.who = cmp.Or(action, n.action), cmp.Or(target, n.target), cmp.Or(who, n.who)
	}
}

// Write makes a handler of a write, which leaves one audit line however it ends.
func (k Kit) Write(h Handler) http.Handler {
	next := k.Handle(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note := &auditNote{who: "anonymous", action: r.Method, target: shownPath(r.URL.Path)}
		rec := recorderOf(w)
		if rec == nil {
			rec = &recorder{ResponseWriter: w}
			r = rec.attach(r, false)
		}
		rec.note = note
		defer func() {
			k.Log.LogAttrs(r.Context(), LevelAudit, "audit", slog.String("who", note.who), slog.String("action", note.action),
				slog.String("target", short(note.target)), slog.String("remote", Remote(r).String()), slog.Int("status", cmp.Or(rec.status, http.StatusInternalServerError)),
				slog.String(requestAttr, rec.scope.id))
		}()
		next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), auditKey{}, note)))
	})
}
