package httpkit

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

// serve sends a request through the handlers that stand before every protocol.
func serve(h http.Handler, r *http.Request) (*httptest.ResponseRecorder, string) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, nil))
	w := httptest.NewRecorder()
	Front{Log: log}.Handler(ScopedNames(h)).ServeHTTP(w, r)
	return w, b.String()
}

func TestAccessLine(t *testing.T) {
	teapot := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "tea")
	})
	w, log := serve(teapot, httptest.NewRequest("GET", "/a", nil))
	want := "msg=request method=GET path=/a status=418 bytes=3 took="
	if end := "remote=192.0.2.1 request=" + w.Header().Get("X-Request-Id") + "\n"; !strings.Contains(log, want) || !strings.HasSuffix(log, end) {
		t.Errorf("the log is %q, want %s… %s", log, want, end)
	}
}

func TestPanicIsInternalError(t *testing.T) {
	w, log := serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") }), httptest.NewRequest("GET", "/", nil))
	if w.Code != 500 || strings.Contains(w.Body.String(), "oops") || !strings.Contains(log, "oops") || !strings.Contains(log, "status=500") {
		t.Errorf("answer %d %s, log %s", w.Code, w.Body, log)
	}
}

func TestShownPath(t *testing.T) {
	for path, want := range map[string]string{
		"/a":                                 "/a",
		"/-/user/token/secret":               "/-/user/token/…",
		"/npm/-/user/token/secret":           "/npm/-/user/token/…",
		"/~/o/r/-/npm/v1/tokens/token/s/e/c": "/~/o/r/-/npm/v1/tokens/token/…",
		"/token/-/token-1.0.0.tgz":           "/token/-/token-1.0.0.tgz",
		"/-/user/token/":                     "/-/user/token/…",
		"/-//user//token//secret":            "/-/user/token/…",
		"//-/admin//tokens/secret":           "/-/admin/tokens/…",
		"/zig/t/secret/packages/a":           "/zig/t/…",
		"//zig//t//secret":                   "/zig/t/…",
		"/lumen/t/secret/index.json":         "/lumen/t/…",
		"/lumen//api/v1/t/secret/index.json": "/lumen/api/v1/t/…",
	} {
		if got := shownPath(path); got != want {
			t.Errorf("shownPath(%s) = %s, want %s", path, got, want)
		}
	}
}

// A secret in a path is in no line of the log and in no answer.
// A client decides neither how long our log lines are, nor where they end.
func TestLogLinesAreBounded(t *testing.T) {
	kit := Kit{Log: slog.New(slog.DiscardHandler)}
	for name, text := range map[string]string{"long": strings.Repeat("é", 100_000), "of two lines": "x\ntime=now level=INFO msg=audit who=admin"} {
		var audited bytes.Buffer
		kit.Log = slog.New(slog.NewTextHandler(&audited, nil))
		r := httptest.NewRequest("PUT", "/x", nil)
		r.URL.Path = "/" + text
		_, log := serve(kit.Write(func(_ http.ResponseWriter, r *http.Request) error {
			Audit(r, "owner", text, "")
			return NotFound(r)
		}), r)
		for _, lines := range []string{log, audited.String()} {
			for line := range strings.Lines(lines) {
				if len(line) > 3*maxShown || !strings.HasPrefix(line, "time=20") {
					t.Errorf("a text that is %s made the line %.200q of %d bytes", name, line, len(line))
				}
			}
		}
	}
}

func TestSecretPaths(t *testing.T) {
	var b bytes.Buffer
	kit, mux := Kit{Log: slog.New(slog.NewTextHandler(&b, nil))}, &Mux{}
	refuse := func(http.ResponseWriter, *http.Request) error { return fault.New(fault.Forbidden, "no") }
	mux.Handle("DELETE /-/user/token/{token}", kit.Write(refuse))
	for _, method := range []string{"DELETE", "GET"} {
		w, log := serve(mux, httptest.NewRequest(method, "/-/user/token/s3cret", nil))
		if strings.Contains(log+b.String()+w.Body.String(), "s3cret") {
			t.Errorf("%s: answer %s, log %s%s", method, w.Body, log, &b)
		}
	}
}

func TestWriteLeavesAuditLine(t *testing.T) {
	for name, tc := range map[string]struct {
		h    Handler
		want string
	}{
		"noted": {func(w http.ResponseWriter, r *http.Request) error {
			Audit(r, "publish", "a", "")
			Audit(r, "", "", "alice (token 12)")
			Audit(r, "", "a@1.0.0", "")
			return JSON(w, r, http.StatusCreated, "ok")
		}, `who="alice (token 12)" action=publish target=a@1.0.0 remote=192.0.2.1 status=201`},
		"refused":        {func(http.ResponseWriter, *http.Request) error { return fault.New(fault.Forbidden, "no") }, "who=anonymous action=PUT target=/a remote=192.0.2.1 status=403"},
		"internal error": {func(http.ResponseWriter, *http.Request) error { return errors.New("disk") }, "status=500"},
		"panic":          {func(http.ResponseWriter, *http.Request) error { panic("oops") }, "who=anonymous action=PUT target=/a remote=192.0.2.1 status=500"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			kit := Kit{Log: slog.New(slog.NewTextHandler(&b, nil))}
			serve(kit.Write(tc.h), httptest.NewRequest("PUT", "/a", nil))
			if n := strings.Count(b.String(), "msg=audit"); n != 1 || !strings.Contains(b.String(), tc.want) || !strings.Contains(b.String(), "request=") {
				t.Errorf("the log has %d audit lines, want one with %s:\n%s", n, tc.want, &b)
			}
		})
	}
	Audit(httptest.NewRequest("GET", "/", nil), "read", "a", "alice") // of no write: nothing happens
}

func TestMux(t *testing.T) {
	mux := &Mux{}
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("name")) })
	mux.Handle("GET /{name}", ok)
	mux.Handle("PUT /{name}", ok)
	for _, tt := range []struct {
		request string
		status  int
		allow   string
	}{{"GET /a", 200, ""}, {"HEAD /a", 200, ""}, {"POST /a", 405, "GET, HEAD, PUT"}, {"GET /a/b", 404, ""}, {"GET /", 404, ""},
		{"GET /a/../b", 404, ""}, {"GET /./a", 404, ""}, {"GET /..", 404, ""}, {"POST //evil.example/..", 404, ""}, {"GET //a", 404, ""}} {
		method, path, _ := strings.Cut(tt.request, " ")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, "http://x"+path, nil))
		if w.Code != tt.status || w.Header().Get("Allow") != tt.allow {
			t.Errorf("%s = %d, Allow %q, want %d, %q", tt.request, w.Code, w.Header().Get("Allow"), tt.status, tt.allow)
		}
		if w.Code != 200 && !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s is answered with %s", tt.request, w.Header().Get("Content-Type"))
		}
	}
}
