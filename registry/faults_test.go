package registry_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients"
)

const (
	nuisance    = 1500 * time.Millisecond // how long what nobody needs to notice goes on
	afterwards  = 6                       // publishes that show that all is well again
	loadWorkers = 4
)

// While the stores are slow, half-open, away, throttled or broken, on the way there or back, clients publish and
// install on two servers. What was acknowledged stays, nothing is there in part, who can't be served is told to come
// back, and all goes on without a restart when the stores are well again.
func TestFaultsOfTheStores(t *testing.T) {
	before := held()
	t.Run("run", func(t *testing.T) { // its servers are closed at its end
		l := newBadLine(t)
		load := newLoad(t, l.nodes)
		stop := load.run()
		for _, o := range outages() {
			begun := time.Now()
			acked, away := load.counts()
			o.begin(l)
			if o.until > 0 {
				load.await("requests that are told to come back during "+o.name, func(_, now int) bool { return now >= away+o.until })
			} else {
				time.Sleep(nuisance) // it is the time in which something may go wrong
			}
			l.heal()
			during, told := load.counts()
			load.await("publishes after "+o.name, func(now, _ int) bool { return now >= during+afterwards })
			t.Logf("%s: %d publishes were acknowledged, %d requests told to come back, well again after %s", o.name, during-acked, told-away, time.Since(begun).Round(time.Millisecond))
			if t.Failed() {
				break
			}
		}
		stop()
		load.check()
		load.install()
	})
	before.compare(t)
}

// release is one or several packages that are published together.
type release struct {
	files   map[string]string // by path
	publish func(n *node) (*http.Request, error)
	acked   bool
}

// load publishes and reads until it is stopped, and knows what must be there.
type load struct {
	t      *testing.T
	nodes  []*node
	client *http.Client
	quit   chan struct{}

	mu          sync.Mutex
	changed     chan struct{} // closed when the counts change
	acked, away int
	releases    []*release
	newest      map[string]string // of npm packages, by name
}

func newLoad(t *testing.T, nodes []*node) *load {
	l := &load{
		t: t, nodes: nodes, client: &http.Client{Transport: &http.Transport{}, Timeout: patience},
		quit: make(chan struct{}), changed: make(chan struct{}), newest: map[string]string{},
	}
	t.Cleanup(l.client.CloseIdleConnections)
	return l
}

// run starts the workers; stop ends them and waits.
func (l *load) run() (stop func()) {
	var wg sync.WaitGroup
	for w := range loadWorkers {
		wg.Go(func() {
			for i := 0; !l.ended(); i++ {
				if w%2 == 0 {
					l.deliver(l.npm(fmt.Sprintf("@load/w%d", w), fmt.Sprintf("1.%d.0", i)), l.nodes[i%2])
				} else {
					l.deliver(l.commit(w, i), l.nodes[i%2])
				}
				l.read(l.nodes[(i+1)%2])
			}
		})
	}
	return sync.OnceFunc(func() {
		close(l.quit)
		wg.Wait()
	})
}

func (l *load) ended() bool {
	select {
	case <-l.quit:
		return true
	default:
		return l.t.Failed()
	}
}

func (l *load) npm(name, version string) *release {
	tarball := tgz(l.t, name, version, "of "+name)
	return &release{
		files: map[string]string{"/" + name + "/-/" + filepath.Base(name) + "-" + version + ".tgz": tarball},
		publish: func(n *node) (*http.Request, error) {
			r, err := http.NewRequestWithContext(l.t.Context(), http.MethodPut, n.url+"/"+name, strings.NewReader(document(name, version, tarball)))
			if err == nil {
				r.Header.Set("Content-Type", "application/json")
			}
			return r, err
		},
	}
}

func (l *load) commit(w, i int) *release {
	sha := fmt.Sprintf("%02x%038x", w, i)
	r := &release{files: map[string]string{}}
	fields := []string{"sha", sha, "repository", "org/repo"}
	for _, name := range []string{"@load/a", "@load/b"} {
		tarball := tgz(l.t, name, "1.0.0", sha)
		r.files["/commits/"+sha+"/"+name+"/tarball"] = tarball
		fields = append(fields, "package:"+name, tarball)
	}
	r.publish = func(n *node) (*http.Request, error) {
		body, header := form(l.t, fields...)
		req, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, n.url+"/publish/commit", body)
		if err == nil {
			req.Header.Set("Content-Type", strings.TrimPrefix(header, "Content-Type: "))
		}
		return req, err
	}
	return r
}

