package lumenapi_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/web/webtest"
)

const utils = "@acme/utils"

// The requests of the client, with each base that it may have, and in the paths that it makes of them.
func TestClientsRequests(t *testing.T) {
	n := start(t, setup{signatures: lumenpackages.SignaturesOff})
	for i, base := range []string{"/lumen", "/lumen/", "/lumen/api/v1"} {
		version := fmt.Sprintf("1.0.%d", i)
		text := archive(t, manifest(utils, version), "x")
		trimmed := strings.TrimSuffix(base, "/") // as it does for all but reads of the tree
		n.Get(trimmed+"/api/v1/auth/whoami").Want(t, http.StatusOK, `"scopes":["read","publish","yank","owner"]`)
		body := fmt.Sprintf(`{"name":%q,"version":%q,"tarball":%q,"shasum":%q}`, utils, version, base64.StdEncoding.EncodeToString([]byte(text)), digest.Of([]byte(text)).Hex())
		got := n.put(trimmed+"/v1/wares", body, "Content-Type: application/json").Want(t, http.StatusCreated, "")
		if want := fmt.Sprintf(`{"success":true,"name":%q,"version":%q}`+"\n", utils, version); string(got.Data) != want {
			t.Errorf("the publish answers %s, want %s", got.Data, want)
		}

		reader := n.as("") // reads never have a token
		reader.Get(base+"/packages/@acme/utils/index.json").Want(t, http.StatusOK, `"latest": "`+version+`"`)
		m := lumen.Metadata{}
		if err := json.Unmarshal(reader.Get(base+"/packages/@acme/utils/"+version+".json").Want(t, http.StatusOK, "").Data, &m); err != nil {
			t.Fatal(err)
		}
		if got := reader.Get(trimmed + "/" + m.Artifacts[0].URL); string(got.Data) != text {
			t.Errorf("%s has %d bytes, %d were sent", m.Artifacts[0].URL, len(got.Data), len(text))
		}
		reader.Get(trimmed+"/v1/wares/@acme/utils/owners").Want(t, http.StatusOK, `"role":"owner"`)
	}
	if left := n.Spooled(t); len(left) != 0 {
		t.Errorf("the spool has %q", left)
	}
}

func TestPublish(t *testing.T) {
	n := start(t, setup{})
	text := archive(t, manifest(utils, "1.0.0"), "x")
	n.push(utils, "1.0.0", text).Want(t, http.StatusCreated, `"success":true`)
	n.push(utils, "1.0.0", text).Want(t, http.StatusOK, `"unchanged":true`)
	n.push(utils, "1.0.0", gzipped(t, text)).Want(t, http.StatusOK, `"unchanged":true`)
	n.push(utils, "1.0.0", archive(t, manifest(utils, "1.0.0"), "y")).Want(t, http.StatusConflict, `"version_exists"`)
	n.push(utils, "1.0.0+build", archive(t, manifest(utils, "1.0.0+build"), "y")).Want(t, http.StatusConflict, `"version_exists"`)
	sent := gzipped(t, archive(t, manifest(utils, "1.1.0"), "z"))
	n.push(utils, "1.1.0", sent).Want(t, http.StatusCreated, "")
	n.Get(pathOf(sent, "tgz")).Want(t, http.StatusOK, "")
	n.Get(pathOf(sent, "tar")).Want(t, http.StatusNotFound, "")
	if strings.Contains(n.Lines.String(), webtest.RootToken) {
		t.Error("the log has the token")
	}
	if log := n.Lines.String(); !strings.Contains(log, "action=publish target=lumen:@acme/utils@1.0.0") {
		t.Errorf("no audit line names the publish: %s", log)
	}
}

