package e2e

import (
	"archive/zip"
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/forge/forgetest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/wire"
)

// say sends a request that must be answered so, and reads the answer.
func say(t *testing.T, status int, into any, method, url, token, contentType string, body io.Reader) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && into != nil && resp.StatusCode == status {
		err = json.Unmarshal(text, into)
	}
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%s %s: %d %s, %v; want %d", method, url, resp.StatusCode, text, err, status)
	}
}

// The run of a fork publishes what publish-commit has packed, at a server that is told of forks by its options.
func TestForkByWire(t *testing.T) {
	t.Parallel()
	const token = "a-token-for-the-owners"
	gh := forgetest.New(t)
	s := startServer(t, t.TempDir(), "--token", token, "--fork-previews", "acme/ws", "--github-api-url", gh.URL, "--github-token", forgetest.Token)
	dir, _ := checkout(t, "-- package.json --\n{\"name\": \"@acme/one\", \"version\": \"1.0.0\"}\n-- index.js --\nmodule.exports = 'main'\n")
	publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url, "REGISTRY_TOKEN="+token)).must(t)

	write(t, dir, "-- index.js --\nmodule.exports = 'fork'\n")
	head := commit(t, dir)
	out := t.TempDir()
	publishCommit(t, dir, cleanEnv(), "pack", "--out", out).must(t)
	files, err := filepath.Glob(filepath.Join(out, "*.tgz"))
	if err != nil || len(files) != 1 {
		t.Fatalf("pack left %v, %v", files, err)
	}
	tarball, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: head, HeadRef: "fix", HeadRepo: "mallory/ws", BaseRef: "main", Author: "mallory"})
	gh.PutRun(forgetest.Run{ID: 77, HeadSHA: head, HeadRepo: "mallory/ws"})

	sum := sha512.Sum512(tarball)
	claim, err := json.Marshal(wire.Claim{Repository: "https://github.com/acme/ws", RunID: 77, RunAttempt: 1, SHA: head, Pull: 7, Packages: []wire.ClaimedPackage{
		{Name: "@acme/one", Version: npm.PreviewVersion(head), Integrity: "sha512-" + base64.StdEncoding.EncodeToString(sum[:]), Size: int64(len(tarball))},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var claimed wire.Claimed
	say(t, http.StatusCreated, &claimed, http.MethodPost, s.url+wire.CIPath+"claims", "", "application/json", bytes.NewReader(claim))
	prove := s.url + wire.CIPath + "claims/" + claimed.ID + "/prove"
	say(t, http.StatusForbidden, nil, http.MethodPost, prove, "", "", nil) // nothing is attached yet
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("claim.json")
	if err == nil {
		_, err = io.WriteString(w, claimed.Manifest)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	gh.AddArtifact(forgetest.Artifact{RunID: 77, Name: claimed.Artifact, Zip: b.Bytes()})
	var got wire.Exchanged
	say(t, http.StatusOK, &got, http.MethodPost, prove, "", "", nil)
	say(t, http.StatusNotFound, nil, http.MethodPost, prove, "", "", nil) // on no server again

	var form bytes.Buffer
	f := multipart.NewWriter(&form)
	for _, field := range [][2]string{{"sha", head}, {"repository", "acme/ws"}, {"ref", "pr/7"}} {
		err = errors.Join(err, f.WriteField(field[0], field[1]))
	}
	part, e := f.CreateFormFile("package:@acme/one", "one.tgz")
	if err = errors.Join(err, e); err == nil {
		_, err = part.Write(tarball)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	var published wire.Published
	say(t, http.StatusCreated, &published, http.MethodPost, s.url+"/publish/commit", got.Token, f.FormDataContentType(), &form)
	root := s.url + "/~/acme/ws/-/pr/7/"
	if published.PreviewRegistry != root || !published.Packages[0].Fork {
		t.Errorf("it is published as %+v", published)
	}
	var doc struct {
		Tags map[string]string `json:"dist-tags"`
	}
	say(t, http.StatusOK, &doc, http.MethodGet, root+"@acme%2fone", "", "", nil)
	if doc.Tags["pr-7"] != npm.PreviewVersion(head) || doc.Tags["latest"] == "" || doc.Tags["latest"] == doc.Tags["pr-7"] {
		t.Errorf("the registry of the pull request has %v", doc.Tags)
	}
	doc.Tags = nil
	say(t, http.StatusOK, &doc, http.MethodGet, s.url+"/~/acme/ws/@acme%2fone", "", "", nil)
	if doc.Tags["pr-7"] != "" || len(doc.Tags) == 0 {
		t.Errorf("the registry of the repository has %v", doc.Tags)
	}
	for _, secret := range []string{got.Token, claimed.ID, forgetest.Token} {
		if strings.Contains(s.log(), secret) {
			t.Errorf("the log has the secret %.6s…", secret)
		}
	}
}