// deliver publishes until it is acknowledged, at the one server or the other.
func (l *load) deliver(r *release, n *node) {
	l.mu.Lock()
	l.releases = append(l.releases, r)
	l.mu.Unlock()
	for !l.ended() {
		req, err := r.publish(n)
		if err != nil {
			l.t.Error(err)
			return
		}
		if status, _ := l.ask(req, http.StatusCreated, http.StatusOK); status/100 == 2 {
			l.count(func() { l.acked++; r.acked = true })
			return
		}
	}
}

// read gets something that was acknowledged.
func (l *load) read(n *node) {
	l.mu.Lock()
	acked := slices.DeleteFunc(slices.Clone(l.releases), func(r *release) bool { return !r.acked })
	l.mu.Unlock()
	if len(acked) == 0 {
		return
	}
	for path, want := range acked[rand.IntN(len(acked))].files {
		req, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, n.url+path, nil)
		if err != nil {
			l.t.Error(err)
			return
		}
		if status, body := l.ask(req, http.StatusOK); status == http.StatusOK && body != want {
			l.t.Errorf("%s has %d other bytes", path, len(body))
		}
		return
	}
}

// ask makes a request that must be answered as wanted, or told to come back. Status is 0 if the answer broke off.
func (l *load) ask(r *http.Request, want ...int) (status int, text string) {
	resp, err := l.client.Do(r)
	if err != nil {
		l.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case slices.Contains(want, resp.StatusCode):
		if err != nil {
			return 0, ""
		}
	case resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !bytes.Contains(body, []byte("store_unavailable")):
		l.t.Errorf("%s %s = %d %s, Retry-After %q", r.Method, r.URL.Path, resp.StatusCode, body, resp.Header.Get("Retry-After"))
	default:
		l.count(func() { l.away++ })
	}
	return resp.StatusCode, string(body)
}

func (l *load) count(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *load) counts() (acked, away int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked, l.away
}

// await waits until the counts are as they should.
func (l *load) await(what string, enough func(acked, away int) bool) {
	l.t.Helper()
	late := time.After(patience)
	for {
		l.mu.Lock()
		acked, away, changed := l.acked, l.away, l.changed
		l.mu.Unlock()
		if enough(acked, away) {
			return
		}
		select {
		case <-changed:
		case <-late:
			l.t.Errorf("after %s there are not enough %s", patience, what)
			return
		}
	}
}

// get is a get of somebody who comes back when told to: on a slow machine the stores may be late although they are well.
func (l *load) get(n *node, path string) answer {
	l.t.Helper()
	for late := time.Now().Add(patience); ; {
		if a := n.get(path); a.StatusCode != http.StatusServiceUnavailable || time.Now().After(late) {
			return a
		}
	}
}

// check reads everything from both servers.
func (l *load) check() {
	l.t.Helper()
	for i, r := range l.releases {
		n := l.nodes[i%2]
		there := 0
		for path, want := range r.files {
			switch a := l.get(n, path); {
			case a.StatusCode == http.StatusOK && string(a.body) == want:
				there++
			case a.StatusCode != http.StatusNotFound || r.acked:
				l.t.Errorf("%s = %d, %d bytes, want %d; acknowledged: %v", path, a.StatusCode, len(a.body), len(want), r.acked)
			}
		}
		if there != 0 && there != len(r.files) {
			l.t.Errorf("of %v there are %d", slices.Collect(maps.Keys(r.files)), there)
		}
	}
	for w := 0; w < loadWorkers; w += 2 {
		name := fmt.Sprintf("@load/w%d", w)
		versions := l.get(l.nodes[0], "/"+name).json(l.t)["versions"].(map[string]any)
		for version := range versions {
			if a := l.get(l.nodes[1], "/"+name+"/-/"+filepath.Base(name)+"-"+version+".tgz"); a.StatusCode != http.StatusOK {
				l.t.Errorf("%s@%s is listed, and its bytes answer %d", name, version, a.StatusCode)
			}
			l.newest[name] = cmp.Or(l.newest[name], version)
		}
	}
}

// install lets npm have some of it, which checks the bytes.
func (l *load) install() {
	l.t.Helper()
	npm := clients.Get(l.t, clients.NPM11)
	args := []string{"install", "--no-audit", "--no-fund", "--ignore-scripts", "--registry", l.nodes[1].url + "/"}
	for name, version := range l.newest {
		args = append(args, name+"@"+version, name+"@latest")
	}
	cmd := exec.CommandContext(l.t.Context(), npm.Path, args...)
	cmd.Dir, cmd.Env = l.t.TempDir(), npm.With("npm_config_cache="+l.t.TempDir(), "npm_config_userconfig="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		l.t.Errorf("npm: %v\n%s", err, out)
	}
	for name := range l.newest {
		if _, err := os.Stat(filepath.Join(cmd.Dir, "node_modules", name, "index.js")); err != nil {
			l.t.Error(err)
		}
	}
}