func TestRefusedPublishes(t *testing.T) {
	n := start(t, setup{maxPackage: 64 << 10})
	good := archive(t, manifest(utils, "1.0.0"), "x")
	b64 := base64.StdEncoding.EncodeToString
	other := digest.Of(nil).Hex()
	for name, tt := range map[string]struct {
		body, header string
		status       int
		code         string
	}{
		"no JSON":            {body: "hello", status: 400},
		"no members":         {body: "{}", status: 400, code: "missing_part"},
		"no name":            {body: fmt.Sprintf(`{"version":"1.0.0","tarball":%q}`, b64([]byte(good))), status: 400, code: "missing_part"},
		"a number":           {body: `{"name":"@acme/utils","version":"1.0.0","tarball":1}`, status: 400, code: "invalid_base64"},
		"no base64":          {body: `{"name":"@acme/utils","version":"1.0.0","tarball":"%%%"}`, status: 400, code: "invalid_base64"},
		"twice":              {body: fmt.Sprintf(`{"name":"@acme/utils","version":"1.0.0","tarball":%q,"tarball":%[1]q}`, b64([]byte(good))), status: 400},
		"no tar":             {body: fmt.Sprintf(`{"name":"@acme/utils","version":"1.0.0","tarball":%q}`, b64([]byte("hello"))), status: 400},
		"other shasum":       {body: fmt.Sprintf(`{"name":"@acme/utils","version":"1.0.0","tarball":%q,"shasum":%q}`, b64([]byte(good)), other), status: 400, code: "hash_mismatch"},
		"other header":       {body: fmt.Sprintf(`{"name":"@acme/utils","version":"1.0.0","tarball":%q}`, b64([]byte(good))), header: "sha256:" + other, status: 400, code: "hash_mismatch"},
		"they differ":        {body: fmt.Sprintf(`{"name":"@acme/utils","version":"1.0.0","tarball":%q,"shasum":%q}`, b64([]byte(good)), digest.Of([]byte(good)).Hex()), header: "sha256:" + other, status: 400, code: "hash_mismatch"},
		"no hash":            {body: fmt.Sprintf(`{"name":"@acme/utils","version":"1.0.0","tarball":%q,"shasum":"xyz"}`, b64([]byte(good))), status: 400, code: "bad_hash"},
		"other version":      {body: fmt.Sprintf(`{"name":"@acme/utils","version":"2.0.0","tarball":%q}`, b64([]byte(good))), status: 400, code: "manifest_mismatch"},
		"other name":         {body: fmt.Sprintf(`{"name":"@acme/other","version":"1.0.0","tarball":%q}`, b64([]byte(good))), status: 400, code: "manifest_mismatch"},
		"unscoped":           {body: fmt.Sprintf(`{"name":"utils","version":"1.0.0","tarball":%q}`, b64([]byte(archive(t, manifest("utils", "1.0.0"), "x")))), status: 400, code: "bad_name"},
		"bad constraint":     {body: fmt.Sprintf(`{"name":"@acme/utils","version":"1.0.0","tarball":%q}`, b64([]byte(archive(t, manifest(utils, "1.0.0", "[dependencies]", `"@a/b" = "^0.2, <1"`), "x")))), status: 400, code: "bad_constraint"},
		"too large":          {body: fmt.Sprintf(`{"name":"@acme/utils","version":"1.0.0","tarball":%q}`, b64([]byte(archive(t, manifest(utils, "1.0.0"), strings.Repeat("x", 80<<10))))), status: 413, code: "too_large"},
		"too large unpacked": {body: fmt.Sprintf(`{"name":"@acme/utils","version":"1.0.0","tarball":%q}`, b64([]byte(gzipped(t, archive(t, manifest(utils, "1.0.0"), strings.Repeat("x", 80<<10)))))), status: 413, code: "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			var header []string
			if tt.header != "" {
				header = []string{"X-Lumen-Content-Hash: " + tt.header}
			}
			a := n.put("/lumen/v1/wares", tt.body, header...)
			if a.StatusCode != tt.status || tt.code != "" && a.Text("code") != tt.code || a.Text("error") == "" {
				t.Errorf("%d %s, want %d %s", a.StatusCode, a.Data, tt.status, tt.code)
			}
		})
	}
	n.Get("/lumen/packages/@acme/utils/index.json").Want(t, http.StatusNotFound, "")
	if left := n.Spooled(t); len(left) != 0 {
		t.Errorf("the spool has %q", left)
	}
}

