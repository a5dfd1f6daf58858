package registry_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/registry"
)

// Two sweepers at once, while commits are published whose bytes are just being removed, since they are those of commits
// that have expired: what is acknowledged is there on every server, and in the end nothing is left.
func TestSweepersAndPublishers(t *testing.T) {
	const rounds, expired = 3, 28 * time.Hour // by then bytes that were kept for a day more may go
	for _, world := range []string{"one server", "two servers"} {
		t.Run(world, func(t *testing.T) {
			k := storetest.ClockAt(time.Now())
			c := registry.Config{Retention: time.Hour, Now: k.Now}
			var nodes []*node
			if world == "one server" {
				n := start(t, c)
				nodes = []*node{n, n}
			} else {
				_, c.DynamoDB = onTable(t)
				_, c.S3 = onS3(t)
				c.CacheSize = 1 // nothing is kept here
				nodes = []*node{start(t, c), start(t, c)}
			}
			kept := tgz(t, "kept", "1.0.0", "for ever")
			if _, err := nodes[0].Publish(t.Context(), strings.NewReader(kept)); err != nil {
				t.Fatal(err)
			}
			p := &republisher{t: t, nodes: nodes}
			for round := range rounds {
				var sweepers sync.WaitGroup
				if round > 0 {
					k.Pass(expired)
					for _, n := range nodes {
						sweepers.Go(func() { sweepOnce(t, n) })
					}
				}
				old := p.files
				p.publish(round, &sweepers)
				sweepers.Wait() // one that goes on after the time has passed takes what the last sweep should find
				nodes[0].sound()
				for _, n := range nodes {
					n.wantAll(p.files)
					for path := range old {
						if a := n.get(path); a.StatusCode != http.StatusNotFound {
							t.Errorf("round %d: %s of an expired commit answers %d", round, path, a.StatusCode)
						}
					}
				}
				t.Logf("round %d: %d commits, %d requests told to come back", round, len(p.files), p.busy)
			}
			k.Pass(expired)
			if total := sweepOnce(t, nodes[0]); total.Blobs != sweptBlobs || total.Commits != len(p.files) {
				t.Errorf("the last sweep removed %+v, want %d commits and their %d blobs", total, len(p.files), sweptBlobs)
			}
			nodes[0].sound()
			for _, n := range nodes {
				n.wantAll(map[string]string{"/kept/-/kept-1.0.0.tgz": kept})
				if strings.Contains(n.log.String(), "sweeping") {
					t.Error("the log tells of a sweep that failed")
				}
			}
		})
	}
}

func sweepOnce(t *testing.T, n *node) registry.Swept {
	swept, err := n.Sweep(t.Context())
	if err != nil {
		t.Error(err)
	}
	return swept
}

const (
	sweptBlobs  = 3 // that the commits share
	republishes = 8 // of a blob in a round, at most
)

// republisher publishes commits of always the same few blobs.
type republisher struct {
	t     *testing.T
	nodes []*node

	mu    sync.Mutex
	files map[string]string // of this round
	busy  int               // requests that were told to come back
}

// publish publishes a commit of each blob, and more until the sweepers are done.
func (p *republisher) publish(round int, sweepers *sync.WaitGroup) {
	p.files, p.busy = map[string]string{}, 0
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		sweepers.Wait()
	}()
	var wg sync.WaitGroup
	for i := range sweptBlobs {
		wg.Go(func() {
			for n := range republishes {
				p.one(fmt.Sprintf("%02x%02x%036x", round, i, n), tgz(p.t, "@sweep/a", "1.0.0", fmt.Sprint(i)), p.nodes[(i+n)%2])
				select {
				case <-swept:
					return
				default:
				}
			}
		})
	}
	wg.Wait()
}

