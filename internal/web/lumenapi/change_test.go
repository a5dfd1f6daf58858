package lumenapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/web/webtest"
)

func TestYank(t *testing.T) {
	n := start(t, setup{})
	n.publish(utils, "1.0.0")
	n.publish(utils, "1.1.0")
	const yank = "/lumen/packages/@acme/utils/1.1.0/yank"
	index := func() string { return string(n.as("").Get("/lumen/packages/@acme/utils/index.json").Data) }
	n.as("").Do(http.MethodPost, yank, nil).Want(t, http.StatusUnauthorized, "")
	n.Do(http.MethodPost, yank, nil).Want(t, http.StatusOK, `{"success":true,"name":"@acme/utils","version":"1.1.0","yanked":true}`) // the library sends no body
	if x := index(); !strings.Contains(x, `"1.1.0": ""`) || !strings.Contains(x, `"latest": "1.0.0"`) {
		t.Errorf("the index is %s", x)
	}
	n.Do(http.MethodPost, yank, strings.NewReader(`{"reason":"CVE"}`)).Want(t, http.StatusOK, "")
	if x := index(); !strings.Contains(x, `"1.1.0": "CVE"`) {
		t.Errorf("the index is %s", x)
	}
	n.Get("/lumen/packages/@acme/utils/1.1.0.json").Want(t, http.StatusOK, `"yank_reason": "CVE"`)
	n.Do(http.MethodDelete, yank, nil).Want(t, http.StatusOK, `"yanked":false`)
	if x := index(); !strings.Contains(x, `"yanked": {}`) || !strings.Contains(x, `"latest": "1.1.0"`) {
		t.Errorf("the index is %s", x)
	}
	n.Do(http.MethodPost, yank, strings.NewReader(`{"reason":1}`)).Want(t, http.StatusBadRequest, "")
	n.Do(http.MethodPost, yank, strings.NewReader(`{"reason":"`)).Want(t, http.StatusBadRequest, "")
	n.Do(http.MethodPost, "/lumen/packages/@acme/utils/9.0.0/yank", nil).Want(t, http.StatusNotFound, "")
	n.Do(http.MethodPost, "/lumen/packages/@acme/none/1.0.0/yank", nil).Want(t, http.StatusNotFound, "")
}

func TestOwners(t *testing.T) {
	n := start(t, setup{})
	alice, bob := n.newToken(auth.NewToken{Name: "alice"}), n.newToken(auth.NewToken{Name: "bob"})
	alice.publish(utils, "1.0.0")
	const at = "/lumen/v1/wares/@acme/utils/owners"
	var list []map[string]string
	if err := json.Unmarshal(n.as("").Get(at).Want(t, http.StatusOK, "").Data, &list); err != nil {
		t.Fatal(err)
	}
	added, err := time.Parse(time.RFC3339, list[0]["added_at"])
	if len(list) != 1 || list[0]["user_id"] != "alice" || list[0]["email"] != "alice" || list[0]["role"] != "owner" || list[0]["added_by"] != "alice" || err != nil || time.Since(added) > time.Hour {
		t.Errorf("owners = %v, %v", list, err)
	}
	post := func(who *node, body string) webtest.Answer {
		return who.Do(http.MethodPost, at, strings.NewReader(body))
	}
	post(alice, `{"email":"nobody@example.com","role":"owner"}`).Want(t, http.StatusBadRequest, "unknown_user")
	post(bob, `{"email":"bob","role":"owner"}`).Want(t, http.StatusBadRequest, "unknown_user") // a user of tokens only is an admin's to name
	post(n.as(""), `{"email":"bob","role":"owner"}`).Want(t, http.StatusUnauthorized, "")
	post(n, `{"email":"bob","role":"king"}`).Want(t, http.StatusBadRequest, "invalid_role")
	post(n, `{}`).Want(t, http.StatusBadRequest, "")
	post(n, `{"email":"bob","role":"maintainer"}`).Want(t, http.StatusOK, `"role":"maintainer"`)
	bob.publish(utils, "1.0.1")
	bob.Do(http.MethodDelete, at+"/alice", nil).Want(t, http.StatusForbidden, "not_owner")
	alice.Do(http.MethodDelete, at+"/alice", nil).Want(t, http.StatusBadRequest, "no_owner")
	alice.Do(http.MethodDelete, at+"/bob", nil).Want(t, http.StatusOK, "")
	bob.push(utils, "1.0.2", archive(t, manifest(utils, "1.0.2"), "x")).Want(t, http.StatusForbidden, "not_owner")
	n.Get("/lumen/v1/wares/@acme/none/owners").Want(t, http.StatusNotFound, "")
}

func TestWhoami(t *testing.T) {
	n := start(t, setup{})
	n.as("").Get("/lumen/api/v1/auth/whoami").Want(t, http.StatusUnauthorized, "")
	n.as("wrong").Get("/lumen/api/v1/auth/whoami").Want(t, http.StatusUnauthorized, "")
	a := n.newToken(auth.NewToken{Name: "alice"}).Get("/lumen/api/v1/auth/whoami").Want(t, http.StatusOK, `{"user_id":"alice","email":"alice","scopes":["read","publish","yank","owner"]}`)
	if c := a.Header.Get("Cache-Control"); !strings.HasPrefix(c, "private") {
		t.Errorf("who asks may be kept: %s", c)
	}
	n.newToken(auth.NewToken{Name: "ro", Permission: auth.Read}).Get("/lumen/api/v1/auth/whoami").Want(t, http.StatusOK, `"scopes":["read"]`)
}
