package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/action/regclient"
)

const asMaster = "Authorization: Bearer " + masterToken

// Of two servers one is killed at random points, while npm releases, commits, Zig and Lumen packages are published, and
// started again. The other goes on: what was acknowledged is there, nothing is there in part, what was cut off can be
// repeated at once, and of many who publish one version one wins.
func TestOneOfTwoIsKilled(t *testing.T) {
	onlyFar(t, "it is about several servers")
	const rounds = 3
	data := t.TempDir()
	s := startServer(t, data, "--no-npm-fallback", "--token", masterToken)
	maintainers := []*maintainer{newMaintainer("@acme/one"), newMaintainer("two")}
	lines := []*line{commitLine(), zigLine(), lumenLine()}
	for round := range rounds {
		victim := s.nodes[rand.IntN(2)]
		killed := publishWhileKilled(t, s, victim, maintainers, lines, fmt.Sprintf("raced-%d", round))
		t.Logf("round %d: %d changes were acknowledged before the kill, %d after it", round, killed.before, killed.after)
		if killed.after == 0 {
			t.Error("after the kill the other server acknowledged nothing")
		}
		s.restart(t, victim)
		if t.Failed() {
			return
		}
	}
	for _, n := range s.nodes {
		for _, m := range maintainers {
			m.check(t, "http://"+n.addr)
		}
		for _, l := range lines {
			for i := range l.next {
				l.whole(t, "http://"+n.addr, i)
			}
		}
	}
	exe(t, t.TempDir(), cleanEnv("REGISTRY_TOKEN="+masterToken), filepath.Join(bin, "registry-server"), "verify", "lumen", s.url+"/lumen").must(t)
}

// progress counts changes that were acknowledged before and after a server was killed.
type progress struct {
	mu            sync.Mutex
	killAt        int
	before, after int
	kill          func()
}

// acked counts a change, and kills when it is time.
func (p *progress) acked() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.before == p.killAt {
		p.after++
		return
	}
	if p.before++; p.before == p.killAt {
		p.kill()
	}
}

// enough reports whether the round may end.
func (p *progress) enough() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.after >= 12
}

// publishWhileKilled lets all publish at the same time, until the other server has gone on for a while.
func publishWhileKilled(t *testing.T, s *server, victim *node, maintainers []*maintainer, lines []*line, raced string) *progress {
	p := &progress{killAt: 1 + rand.IntN(12), kill: func() { _ = victim.cmd.Process.Kill() }}
	var wg sync.WaitGroup
	for _, m := range maintainers {
		wg.Go(func() {
			for !p.enough() && !t.Failed() {
				c := m.choose()
				if !m.do(t, s.url, c) {
					m.doubt = &c
					m.cut++
					return
				}
				p.acked()
			}
		})
	}
	for _, l := range lines {
		wg.Go(func() {
			for !p.enough() && !t.Failed() {
				l.one(t, s.url, victim)
				p.acked()
			}
		})
	}
	var winner *maintainer
	wg.Go(func() { winner = race(t, s.url, raced, victim) })
	wg.Wait()
	victim.kill()
	if winner != nil {
		maintainers = append(slices.Clone(maintainers), winner)
	}
	for _, m := range maintainers {
		m.check(t, s.url) // of the one that is left
	}
	return p
}

// race publishes one version many times, each time with other bytes; who was cut off tries again. It returns who won.
func race(t *testing.T, url, name string, victim *node) *maintainer {
	var mu sync.Mutex
	var winners []*maintainer
	var wg sync.WaitGroup
	for range 6 {
		m := newMaintainer(name)
		wg.Go(func() {
			publish := func() reply { return send(t, http.MethodPut, url+"/"+name, m.document(t, "1.0.0")) }
			a, won := publish(), http.StatusCreated
			if a.err != nil {
				<-victim.gone
				a = publish()
				if a.status == http.StatusOK {
					won = http.StatusOK // its bytes were there: it was cut off after it had won
				}
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case a.err == nil && a.status == won:
				winners = append(winners, m)
			case a.status != http.StatusConflict && a.status != http.StatusForbidden:
				t.Errorf("who lost the race for %s is answered %d %s %v", name, a.status, a.body, a.err)
			}
		})
	}
	wg.Wait()
	if len(winners) != 1 {
		t.Errorf("%d publishes of %s@1.0.0 won", len(winners), name)
		return nil
	}
	winners[0].happened(t, change{"publish", "1.0.0"}, reply{})
	return winners[0]
}

