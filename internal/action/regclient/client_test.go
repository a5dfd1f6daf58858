package regclient_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/wire"
)

const token = "s3cret-token-of-the-tests"

// waits stands for the clock between tries.
type waits struct {
	mu sync.Mutex
	ds []time.Duration
}

func (w *waits) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ds = append(w.ds, d)
	return ctx.Err()
}

func newClient(t *testing.T, opt regclient.Options) *regclient.Client {
	t.Helper()
	if opt.Wait == nil {
		opt.Wait = (&waits{}).wait
	}
	c, err := regclient.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serve answers requests by h, which sees JSON bodies unpacked.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Encoding") == "gzip" {
			gz, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Errorf("%s %s has a body that is not gzip: %v", r.Method, r.URL, err)
				return
			}
			r.Body = io.NopCloser(gz)
		}
		h(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func publication() wire.Publication {
	return wire.Publication{SHA: strings.Repeat("a", 40), Repository: "o/r", Packages: []wire.Package{{
		Name: "@acme/core", Head: &tarball.Part{Digest: digest.Of([]byte("head")), Size: 4},
	}}}
}

func TestEndpoints(t *testing.T) {
	status := http.StatusCreated
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer "+token {
			t.Errorf("Authorization = %q", got)
		}
		if got := r.Header.Get("User-Agent"); got != "publish-commit/1" {
			t.Errorf("User-Agent = %q", got)
		}
		var p wire.Publication
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(r.Body).Decode(&p); err != nil || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("body: %v, %q", err, r.Header.Get("Content-Type"))
			}
			if diff := cmp.Diff(publication(), p); diff != "" {
				t.Errorf("publication -want +got:\n%s", diff)
			}
		}
		switch r.Method + " " + r.URL.Path {
		case "POST /team/registry/publish/commit/plan":
			answer(w, 200, wire.Plan{SHA: p.SHA, Missing: []wire.Upload{{Digest: digest.Of(nil), Size: 1, URL: "/u"}}})
		case "POST /team/registry/publish/commit":
			answer(w, status, wire.Published{Success: true, SHA: p.SHA})
		case "GET /team/registry/commits/abcdef0":
			answer(w, 200, wire.Commit{SHA: "abcdef0"})
		default:
			http.NotFound(w, r)
		}
	})
	c := newClient(t, regclient.Options{BaseURL: srv.URL + "/team/registry/", Token: token, UserAgent: "publish-commit/1"})
	plan, err := c.Plan(t.Context(), publication())
	if err != nil || len(plan.Missing) != 1 {
		t.Errorf("Plan = %+v, %v", plan, err)
	}
	for _, status = range []int{http.StatusCreated, http.StatusOK} {
		done, created, err := c.Publish(t.Context(), publication())
		if err != nil || !done.Success || created != (status == http.StatusCreated) {
			t.Errorf("Publish = %+v, %t, %v after %d", done, created, err, status)
		}
	}
	commit, err := c.Commit(t.Context(), "abcdef0")
	if err != nil || commit.SHA != "abcdef0" {
		t.Errorf("Commit = %+v, %v", commit, err)
	}
	for _, sha := range []string{"", "abc", "../../secrets", "abcdef0/x", "abcdefg"} {
		if _, err := c.Commit(t.Context(), sha); err == nil || !strings.Contains(err.Error(), "hexadecimal") {
			t.Errorf("Commit(%q) = %v", sha, err)
		}
	}
}

