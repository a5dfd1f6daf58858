package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/action/regclient"
)

// A killed server has lost nothing it has answered for. Publishers work against
// it while it is killed at random points; after each restart every publish that
// was acknowledged is whole, and no other is there in part.
func TestKilledServerLosesNothing(t *testing.T) {
	const rounds = 12
	data := t.TempDir()
	acknowledged := map[string]int{} // sha -> packages
	next := 0
	for range rounds {
		s := startServer(t, data)
		kill := 1 + rand.IntN(6)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					mu.Lock()
					next++
					n := next
					mu.Unlock()
					sha := fmt.Sprintf("%040x", n)
					if !publishSmall(t, s.url, sha, n) {
						return
					}
					mu.Lock()
					acknowledged[sha] = packagesOf(n)
					if kill--; kill == 0 {
						_ = s.cmd.Process.Kill()
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		s.kill()
	}
	s := startServer(t, data)
	client, err := regclient.New(regclient.Options{BaseURL: s.url})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= next; n++ {
		sha := fmt.Sprintf("%040x", n)
		c, err := client.Commit(t.Context(), sha)
		want, acked := acknowledged[sha]
		switch {
		case acked && (err != nil || len(c.Packages) != want):
			t.Errorf("commit %s was acknowledged with %d packages, and has %d (%v)", sha, want, len(c.Packages), err)
		case !acked && err == nil && len(c.Packages) != packagesOf(n):
			t.Errorf("commit %s is there in part: %d of %d packages", sha, len(c.Packages), packagesOf(n))
		}
		for _, p := range c.Packages {
			resp, err := http.Get(p.URL)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 200 || resp.ContentLength != p.Size {
				t.Errorf("%s answers %d with %d bytes, want %d", p.URL, resp.StatusCode, resp.ContentLength, p.Size)
			}
		}
	}
	if len(acknowledged) < rounds {
		t.Errorf("only %d publishes were acknowledged in %d rounds", len(acknowledged), rounds)
	}
}

func packagesOf(n int) int { return 1 + n%3 }

// publishSmall publishes a commit in the multipart form; false means the server is gone.
func publishSmall(t *testing.T, url, sha string, n int) bool {
	var body strings.Builder
	const boundary = "b0undary"
	fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=\"sha\"\r\n\r\n%s\r\n", boundary, sha)
	for i := range packagesOf(n) {
		name := fmt.Sprintf("p%d", i)
		fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=\"package:%s\"; filename=\"x.tgz\"\r\n\r\n%s\r\n", boundary, name, smallTarball(t, name, n))
	}
	fmt.Fprintf(&body, "--%s--\r\n", boundary)
	client := http.Client{Timeout: 20 * time.Second}
	resp, err := client.Post(url+"/publish/commit", "multipart/form-data; boundary="+boundary, strings.NewReader(body.String()))
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("publishing %s answered %d", sha, resp.StatusCode)
	}
	return true
}