// line is a kind of package of which one after the other is published.
type line struct {
	name    string
	publish func(t *testing.T, url string, n int) reply
	whole   func(t *testing.T, url string, n int) // fails the test unless the n-th is there with all its bytes
	next    int
}

// one publishes the next, again if it is cut off.
func (l *line) one(t *testing.T, url string, victim *node) {
	n := l.next
	l.next++
	a := l.publish(t, url, n)
	if a.err != nil {
		<-victim.gone
		a = l.publish(t, url, n)
	}
	if a.err != nil || a.status/100 != 2 {
		t.Errorf("publishing %s %d answers %d %s %v", l.name, n, a.status, a.body, a.err)
		return
	}
	l.whole(t, url, n)
}

func commitLine() *line {
	return &line{
		name: "commit",
		publish: func(t *testing.T, url string, n int) reply {
			return publishSmall(t, url, fmt.Sprintf("%040x", n), n, asMaster)
		},
		whole: func(t *testing.T, url string, n int) {
			client, err := regclient.New(regclient.Options{BaseURL: url, Token: masterToken})
			if err != nil {
				t.Error(err)
				return
			}
			checkCommit(t, client, n, true)
		},
	}
}

func zigLine() *line {
	return &line{
		name: "zig",
		publish: func(t *testing.T, url string, n int) reply {
			version := fmt.Sprintf("1.%d.0", n)
			archive := tarOf(t, true, "lib/build.zig.zon", zigManifest("killed", version, false, ""), "lib/build.zig", "", "lib/root.zig", version)
			return post(t, http.MethodPost, url+"/zig/publish", "application/json", string(jsonOf(t, map[string]any{"tarball": archive})), asMaster)
		},
		whole: func(t *testing.T, url string, n int) {
			var v struct{ Checksum, TarballURL string }
			readJSON(t, fmt.Sprintf("%s/zig/packages/killed/1.%d.0", url, n), &v)
			wantSum(t, v.TarballURL, v.Checksum[len("sha256:"):])
		},
	}
}

func lumenLine() *line {
	const name = "@acme/killed"
	return &line{
		name: "lumen",
		publish: func(t *testing.T, url string, n int) reply {
			version := fmt.Sprintf("1.%d.0", n)
			archive := tarOf(t, false, "lumen.toml", fmt.Sprintf("[package]\nname = %q\nversion = %q\n", name, version))
			body := jsonOf(t, map[string]any{"name": name, "version": version, "tarball": archive})
			return post(t, http.MethodPut, url+"/lumen/v1/wares", "application/json", string(body), asMaster)
		},
		whole: func(t *testing.T, url string, n int) {
			var v struct{ Artifacts []struct{ Hash, URL string } }
			readJSON(t, fmt.Sprintf("%s/lumen/packages/%s/1.%d.0.json", url, name, n), &v)
			for _, a := range v.Artifacts {
				wantSum(t, url+"/lumen/"+a.URL, a.Hash[len("sha256:"):])
			}
			if len(v.Artifacts) == 0 {
				t.Errorf("%s@1.%d.0 has no artifacts", name, n)
			}
		},
	}
}

// readJSON is getJSON for goroutines: it does not end the test.
func readJSON(t *testing.T, from string, into any) {
	a := get(t, from)
	if a.err != nil || a.status != http.StatusOK || json.Unmarshal(a.body, into) != nil {
		t.Errorf("%s answers %d %.200s %v", from, a.status, a.body, a.err)
	}
}

// wantSum gets a file, which must have the SHA-256 sum.
func wantSum(t *testing.T, from, want string) {
	a := get(t, from)
	if sum := sha256.Sum256(a.body); a.err != nil || a.status != http.StatusOK || hex.EncodeToString(sum[:]) != want {
		t.Errorf("%s answers %d with %d bytes, whose sum is not %s, %v", from, a.status, len(a.body), want, a.err)
	}
}

// tarOf makes an archive of names, each followed by its content.
func tarOf(t *testing.T, compressed bool, files ...string) []byte {
	var b bytes.Buffer
	var out io.WriteCloser = struct {
		io.Writer
		io.Closer
	}{&b, io.NopCloser(nil)}
	if compressed {
		out = gzip.NewWriter(&b)
	}
	tw := tar.NewWriter(out)
	for i := 0; i < len(files); i += 2 {
		err := tw.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))})
		if _, writeErr := io.WriteString(tw, files[i+1]); errors.Join(err, writeErr) != nil {
			t.Error(err, writeErr)
		}
	}
	if err := errors.Join(tw.Close(), out.Close()); err != nil {
		t.Error(err)
	}
	return b.Bytes()
}
