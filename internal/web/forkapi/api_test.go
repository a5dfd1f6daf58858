package forkapi

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// unread is a body that nobody should read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, errors.New("read")
}

// A stranger's webhook is refused before its body is read, if it can't be signed.
func TestUnsignedWebhooksAreNotRead(t *testing.T) {
	a := &API{Secret: "secret", Log: slog.New(slog.DiscardHandler)}
	for _, signature := range []string{"", "sha256=", "sha256=aa", "sha1=" + strings.Repeat("a", 40), strings.Repeat("a", 64), "sha256=" + strings.Repeat("x", 64), "sha256=" + strings.Repeat("a", 66)} {
		r := httptest.NewRequest(http.MethodPost, "/-/ci/v1/webhook", unread{t})
		r.Header.Set("X-Hub-Signature-256", signature)
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%q: %d %s", signature, w.Code, w.Body)
		}
	}
}
