package zigapi_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/web/webtest"
)

// everyRead is an address of each kind, for a published greet 1.0.0.
func everyRead(hash string) []string {
	return []string{
		"packages/greet", "packages/greet/versions", "owners/greet", "packages/greet/1.0.0", "packages/greet/1.0.0/tarball",
		"packages/greet/1.0.0/greet-1.0.0.tar.gz", "hash/" + hash, "p/" + hash + ".tar.gz", "search?q=greet",
	}
}

func basic(userinfo string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo))
}

// Compilers send what a URL has before its "@", as it is there.
func TestPrivateReads(t *testing.T) {
	n := start(t, setup{readAuth: true})
	hash := n.publish("greet", "1.0.0", "one").Text("hash")
	reader := n.newToken(auth.NewToken{Name: "reader", Permission: auth.Read})
	secret := reader.Token
	stranger := n.as("")
	for _, read := range everyRead(hash) {
		stranger.Get("/zig/"+read).Want(t, http.StatusUnauthorized, `"code":"unauthenticated"`)
		stranger.Get("/zig/"+read, basic("x:wrong")).Want(t, http.StatusUnauthorized, "")
		stranger.Get("/zig/t/wrong/"+read).Want(t, http.StatusUnauthorized, "")
		for _, a := range []webtest.Answer{
			reader.Get("/zig/" + read), stranger.Get("/zig/"+read, basic("x:"+secret)), stranger.Get("/zig/"+read, basic(secret+":")),
			stranger.Get("/zig/"+read, basic(secret)), stranger.Get("/zig/t/" + secret + "/" + read),
		} {
			a.Want(t, http.StatusOK, "")
			if cache := a.Header.Get("Cache-Control"); !strings.HasPrefix(cache, "private") {
				t.Errorf("%s may be kept by a shared cache: %s", a.Request.URL.Path, cache)
			}
			if strings.Contains(string(a.Data), secret) {
				t.Errorf("the answer to %s has the token: %s", a.Request.URL.Path, a.Data)
			}
		}
	}
	if log := n.Lines.String(); strings.Contains(log, secret) || strings.Contains(log, webtest.RootToken) {
		t.Error("the log has a token")
	}
}

// Where everybody may read, a token in the path is still checked, and still a secret.
func TestPathTokens(t *testing.T) {
	n := start(t, setup{})
	hash := n.publish("greet", "1.0.0", "one").Text("hash")
	stranger := n.as("")
	for _, read := range everyRead(hash) {
		if a := stranger.Get("/zig/t/"+webtest.RootToken+"/"+read).Want(t, http.StatusOK, ""); !strings.HasPrefix(a.Header.Get("Cache-Control"), "private") {
			t.Errorf("%s may be kept by a shared cache", read)
		}
		stranger.Get("/zig/t/wrong/"+read).Want(t, http.StatusUnauthorized, "")
		if a := stranger.Get("/zig/t/" + webtest.RootToken + "/" + read + "x"); strings.Contains(string(a.Data), webtest.RootToken) {
			t.Errorf("a refusal has the token: %s", a.Data)
		}
	}
	for _, path := range []string{
		"/zig/t/" + webtest.RootToken, "/zig/t/" + webtest.RootToken + "/", "/zig/t/" + webtest.RootToken + "/nothing", "/zig//t//" + webtest.RootToken + "//nothing",
		"/zig/t/" + webtest.RootToken + "%2fx/packages/greet", "/zig/t/" + webtest.RootToken + "/..%2f..%2fx", "/zig/t/" + webtest.RootToken + "/../packages/greet",
	} {
		a := stranger.Get(path)
		if a.StatusCode == http.StatusOK || strings.Contains(string(a.Data), webtest.RootToken) || a.Header.Get("Location") != "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s = %d %s, Cache-Control %s", path, a.StatusCode, a.Data, a.Header.Get("Cache-Control"))
		}
	}
	if log := n.Lines.String(); strings.Contains(log, webtest.RootToken) {
		t.Errorf("the log has the token: %s", log)
	}
}

// An address is copied, logged by proxies and kept in manifests: a token in it may not write.
func TestPathTokensDoNotWrite(t *testing.T) {
	n := start(t, setup{})
	n.publish("greet", "1.0.0", "one")
	stranger := n.as("")
	for _, write := range []string{
		"POST /zig/t/" + webtest.RootToken + "/publish", "PUT /zig/t/" + webtest.RootToken + "/packages/greet/1.0.0/yank",
		"DELETE /zig/t/" + webtest.RootToken + "/packages/greet/1.0.0/yank", "PUT /zig/t/" + webtest.RootToken + "/owners/greet/eve",
	} {
		method, path, _ := strings.Cut(write, " ")
		if a := stranger.Do(method, path, nil); a.StatusCode != http.StatusNotFound && a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s = %d %s", write, a.StatusCode, a.Data)
		}
	}
	n.Get("/zig/owners/greet").Want(t, http.StatusOK, `{"owners":["admin"]}`)
	n.Get("/zig/packages/greet").Want(t, http.StatusOK, `"version":"1.0.0"`)
}
