package zigapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
)

func TestYank(t *testing.T) {
	n := start(t, setup{})
	alice, bob := n.newToken(auth.NewToken{Name: "a", User: "alice"}), n.newToken(auth.NewToken{Name: "b", User: "bob"})
	alice.publish("greet", "1.0.0", "one")
	hash := alice.publish("greet", "1.1.0", "two").text("hash")

	const path = "/zig/packages/greet/1.1.0/yank"
	n.as("").do("PUT", path, nil).want(t, http.StatusUnauthorized, "")
	bob.do("PUT", path, nil).want(t, http.StatusForbidden, `"code":"not_owner"`)
	alice.do("PUT", path, strings.NewReader(`{"reason": 7}`)).want(t, http.StatusBadRequest, "reason")
	alice.do("PUT", path, strings.NewReader(`{"reason": "leaks"}`)).want(t, http.StatusOK, `"yanked":true,"yankReason":"leaks"`)
	n.get("/zig/packages/greet").want(t, http.StatusOK, `"version":"1.0.0"`)
	n.get("/zig/packages/greet/versions").want(t, http.StatusOK, `"versions":["1.0.0"],"yanked":["1.1.0"]`)
	n.get("/zig/packages/greet/1.1.0/tarball").want(t, http.StatusOK, "") // builds that have it go on
	n.get("/zig/hash/"+hash).want(t, http.StatusOK, `"yanked":true`)

	bob.do("DELETE", path, nil).want(t, http.StatusForbidden, "")
	alice.do("DELETE", path, nil).want(t, http.StatusOK, `"version":"1.1.0"`)
	n.get("/zig/packages/greet").want(t, http.StatusOK, `"version":"1.1.0"`)
	alice.do("PUT", path, nil).want(t, http.StatusOK, `"yanked":true`) // a reason is not needed
	alice.do("PUT", "/zig/packages/greet/9.9.9/yank", nil).want(t, http.StatusNotFound, "")
	if log := n.log.String(); !strings.Contains(log, `action=yank target=zig:greet@1.1.0`) {
		t.Errorf("the log lacks the audit line: %s", log)
	}
}

func TestOwners(t *testing.T) {
	n := start(t, setup{})
	alice, bob := n.newToken(auth.NewToken{Name: "a", User: "alice"}), n.newToken(auth.NewToken{Name: "b", User: "bob"})
	alice.publish("my_lib", "1.0.0", "one")
	n.get("/zig/owners/my-lib").want(t, http.StatusOK, `{"owners":["alice"]}`)

	n.as("").do("PUT", "/zig/owners/my_lib/bob", nil).want(t, http.StatusUnauthorized, "")
	bob.do("PUT", "/zig/owners/my_lib/bob", nil).want(t, http.StatusBadRequest, `"code":"unknown_user"`) // has no account
	alice.do("PUT", "/zig/owners/my_lib/bop", nil).want(t, http.StatusBadRequest, `"code":"unknown_user"`)
	n.do("PUT", "/zig/owners/my_lib/bop", nil).want(t, http.StatusBadRequest, `"code":"unknown_user"`)
	n.do("PUT", "/zig/owners/my_lib/bob", nil).want(t, http.StatusOK, `{"owners":["alice","bob"]}`)
	bob.publish("my_lib", "1.1.0", "two")
	bob.do("DELETE", "/zig/owners/my_lib/alice", nil).want(t, http.StatusOK, `{"owners":["bob"]}`)
	alice.do("DELETE", "/zig/owners/my_lib/bob", nil).want(t, http.StatusForbidden, `"code":"not_owner"`)
	bob.do("DELETE", "/zig/owners/my_lib/bob", nil).want(t, http.StatusBadRequest, `"code":"no_owner"`)
	n.do("PUT", "/zig/owners/nope/bob", nil).want(t, http.StatusNotFound, "Package not found")
}
