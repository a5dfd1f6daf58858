package httpkit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// Handler is a handler that returns what went wrong.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Kit makes http.Handlers of Handlers and logs what fails. Request errors are
// logged here and nowhere else.
type Kit struct {
	Log *slog.Logger
	// Errors answers an error; nil: WriteError does.
	Errors func(w http.ResponseWriter, r *http.Request, err error)
}

// Handle answers h's error, if any.
func (k Kit) Handle(h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		k.log(w, r, err)
		if started(w) {
			panic(http.ErrAbortHandler) // too late for a status: cut the connection, so that the client knows
		}
		if k.Errors != nil {
			k.Errors(w, r, err)
			return
		}
		WriteError(w, r, err)
	})
}

func (k Kit) log(w http.ResponseWriter, r *http.Request, err error) {
	level, status := slog.LevelInfo, Status(err)
	switch {
	case r.Context().Err() != nil || started(w) && hungUp(err):
		level = slog.LevelDebug // the client went away
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	k.Log.Log(r.Context(), level, "request refused", "status", status, "method", r.Method, "path", shownPath(r.URL.Path), requestAttr, requestID(w), "err", err)
}

// hungUp reports whether an error of writing an answer is the client's doing. What
// is wrong with the source of the answer is public.
func hungUp(err error) bool {
	_, ours := fault.Public(err)
	return !ours && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, os.ErrDeadlineExceeded))
}

// JSON answers v. A read is refused if the client does not accept JSON; a write
// has happened already. A 200 to GET or HEAD carries an ETag and is revalidated
// each time, unless the handler has set another Cache-Control.
func JSON(w http.ResponseWriter, r *http.Request, status int, v any) error {
	if status != http.StatusOK || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		writeJSON(w, status, v)
		return nil
	}
	if err := accepts(r, "application/json"); err != nil {
		return err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	sum := sha256.Sum256(b)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", Revalidate)
	}
	w.Header().Set("Content-Type", jsonType)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	return nil
}
