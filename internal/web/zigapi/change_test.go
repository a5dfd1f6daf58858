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
	hash := alice.publish("greet", "1.1.0", "two").Text("hash")

	const path = "/zig/packages/greet/1.1.0/yank"
	n.as("").Do("PUT", path, nil).Want(t, http.StatusUnauthorized, "")
	bob.Do("PUT", path, nil).Want(t, http.StatusForbidden, `"code":"not_owner"`)
	alice.Do("PUT", path, strings.NewReader(`{"reason": 7}`)).Want(t, http.StatusBadRequest, "reason")
	alice.Do("PUT", path, strings.NewReader(`{"reason": "leaks"}`)).Want(t, http.StatusOK, `"yanked":true,"yankReason":"leaks"`)
	n.Get("/zig/packages/greet").Want(t, http.StatusOK, `"version":"1.0.0"`)
	n.Get("/zig/packages/greet/versions").Want(t, http.StatusOK, `"versions":["1.0.0"],"yanked":["1.1.0"]`)
	n.Get("/zig/packages/greet/1.1.0/tarball").Want(t, http.StatusOK, "") // builds that have it go on
	n.Get("/zig/hash/"+hash).Want(t, http.StatusOK, `"yanked":true`)

	bob.Do("DELETE", path, nil).Want(t, http.StatusForbidden, "")
	alice.Do("DELETE", path, nil).Want(t, http.StatusOK, `"version":"1.1.0"`)
	n.Get("/zig/packages/greet").Want(t, http.StatusOK, `"version":"1.1.0"`)
	alice.Do("PUT", path, nil).Want(t, http.StatusOK, `"yanked":true`) // a reason is not needed
	alice.Do("PUT", "/zig/packages/greet/9.9.9/yank", nil).Want(t, http.StatusNotFound, "")
	if log := n.Lines.String(); !strings.Contains(log, `action=yank target=zig:greet@1.1.0`) {
		t.Errorf("the log lacks the audit line: %s", log)
	}
}

func TestOwners(t *testing.T) {
	n := start(t, setup{})
	alice, bob := n.newToken(auth.NewToken{Name: "a", User: "alice"}), n.newToken(auth.NewToken{Name: "b", User: "bob"})
	alice.publish("my_lib", "1.0.0", "one")
	n.Get("/zig/owners/my-lib").Want(t, http.StatusOK, `{"owners":["alice"]}`)

	n.as("").Do("PUT", "/zig/owners/my_lib/bob", nil).Want(t, http.StatusUnauthorized, "")
	bob.Do("PUT", "/zig/owners/my_lib/bob", nil).Want(t, http.StatusBadRequest, `"code":"unknown_user"`) // has no account
	alice.Do("PUT", "/zig/owners/my_lib/bop", nil).Want(t, http.StatusBadRequest, `"code":"unknown_user"`)
	n.Do("PUT", "/zig/owners/my_lib/bop", nil).Want(t, http.StatusBadRequest, `"code":"unknown_user"`)
	n.Do("PUT", "/zig/owners/my_lib/bob", nil).Want(t, http.StatusOK, `{"owners":["alice","bob"]}`)
	bob.publish("my_lib", "1.1.0", "two")
	bob.Do("DELETE", "/zig/owners/my_lib/alice", nil).Want(t, http.StatusOK, `{"owners":["bob"]}`)
	alice.Do("DELETE", "/zig/owners/my_lib/bob", nil).Want(t, http.StatusForbidden, `"code":"not_owner"`)
	bob.Do("DELETE", "/zig/owners/my_lib/bob", nil).Want(t, http.StatusBadRequest, `"code":"no_owner"`)
	n.Do("PUT", "/zig/owners/nope/bob", nil).Want(t, http.StatusNotFound, "Package not found")
}