func TestNew(t *testing.T) {
	tests := []struct {
		name string
		opt  regclient.Options
		want string // empty: accepted
	}{
		{"https", regclient.Options{BaseURL: "https://r.example.com", Token: token}, ""},
		{"loopback", regclient.Options{BaseURL: "http://127.0.0.1:3000", Token: token}, ""},
		{"loopback 6", regclient.Options{BaseURL: "http://[::1]:3000", Token: token}, ""},
		{"localhost", regclient.Options{BaseURL: "http://localhost:3000", Token: token}, ""},
		{"http without token", regclient.Options{BaseURL: "http://r.example.com"}, ""},
		{"http allowed", regclient.Options{BaseURL: "http://r.example.com", Token: token, AllowHTTP: true}, ""},
		{"http with token", regclient.Options{BaseURL: "http://r.example.com", Token: token}, "use https, or --insecure-http"},
		{"not loopback", regclient.Options{BaseURL: "http://127.0.0.1.example.com", Token: token}, "use https"},
		{"userinfo", regclient.Options{BaseURL: "https://me:" + token + "@r.example.com"}, "set REGISTRY_TOKEN instead"},
		{"bad userinfo", regclient.Options{BaseURL: "https://me:" + token + "%zz@r.example.com"}, "set REGISTRY_URL to one like"},
		{"empty", regclient.Options{}, `registry URL "": set REGISTRY_URL to one like https://`},
		{"no scheme", regclient.Options{BaseURL: "r.example.com"}, "set REGISTRY_URL to one like https://"},
		{"ftp", regclient.Options{BaseURL: "ftp://r.example.com"}, "set REGISTRY_URL to one like https://"},
		{"no host", regclient.Options{BaseURL: "https:///x"}, "set REGISTRY_URL to one like https://"},
		{"query", regclient.Options{BaseURL: "https://r.example.com/?token=" + token}, "must not have a query"},
		{"two words", regclient.Options{BaseURL: "https://r.example.com", Token: "Bearer " + token}, "set REGISTRY_TOKEN to the bare token"},
		{"line break", regclient.Options{BaseURL: "https://r.example.com", Token: token + "\n"}, "set REGISTRY_TOKEN to the bare token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := regclient.New(tt.opt)
			if tt.want == "" {
				if err != nil {
					t.Errorf("New = %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), token) {
				t.Errorf("New = %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	body := func(status int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	const js = "application/json; charset=utf-8"
	tests := []struct {
		name    string
		handler http.HandlerFunc
		token   string
		want    regclient.Error
	}{
		{"no token", body(401, js, `{"error":"a token is needed","code":"unauthenticated","requestId":"r1"}`), "",
			regclient.Error{Status: 401, Code: "unauthenticated", Message: "a token is needed", RequestID: "r1", Hint: "set REGISTRY_TOKEN to a token of this registry"}},
		{"wrong token", body(401, js, `{"error":"unknown token `+token+`","code":"x"}`), token,
			regclient.Error{Status: 401, Code: "x", Message: "unknown token [token]", Hint: "REGISTRY_TOKEN is not a token of this registry"}},
		{"forbidden", body(403, js, `{"error":"no"}`), token,
			regclient.Error{Status: 403, Message: "no", Hint: "REGISTRY_TOKEN does not allow this; ask whoever runs the registry"}},
		{"not a registry", body(404, "text/plain", "not here"), token,
			regclient.Error{Status: 404, Hint: "is REGISTRY_URL the address of a registry-server?"}},
		{"web page", body(403, "text/html", "<h1>Sign in</h1>"), token,
			regclient.Error{Status: 403, Message: "a web page answered", Hint: "is REGISTRY_URL the address of a registry-server?"}},
		{"a proxy's page", body(501, "text/html", "<h1>Oops</h1>"), token, regclient.Error{Status: 501}},
		{"friendly page", body(200, "text/html", "<h1>Welcome</h1>"), token,
			regclient.Error{Status: 200, Message: "the answer is not JSON", Hint: "is REGISTRY_URL the address of a registry-server?"}},
		{"too large", body(413, js, `{"error":"@acme/core has 101 MiB, the limit is 100 MiB"}`), token,
			regclient.Error{Status: 413, Message: "@acme/core has 101 MiB, the limit is 100 MiB", Hint: "leave packages or files out, or have the registry's limit raised"}},
		{"workflow commands", body(409, js, `{"error":"a\n::error::b\u001b[2J"}`), token,
			regclient.Error{Status: 409, Message: "a ::error::b [2J"}},
		{"long answer", body(200, js, `{"sha":"`+strings.Repeat("x", 16<<20)+`"}`), token,
			regclient.Error{Status: 200, Message: "the answer is longer than 16 MiB"}},
		{"other JSON", body(200, js, `[1]`), token,
			regclient.Error{Status: 200, Message: "the answer is not that of a registry: json: cannot unmarshal array into Go value of type wire.Plan", Hint: "is REGISTRY_URL the address of a registry-server?"}},
		{"not quite JSON", body(200, js, `{"sha":}`), token,
			regclient.Error{Status: 200, Message: "the answer is not that of a registry: invalid character '}' looking for beginning of value", Hint: "is REGISTRY_URL the address of a registry-server?"}},
		{"JSON error cut off", body(400, js, `{"error":"`+strings.Repeat("x", 70<<10)+`"}`), token, regclient.Error{Status: 400}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tries := 0
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) { tries++; tt.handler(w, r) })
			_, err := newClient(t, regclient.Options{BaseURL: srv.URL, Token: tt.token}).Plan(t.Context(), publication())
			got, ok := errors.AsType[*regclient.Error](err)
			if !ok {
				t.Fatalf("Plan = %v, want an *Error", err)
			}
			tt.want.Method, tt.want.URL = "POST", srv.URL+"/publish/commit/plan"
			e := *got
			e.Details = nil
			if diff := cmp.Diff(tt.want, e); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for _, part := range []string{"POST " + tt.want.URL, fmt.Sprint(tt.want.Status), tt.want.Message, tt.want.RequestID, tt.want.Hint} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
			if tries != 1 {
				t.Errorf("%d tries, want 1", tries)
			}
		})
	}
}

func TestDetailsAreKept(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 409, map[string]any{"error": "ambiguous", "candidates": []string{"a", "b", token}})
	})
	_, err := newClient(t, regclient.Options{BaseURL: srv.URL, Token: token}).Commit(t.Context(), "abcdef0")
	e, ok := errors.AsType[*regclient.Error](err)
	var got struct{ Candidates []string }
	if !ok || json.Unmarshal(e.Details, &got) != nil || !cmp.Equal(got.Candidates, []string{"a", "b", "[token]"}) {
		t.Errorf("Commit = %v, details %+v", err, got)
	}
}