// one publishes a commit, again while its bytes are being removed.
func (p *republisher) one(sha, tarball string, n *node) {
	for !p.t.Failed() {
		body, header := form(p.t, "sha", sha, "repository", "org/repo", "package:@sweep/a", tarball)
		req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, n.url+"/publish/commit", body)
		if err != nil {
			p.t.Error(err)
			return
		}
		req.Header.Set("Content-Type", strings.TrimPrefix(header, "Content-Type: "))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			p.t.Error(err)
			return
		}
		resp.Body.Close()
		p.mu.Lock()
		taken := resp.StatusCode == http.StatusCreated || resp.StatusCode == http.StatusOK // the table was asked twice
		switch {
		case taken:
			p.files["/commits/"+sha+"/@sweep/a/tarball"] = tarball
		case resp.StatusCode == http.StatusServiceUnavailable:
			p.busy++
		default:
			p.t.Errorf("publishing %s answers %d", sha, resp.StatusCode)
		}
		p.mu.Unlock()
		if taken {
			return
		}
	}
}

// A packument is never older on a second server than the last acknowledged change, however it came about and whatever
// that server has in memory: docs/operating.md promises every server's next answer.
func TestNothingIsStale(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	c := registry.Config{S3: bucket, DynamoDB: table}
	nodes := []*node{start(t, c), start(t, c)}
	forms := map[string]string{"full": "application/json", "abbreviated": "application/vnd.npm.install-v1+json"}
	etags := map[string]string{}
	for i := range 8 {
		writer, reader := nodes[i%2], nodes[(i+1)%2]
		version := fmt.Sprintf("1.%d.0", i)
		if a := writer.publish("fresh", version); a.StatusCode != http.StatusCreated {
			t.Fatalf("publishing %s: %d %s", version, a.StatusCode, a.body)
		}
		seen := map[string]string{}
		for form, accept := range forms {
			// Asked twice, so that the second answer may come from memory; and on the condition that it has changed.
			for range 2 {
				a := reader.get("/fresh", "Accept: "+accept, "If-None-Match: "+etags[form+reader.url])
				if a.StatusCode != http.StatusOK {
					t.Fatalf("the %s packument after %s = %d, want the new one", form, version, a.StatusCode)
				}
				if latest := a.json(t)["dist-tags"].(map[string]any)["latest"]; latest != version {
					t.Errorf("the %s packument has %v for the latest, want %s", form, latest, version)
				}
				seen[form+reader.url] = a.Header.Get("ETag")
			}
		}
		maps.Copy(etags, seen)
		tag := writer.request(http.MethodPut, "/-/package/fresh/dist-tags/old", strings.NewReader(`"1.0.0"`), "Content-Type: application/json")
		if i == 0 && tag.StatusCode/100 != 2 {
			t.Fatalf("tagging: %d %s", tag.StatusCode, tag.body)
		}
		sha := fmt.Sprintf("%010x%030x", i+1, 0)
		preview := "0.0.0-commit.g" + sha[:10]
		if a := writer.postForm("sha", sha, "repository", "org/repo", "ref", "pr/7", "package:fresh", tgz(t, "fresh", preview, "x")); a.StatusCode != http.StatusCreated {
			t.Fatalf("the commit: %d %s", a.StatusCode, a.body)
		}
		if got := reader.get("/~/org/repo/fresh").json(t)["dist-tags"].(map[string]any)["pr-7"]; got != preview {
			t.Errorf("the preview's pr-7 is %v, want %s", got, preview)
		}
	}
}

// The first sweep of a new table does not ask for each hour in which something could be due.
func TestFirstSweepOfATable(t *testing.T) {
	server, table := onTable(t)
	_, bucket := onS3(t)
	var asked atomic.Int64
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		asked.Add(1)
		pass.ServeHTTP(w, r)
	})
	for name, c := range map[string]registry.Config{"first": {DynamoDB: table, S3: bucket}, "second": {DynamoDB: table, S3: bucket}} {
		n := start(t, c)
		before := asked.Load()
		sweepOnce(t, n)
		if got := asked.Load() - before; got > 100 {
			t.Errorf("the %s server made %d requests", name, got)
		}
	}
}

// A table that was in use without a bucket, and was swept, gets one.
func TestBucketForASweptTable(t *testing.T) {
	_, table := onTable(t)
	n := start(t, registry.Config{DynamoDB: table, Retention: time.Hour})
	sweepOnce(t, n)
	n.stop()
	_, bucket := onS3(t)
	n = start(t, registry.Config{DynamoDB: table, S3: bucket})
	n.wantAll(n.publishAll())
}
