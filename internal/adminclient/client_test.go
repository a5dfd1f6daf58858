package adminclient_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/wire"
)

// both calls f with a client of h over HTTP and with one in this process.
func both(t *testing.T, h http.HandlerFunc, f func(t *testing.T, c *adminclient.Client)) {
	t.Helper()
	t.Run("over HTTP", func(t *testing.T) {
		srv := httptest.NewServer(h)
		defer srv.Close()
		c := adminclient.Remote(srv.URL+"/", "secret")
		defer c.Close()
		f(t, c)
	})
	t.Run("in process", func(t *testing.T) { f(t, adminclient.InProcess(h, "secret")) })
}

func TestRequests(t *testing.T) {
	var got []string
	h := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %d %s", r.Method, r.RequestURI, r.Header.Get("Authorization"), r.ContentLength, body))
		if !strings.HasPrefix(r.RemoteAddr, "127.0.0.1:") || r.Host == "" || r.URL.Host != "" {
			t.Errorf("the request comes from %q to %q, URL %s", r.RemoteAddr, r.Host, r.URL)
		}
		io.WriteString(w, `{"name":"a","version":"1.0.0","unchanged":true}`)
	}
	both(t, h, func(t *testing.T, c *adminclient.Client) {
		got = nil
		ctx := t.Context()
		out, err := c.Import(ctx, wire.Import{Name: "@a/b", Version: "1.0.0", Tags: []string{"x", "y"}}, strings.NewReader("bytes"), 5)
		if err != nil || !out.Unchanged {
			t.Errorf("Import: %+v, %v", out, err)
		}
		if _, err := c.AddUser(ctx, wire.NewUser{Name: "a", Password: "p"}); err != nil {
			t.Error(err)
		}
		if err := errors.Join(c.RevokeToken(ctx, "a/../b"), c.Ping(ctx)); err != nil {
			t.Error(err)
		}
		want := []string{
			"PUT /-/admin/import?name=%40a%2Fb&tag=x&tag=y&version=1.0.0 Bearer secret 5 bytes",
			`POST /-/admin/users Bearer secret 29 {"name":"a","password":"p"}`,
			"DELETE /-/admin/tokens/a%2F..%2Fb Bearer secret 0 ",
			"GET /-/admin/import?name=ping Bearer secret 0 ",
		}
		want[1] = strings.Replace(want[1], " 29 ", fmt.Sprintf(" %d ", len(`{"name":"a","password":"p"}`)), 1)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		`{"error":"no such token","code":"unknown_token"}`: "no such token",
		`<html>`: "status 404 and no explanation",
		`{}`:     "status 404 and no explanation",
		``:       "status 404 and no explanation",
	} {
		h := func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, text)
		}
		both(t, h, func(t *testing.T, c *adminclient.Client) {
			err := c.RevokeToken(t.Context(), "x")
			e, ok := errors.AsType[*adminclient.Error](err)
			if !ok || e.Status != 404 || !strings.Contains(e.Error(), want) || (e.Code == "unknown_token") != (want == "no such token") {
				t.Errorf("%q: %v, want %q", text, err, want)
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"no JSON": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		},
		"an abort":      func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"nothing in it": func(w http.ResponseWriter, r *http.Request) {},
	} {
		both(t, h, func(t *testing.T, c *adminclient.Client) {
			if _, err := c.Users(t.Context()); err == nil {
				t.Errorf("%s is taken for an answer", name)
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: the error shows the token: %v", name, err)
			}
		})
	}
}

func TestRunning(t *testing.T) {
	dir := t.TempDir()
	if _, err := adminclient.ReadRunning(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading nothing: %v", err)
	}
	r := adminclient.Running{URL: "http://127.0.0.1:3000", Token: "secret"}
	remove, err := adminclient.WriteRunning(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := adminclient.ReadRunning(dir); err != nil || got != r {
		t.Errorf("read %v, %v", got, err)
	}
	path := filepath.Join(dir, "running.json")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v; want mode 0600", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v; want the one file", entries, err)
	}
	// The next server of the folder takes the file over; the first leaves it.
	removeNext, err := adminclient.WriteRunning(dir, adminclient.Running{URL: r.URL, Token: "next"})
	if err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	if got, err := adminclient.ReadRunning(dir); err != nil || got.Token != "next" {
		t.Errorf("after the first server's end: %v, %v", got, err)
	}
	if err := errors.Join(removeNext(), removeNext()); err != nil {
		t.Errorf("removing, and again: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file after its end: %v", err)
	}
	for _, text := range []string{"", "{", "{}", `{"url":"http://x"}`, "[]", strings.Repeat(" ", 1<<20) + "{}"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := adminclient.ReadRunning(dir); err == nil {
			t.Errorf("%.20q names a server", text)
		}
	}
}