// TestTokenStaysSecret looks at every error and log line of calls that fail in many ways.
func TestTokenStaysSecret(t *testing.T) {
	const signature = "X-Amz-Signature=0123456789"
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, dead+"/bucket?"+signature, http.StatusTemporaryRedirect)
			return
		}
		w.Header().Set("X-Request-Id", r.Header.Get("Authorization"))
		answer(w, 503, wire.Error{Error: r.Header.Get("Authorization"), Code: r.Header.Get("Authorization"), RequestID: token})
	})
	var log bytes.Buffer
	c := newClient(t, regclient.Options{BaseURL: srv.URL, Token: token, Retries: 2, Transport: network(t),
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	gone := newClient(t, regclient.Options{BaseURL: dead, AllowHTTP: true, Token: token, Retries: -1, Transport: network(t)})
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }
	put := func(c *regclient.Client, url string) error {
		return c.Put(t.Context(), wire.Upload{Size: 1, URL: url}, open, nil)
	}
	_, planErr := c.Plan(t.Context(), publication())
	for _, err := range []error{planErr, put(c, "/away"), put(gone, "/bucket?"+signature), put(c, "https://[::1]:namedport/?"+signature), put(c, "http://elsewhere/?"+signature)} {
		if err == nil {
			t.Fatal("no error")
		}
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, token) || strings.Contains(text, signature) {
			t.Errorf("leak in %s", text)
		}
	}
	if text := log.String(); strings.Contains(text, token) || strings.Contains(text, signature) || strings.Count(text, "trying again") != 4 {
		t.Errorf("log = %s", text)
	}
}
