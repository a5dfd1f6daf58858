package zigapi_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
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
	hash := n.publish("greet", "1.0.0", "one").text("hash")
	reader := n.newToken(auth.NewToken{Name: "reader", Permission: auth.Read})
	secret := reader.token
	stranger := n.as("")
	for _, read := range everyRead(hash) {
		stranger.get("/zig/"+read).want(t, http.StatusUnauthorized, `"code":"unauthenticated"`)
		stranger.get("/zig/"+read, basic("x:wrong")).want(t, http.StatusUnauthorized, "")
		stranger.get("/zig/t/wrong/"+read).want(t, http.StatusUnauthorized, "")
		for _, a := range []answer{
			reader.get("/zig/" + read), stranger.get("/zig/"+read, basic("x:"+secret)), stranger.get("/zig/"+read, basic(secret+":")),
			stranger.get("/zig/"+read, basic(secret)), stranger.get("/zig/t/" + secret + "/" + read),
		} {
			a.want(t, http.StatusOK, "")
			if cache := a.Header.Get("Cache-Control"); !strings.HasPrefix(cache, "private") {
				t.Errorf("%s may be kept by a shared cache: %s", a.Request.URL.Path, cache)
			}
			if strings.Contains(string(a.body), secret) {
				t.Errorf("the answer to %s has the token: %s", a.Request.URL.Path, a.body)
			}
		}
	}
	if log := n.log.String(); strings.Contains(log, secret) || strings.Contains(log, rootToken) {
		t.Error("the log has a token")
	}
}

// Where everybody may read, a token in the path is still checked, and still a secret.
func TestPathTokens(t *testing.T) {
	n := start(t, setup{})
	hash := n.publish("greet", "1.0.0", "one").text("hash")
	stranger := n.as("")
	for _, read := range everyRead(hash) {
		if a := stranger.get("/zig/t/"+rootToken+"/"+read).want(t, http.StatusOK, ""); !strings.HasPrefix(a.Header.Get("Cache-Control"), "private") {
			t.Errorf("%s may be kept by a shared cache", read)
		}
		stranger.get("/zig/t/wrong/"+read).want(t, http.StatusUnauthorized, "")
		if a := stranger.get("/zig/t/" + rootToken + "/" + read + "x"); strings.Contains(string(a.body), rootToken) {
			t.Errorf("a refusal has the token: %s", a.body)
		}
	}
	for _, path := range []string{
		"/zig/t/" + rootToken, "/zig/t/" + rootToken + "/", "/zig/t/" + rootToken + "/nothing", "/zig//t//" + rootToken + "//nothing",
		"/zig/t/" + rootToken + "%2fx/packages/greet", "/zig/t/" + rootToken + "/..%2f..%2fx", "/zig/t/" + rootToken + "/../packages/greet",
	} {
		a := stranger.get(path)
		if a.StatusCode == http.StatusOK || strings.Contains(string(a.body), rootToken) || a.Header.Get("Location") != "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s = %d %s, Cache-Control %s", path, a.StatusCode, a.body, a.Header.Get("Cache-Control"))
		}
	}
	if log := n.log.String(); strings.Contains(log, rootToken) {
		t.Errorf("the log has the token: %s", log)
	}
}

// An address is copied, logged by proxies and kept in manifests: a token in it may not write.
func TestPathTokensDoNotWrite(t *testing.T) {
	n := start(t, setup{})
	n.publish("greet", "1.0.0", "one")
	stranger := n.as("")
	for _, write := range []string{
		"POST /zig/t/" + rootToken + "/publish", "PUT /zig/t/" + rootToken + "/packages/greet/1.0.0/yank",
		"DELETE /zig/t/" + rootToken + "/packages/greet/1.0.0/yank", "PUT /zig/t/" + rootToken + "/owners/greet/eve",
	} {
		method, path, _ := strings.Cut(write, " ")
		if a := stranger.do(method, path, nil); a.StatusCode != http.StatusNotFound && a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s = %d %s", write, a.StatusCode, a.body)
		}
	}
	n.get("/zig/owners/greet").want(t, http.StatusOK, `{"owners":["admin"]}`)
	n.get("/zig/packages/greet").want(t, http.StatusOK, `"version":"1.0.0"`)
}
