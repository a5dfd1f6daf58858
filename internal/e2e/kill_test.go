package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/action/regclient"
)

// A killed server has lost nothing it has answered for. Publishers work against
// it while it is killed at random points; after each restart every publish that
// was acknowledged is whole, and no other is there in part.
func TestKilledServerLosesNothing(t *testing.T) {
	onlyLocal(t, "it is about the embedded store; TestOneOfTwoIsKilled is about the others")
	t.Parallel()
	const rounds = 12
	data := t.TempDir()
	acknowledged := map[string]bool{} // by sha
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
					if a := publishSmall(t, s.url, sha, n); a.err != nil {
						return
					} else if a.status != http.StatusCreated {
						t.Errorf("publishing %s answered %d", sha, a.status)
					}
					mu.Lock()
					acknowledged[sha] = true
					if kill--; kill == 0 {
						s.crash() // it is there: it has just answered
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
		_, acked := acknowledged[sha]
		checkCommit(t, client, n, acked)
	}
	operate(t, s, "", "verify").must(t)
	if len(acknowledged) < rounds {
		t.Errorf("only %d publishes were acknowledged in %d rounds", len(acknowledged), rounds)
	}
}

// checkCommit looks for the n-th commit, which must be whole if it was acknowledged, else whole or not there.
func checkCommit(t *testing.T, client *regclient.Client, n int, acked bool) {
	t.Helper()
	sha := fmt.Sprintf("%040x", n)
	c, err := client.Commit(t.Context(), sha)
	switch {
	case acked && (err != nil || len(c.Packages) != packagesOf(n)):
		t.Errorf("commit %s was acknowledged with %d packages, and has %d (%v)", sha, packagesOf(n), len(c.Packages), err)
	case err == nil && len(c.Packages) != packagesOf(n):
		t.Errorf("commit %s is there in part: %d of %d packages", sha, len(c.Packages), packagesOf(n))
	}
	for _, p := range c.Packages {
		if a := get(t, p.URL); a.err != nil || a.status != http.StatusOK || int64(len(a.body)) != p.Size {
			t.Errorf("%s answers %d with %d bytes, want %d (%v)", p.URL, a.status, len(a.body), p.Size, a.err)
		}
	}
}

func packagesOf(n int) int { return 1 + n%3 }

// publishSmall publishes the n-th commit in the multipart form.
func publishSmall(t *testing.T, url, sha string, n int, header ...string) reply {
	var body strings.Builder
	const boundary = "b0undary"
	fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=\"sha\"\r\n\r\n%s\r\n", boundary, sha)
	for i := range packagesOf(n) {
		name := fmt.Sprintf("p%d", i)
		fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=\"package:%s\"; filename=\"x.tgz\"\r\n\r\n%s\r\n", boundary, name, smallTarball(t, name, n))
	}
	fmt.Fprintf(&body, "--%s--\r\n", boundary)
	return post(t, http.MethodPost, url+"/publish/commit", "multipart/form-data; boundary="+boundary, body.String(), header...)
}
