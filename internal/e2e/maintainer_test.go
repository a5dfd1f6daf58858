package e2e

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/signature"
)

const masterToken = "the-token-of-the-operator"

// maintainer works on one package, one change after the other, and remembers
// what the server has acknowledged.
type maintainer struct {
	name     string
	packed   map[string]string // tarballs of all versions that were ever made
	versions map[string]string // of those, what the server must have
	gone     map[string]bool   // unpublished versions
	beta     string            // where the dist-tag points; "" if there is none
	tokens   []string
	next     int
	doubt    *change // was under way when the server died: it has happened or not
	cut      int
}

// change is one of publish, tag, unpublish and token; the version it is about.
type change struct{ kind, version string }

func newMaintainer(name string) *maintainer {
	return &maintainer{name: name, packed: map[string]string{}, versions: map[string]string{}, gone: map[string]bool{}}
}

// work makes changes until the server is gone.
func (m *maintainer) work(t *testing.T, url string, acked func()) {
	for !t.Failed() {
		c := m.choose()
		if !m.do(t, url, c) {
			m.doubt = &c
			m.cut++
			return
		}
		acked()
	}
}

func (m *maintainer) choose() change {
	living := slices.Collect(maps.Keys(m.versions))
	switch n := rand.IntN(10); {
	case n < 2 && len(living) > 0:
		return change{"tag", living[rand.IntN(len(living))]}
	case n < 4 && len(living) > 1:
		return change{"unpublish", living[rand.IntN(len(living))]}
	case n < 5:
		return change{"token", ""}
	}
	m.next++
	return change{"publish", fmt.Sprintf("1.%d.0", m.next)}
}

// do makes a change and remembers it; false means that the server is gone. A
// refusal fails the test.
func (m *maintainer) do(t *testing.T, base string, c change) bool {
	path := base + "/" + url.PathEscape(m.name)
	var a reply
	switch c.kind {
	case "publish":
		a = send(t, http.MethodPut, path, m.document(t, c.version))
	case "tag":
		a = send(t, http.MethodPut, base+"/-/package/"+url.PathEscape(m.name)+"/dist-tags/beta", c.version)
	case "unpublish":
		a = m.unpublish(t, path, c.version)
	case "token":
		a = send(t, http.MethodPost, base+"/-/admin/tokens", map[string]any{"name": "ci", "user": "ci", "permission": "publish"})
	}
	if a.err != nil {
		return false
	}
	if a.status/100 != 2 {
		t.Errorf("%s %s@%s answered %d: %s", c.kind, m.name, c.version, a.status, a.body)
		return true
	}
	m.happened(t, c, a)
	return true
}

func (m *maintainer) happened(t *testing.T, c change, a reply) {
	switch c.kind {
	case "publish":
		m.versions[c.version] = m.tarball(t, c.version)
	case "tag":
		m.beta = c.version
	case "unpublish":
		delete(m.versions, c.version)
		m.gone[c.version] = true
		if m.beta == c.version {
			m.beta = ""
		}
	case "token":
		var made struct {
			Secret string `json:"token"`
		}
		if err := json.Unmarshal(a.body, &made); err != nil || made.Secret == "" {
			t.Errorf("a token was answered by %s", a.body)
		}
		m.tokens = append(m.tokens, made.Secret)
	}
}

// unpublish does what npm does: it takes the version out of the packument, and then removes the file.
func (m *maintainer) unpublish(t *testing.T, path, version string) reply {
	got := send(t, http.MethodGet, path+"?write=true", nil)
	if got.err != nil || got.status != http.StatusOK {
		return got
	}
	var doc map[string]any
	if err := json.Unmarshal(got.body, &doc); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	if versions := doc["versions"].(map[string]any); versions[version] != nil {
		delete(versions, version)
		put := send(t, http.MethodPut, path+"/-rev/"+doc["_rev"].(string), doc)
		if put.err != nil || put.status/100 != 2 {
			return put
		}
	}
	return send(t, http.MethodDelete, path+"/-/"+m.file(version)+"/-rev/"+doc["_rev"].(string), nil)
}

func (m *maintainer) file(version string) string {
	return m.name[strings.LastIndexByte(m.name, '/')+1:] + "-" + version + ".tgz"
}

func (m *maintainer) tarball(t *testing.T, version string) string {
	if m.packed[version] == "" {
		noise := make([]byte, 8<<10)
		for i := range noise {
			noise[i] = byte('a' + rand.IntN(26))
		}
		m.packed[version] = tarballOf(t, fmt.Sprintf(`{"name":%q,"version":%q,"description":%q}`, m.name, version, noise))
	}
	return m.packed[version]
}

// document is what npm publish puts.
func (m *maintainer) document(t *testing.T, version string) map[string]any {
	tgz := m.tarball(t, version)
	return map[string]any{
		"_id": m.name, "name": m.name, "dist-tags": map[string]string{"latest": version},
		"versions": map[string]any{version: map[string]any{
			"name": m.name, "version": version, "dist": map[string]string{"integrity": integrityOf(tgz)},
		}},
		"_attachments": map[string]any{m.name + "-" + version + ".tgz": map[string]any{
			"content_type": "application/octet-stream", "data": []byte(tgz), "length": len(tgz),
		}},
	}
}

func integrityOf(bytes string) string {
	sum := sha512.Sum512([]byte(bytes))
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// reply is an answer; err says that there was none.
type reply struct {
	status int
	body   []byte
	err    error
}

// send makes a request as the operator.
func send(t *testing.T, method, to string, body any) reply {
	return sendAs(t, masterToken, method, to, body)
}

func sendAs(t *testing.T, token, method, to string, body any) reply {
	text := ""
	if body != nil {
		text = string(jsonOf(t, body))
	}
	return post(t, method, to, "application/json", text, "Authorization: Bearer "+token)
}

// post makes a request with a body and "Name: value" lines.
func post(t *testing.T, method, to, kind, body string, header ...string) reply {
	req, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return reply{err: err}
	}
	req.Header.Set("Content-Type", kind)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	client := http.Client{Timeout: patience}
	resp, err := client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, b, err}
}

// get asks again if the server that answers is killed.
func get(t *testing.T, from string) reply {
	a := send(t, http.MethodGet, from, nil)
	for range 2 {
		if a.err == nil {
			break
		}
		a = send(t, http.MethodGet, from, nil)
	}
	return a
}

func jsonOf(t *testing.T, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	return b
}

func keysOf(t *testing.T, base string) []signature.Key {
	t.Helper()
	var answer struct{ Keys []signature.Key }
	getJSON(t, base+"/-/npm/v1/keys", http.StatusOK, &answer)
	if len(answer.Keys) == 0 {
		t.Fatal("the server has no keys")
	}
	return answer.Keys
}

// getJSON gets a document that must be there.
func getJSON(t *testing.T, from string, status int, into any) {
	t.Helper()
	a := send(t, http.MethodGet, from, nil)
	if a.err != nil || a.status != status {
		t.Fatalf("%s answers %d, want %d: %v %s", from, a.status, status, a.err, a.body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%s: %v", from, err)
	}
}