func TestWhoMayPublish(t *testing.T) {
	n := start(t, setup{})
	text := archive(t, manifest(utils, "1.0.0"), "x")
	n.as("").push(utils, "1.0.0", text).Want(t, http.StatusUnauthorized, "")
	n.as("wrong").push(utils, "1.0.0", text).Want(t, http.StatusUnauthorized, "")
	n.newToken(auth.NewToken{Name: "reader", Permission: auth.Read}).push(utils, "1.0.0", text).Want(t, http.StatusForbidden, "read_only_token")
	n.newToken(auth.NewToken{Name: "npm", Packages: []string{"@acme/*"}}).push(utils, "1.0.0", text).Want(t, http.StatusForbidden, "package_not_covered")
	alice := n.newToken(auth.NewToken{Name: "alice", Packages: []string{"lumen:@acme/*"}})
	alice.push(utils, "1.0.0", text).Want(t, http.StatusCreated, "")
	bob := n.newToken(auth.NewToken{Name: "bob"})
	bob.push(utils, "1.0.1", archive(t, manifest(utils, "1.0.1"), "x")).Want(t, http.StatusForbidden, "not_owner")
	bob.push("@acme/mine", "1.0.0", archive(t, manifest("@acme/mine", "1.0.0"), "x")).Want(t, http.StatusForbidden, "not_owner")
	bob.Do(http.MethodPost, "/lumen/packages/@acme/utils/1.0.0/yank", nil).Want(t, http.StatusForbidden, "not_owner")
	n.newToken(auth.NewToken{Name: "ci", Packages: []string{utils, "lumen:" + utils}, Grant: true}).
		push(utils, "1.0.2", archive(t, manifest(utils, "1.0.2"), "x")).Want(t, http.StatusCreated, "")
}

// The library's way: the archive first, then the metadata that name it.
func TestLibrarysPublish(t *testing.T) {
	n := start(t, setup{})
	alice, bob := n.newToken(auth.NewToken{Name: "alice"}), n.newToken(auth.NewToken{Name: "bob"})
	text := archive(t, manifest(utils, "1.0.0", "[dependencies]", `"@org/http" = "^1.0.0"`), "x")
	hash := digest.Of([]byte(text))
	metadata := func(more string) string {
		return fmt.Sprintf(`{"name":"@acme/utils","version":"1.0.0","artifacts":[{"kind":"tar","url":"x","hash":%q,"size":%d}]%s}`, hash, len(text), more)
	}
	const at = "/lumen/packages/@acme/utils/1.0.0.json"
	alice.put(at, metadata("")).Want(t, http.StatusNotFound, "")
	alice.put(pathOf("another", "tar"), text).Want(t, http.StatusBadRequest, "hash_mismatch")
	alice.put(strings.ToUpper(pathOf(text, "")), text).Want(t, http.StatusNotFound, "")
	alice.as("").put(pathOf(text, "tar"), text).Want(t, http.StatusUnauthorized, "")
	alice.put(pathOf(text, "tar"), text).Want(t, http.StatusCreated, `"success":true`)
	if a := alice.Do(http.MethodHead, pathOf(text, "tar"), nil); a.StatusCode != 200 || a.ContentLength != int64(len(text)) {
		t.Errorf("HEAD of what was staged = %d, %d bytes", a.StatusCode, a.ContentLength)
	}
	alice.Get(pathOf(text, "tar")).Want(t, http.StatusNotFound, "")
	bob.Do(http.MethodHead, pathOf(text, "tar"), nil).Want(t, http.StatusNotFound, "")
	bob.put(at, metadata("")).Want(t, http.StatusNotFound, "")

	alice.put(at, metadata(`,"deps":{"@evil/http":"*"}`)).Want(t, http.StatusBadRequest, "manifest_mismatch")
	alice.put(at, metadata(`,"integrity":{"manifest_hash":"sha256:00"}`)).Want(t, http.StatusBadRequest, "manifest_mismatch")
	alice.put(at, strings.Replace(metadata(""), `"size":`, `"size":1`, 1)).Want(t, http.StatusBadRequest, "manifest_mismatch")
	alice.put("/lumen/packages/@acme/utils/2.0.0.json", metadata("")).Want(t, http.StatusBadRequest, "manifest_mismatch")
	alice.put("/lumen/packages/@acme/utils/1.0.0", metadata("")).Want(t, http.StatusBadRequest, "")
	alice.put(at, `{"name":"@acme/utils","version":"1.0.0"}`).Want(t, http.StatusBadRequest, "no_tarball")
	alice.put(at, `{"name":"@acme/utils","version":"1.0.0","artifacts":[{"hash":"md5:1"}]}`).Want(t, http.StatusBadRequest, "bad_hash")
	alice.put(at, metadata(`,"deps":{"@org/http":"^1.0.0"},"license":"ignored"`)).Want(t, http.StatusCreated, "")
	alice.put(at, metadata("")).Want(t, http.StatusOK, `"unchanged":true`)
	a := alice.as("").Get(at).Want(t, http.StatusOK, `"@org/http": "^1.0.0"`)
	if strings.Contains(string(a.Data), "ignored") {
		t.Error("the license is not the archive's")
	}
	if left := n.Spooled(t); len(left) != 0 {
		t.Errorf("the spool has %q", left)
	}
}
