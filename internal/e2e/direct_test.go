package e2e

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// Large parts of a commit go straight to the bucket, and what is published installs as ever.
func TestPublishStraightToTheBucket(t *testing.T) {
	onlyFar(t, "it is about the bucket")
	s := startServer(t, t.TempDir(), "--s3-redirect", "--log-level", "info")
	noise := make([]byte, 2<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // it never fails
	text := hex.EncodeToString(noise)
	dir, sha := checkout(t, fmt.Sprintf("-- package.json --\n{\"name\": \"@acme/large\", \"version\": \"1.0.0\"}\n-- index.js --\nmodule.exports = '%s';\n", text))
	first := publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url)).must(t)
	if strings.Contains(first.stderr, "through the registry") || strings.Contains(first.stdout+first.stderr, "X-Amz") {
		t.Errorf("the first publish: %v", first)
	}
	uploads := 0
	for _, n := range s.nodes {
		uploads += strings.Count(n.log.String(), "method=PUT path=/publish/commit/blobs/")
	}
	if uploads != 1 { // the head
		t.Errorf("%d parts came through the servers, want the small one alone", uploads)
	}
	again := publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url)).must(t)
	if !strings.Contains(again.stdout+again.stderr, "published before") {
		t.Errorf("the second publish: %v", again)
	}
	// It was packed in two parts, which the server puts together.
	resp, err := http.Get(s.url + "/commits/" + sha + "/@acme/large/tarball")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Host != strings.TrimPrefix(s.url, "http://") {
		t.Errorf("the tarball: %s from %s", resp.Status, resp.Request.URL.Host)
	}
	m := manager{"npm", "npx", clients.NPM11, "", ""}
	app, r := m.run(t, "npm install "+s.url+"/commits/"+sha+"/@acme/large/tarball")
	if r.must(t); !strings.Contains(read(t, filepath.Join(app, "node_modules", "@acme", "large", "index.js")), text) {
		t.Error("other bytes are installed")
	}
}
