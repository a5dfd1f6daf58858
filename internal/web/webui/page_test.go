package webui

import (
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
)

// Whatever is asked for, the answer is a page under the strict policy, below the path of the public URL.
func TestLayout(t *testing.T) {
	s := newAccountServer(t, func(c *Config, _ *auth.Options) { c.BaseURL = "https://packages.example/npm" })
	for path, status := range map[string]int{"/": http.StatusOK, "/-/web/assets/nothing.css": http.StatusNotFound} {
		w := s.send(http.MethodGet, path, nil)
		body := w.Body.String()
		if w.Code != status || w.Header().Get("Content-Security-Policy") != policy {
			t.Errorf("%s: status %d, policy %q", path, w.Code, w.Header().Get("Content-Security-Policy"))
		}
		if !strings.Contains(body, "<title>") || !strings.Contains(body, `href="/npm/-/web/assets/style.css?v=`) || strings.Contains(body, "<style") {
			t.Errorf("%s: %s", path, body)
		}
	}
}
