package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients/s3server"
)

// fuse kills a program at one of the requests that it makes, or a moment after it.
type fuse struct {
	mu    sync.Mutex
	left  int
	after time.Duration
	prog  *os.Process
}

// light arms the fuse for the program that is started next.
func (f *fuse) light(requests int, after time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.after, f.prog = requests, after, nil
}

// count counts a request.
func (f *fuse) count() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left != 0 || f.prog == nil {
		return
	}
	prog := f.prog
	if f.after == 0 {
		_ = prog.Kill() // fails only if it has ended
		return
	}
	time.AfterFunc(f.after, func() { _ = prog.Kill() })
}

// run runs a program with the fuse and reports whether it was killed.
func (f *fuse) run(t *testing.T, dir string, env []string, args ...string) (killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "registry-server"), args...)
	// What it can't remove any more goes with the test.
	cmd.Dir, cmd.Env = dir, append(slices.Clip(env), "TMPDIR="+t.TempDir())
	f.mu.Lock() // until the fuse knows it
	err := cmd.Start()
	f.prog = cmd.Process
	f.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed
	return !cmd.ProcessState.Exited()
}

// chance is a source of kill points that a failure can be repeated with.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// moment is up to 4 ms, and as often none.
func moment(r *rand.Rand) time.Duration {
	if r.IntN(2) == 0 {
		return 0
	}
	return time.Duration(r.IntN(4000)) * time.Microsecond
}

// killing is a test of a command that is killed at random points: the tree is whole each time, and in the end as if nothing had been.
func killing(t *testing.T, f *fuse, rounds, requests int, env []string, tree string, prepare func(round int), args func(round int) (dir string, args []string)) {
	t.Helper()
	chances, kills := chance(t), 0
	verify := func() result {
		return exe(t, t.TempDir(), env, filepath.Join(bin, "registry-server"), "verify", "lumen", tree)
	}
	for round := range rounds {
		prepare(round)
		for range 2 {
			f.light(1+chances.IntN(requests), moment(chances))
			dir, command := args(round)
			if f.run(t, dir, env, command...) {
				kills++
			}
			if r := verify(); r.code != 0 && (round > 0 || !strings.Contains(r.stderr, "there is no index.json") && !strings.Contains(r.stderr, "no such file")) {
				t.Fatalf("after a kill in round %d: %v", round, r)
			}
		}
		if round%2 == 0 { // else the next one meets what two killed ones left
			dir, command := args(round)
			f.light(0, 0)
			exe(t, dir, env, filepath.Join(bin, "registry-server"), command...).must(t)
			if r := verify().must(t); strings.Contains(r.stdout, "was killed") {
				t.Errorf("after the command has ended its work: %v", r)
			}
		}
	}
	if kills < rounds/2 {
		t.Errorf("%d kills in %d rounds: the fuse is too long", kills, rounds)
	}
}

// An export to a folder that is killed at any moment leaves a whole tree, and the next one ends its work.
func TestLumenKilledExport(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	front, f := fused(t, s.url)
	work := filepath.Join(t.TempDir(), "www")
	env := cleanEnv("REGISTRY_TOKEN=" + guideToken)
	publish := publishBoth(t, s.url, env)
	killing(t, f, 8, 20, env, work, func(round int) {
		publish(round)
		if round > 1 { // each time all versions are signed anew
			revokeKey(t, env, s.data)
		}
	}, func(int) (string, []string) {
		return t.TempDir(), []string{"export", "lumen", work, "--registry", front}
	})
}

// revokeKey revokes the key that signs.
func revokeKey(t *testing.T, env []string, data string) {
	t.Helper()
	var list struct {
		Keys []struct {
			KeyID string `json:"key_id"`
		} `json:"keys"`
	}
	program := filepath.Join(bin, "registry-server")
	out := exe(t, data, env, program, "key", "list", "--kind", "lumen", "--json", "--data", data).must(t).stdout
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Keys) == 0 {
		t.Fatalf("keys: %s, %v", out, err)
	}
	exe(t, data, env, program, "key", "revoke", "--kind", "lumen", list.Keys[0].KeyID, "--data", data).must(t)
}

// fused is a server whose requests burn a fuse.
func fused(t *testing.T, server string) (string, *fuse) {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	f, pass := &fuse{}, httputil.NewSingleHostReverseProxy(u)
	pass.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // the program is gone
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.count()
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return front.URL, f
}

// publishBoth publishes a version of two packages to a server, each round.
func publishBoth(t *testing.T, server string, env []string) func(round int) {
	return func(round int) {
		for _, name := range []string{"@acme/http", "@acme/uri"} {
			exe(t, lumenPackage(t, name, fmt.Sprintf("1.%d.0", round)), env, filepath.Join(bin, "registry-server"), "publish", "lumen", "--registry", server).must(t)
		}
	}
}

// fusedBucket runs S3 whose writes burn a fuse. Its locks look old, so that nobody waits for a killed program's to end.
func fusedBucket(t *testing.T) (*s3server.Server, *fuse) {
	t.Helper()
	s, f := s3server.Start(t), &fuse{}
	s.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Method != http.MethodPut && r.Method != http.MethodDelete {
			pass.ServeHTTP(&aged{w}, r)
			return
		}
		pass.ServeHTTP(w, r)
		f.count()
	})
	return s, f
}

// aged lets what is read look a minute older than it is.
type aged struct{ http.ResponseWriter }

func (a *aged) WriteHeader(status int) {
	if at, err := http.ParseTime(a.Header().Get("Last-Modified")); err == nil {
		a.Header().Set("Last-Modified", at.Add(-time.Minute).UTC().Format(http.TimeFormat))
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *aged) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// So does one to a bucket.
func TestLumenKilledBucketExport(t *testing.T) {
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	bucket, f := fusedBucket(t)
	tree := "s3://" + s3server.Bucket + "/tree"
	env := cleanEnv(append(bucketEnv(bucket), "REGISTRY_TOKEN="+guideToken)...)
	killing(t, f, 5, 18, env, tree, publishBoth(t, s.url, env), func(int) (string, []string) {
		return t.TempDir(), []string{"export", "lumen", tree, "--registry", s.url}
	})
}

// And a publish into a signed one.
func TestLumenKilledBucketPublish(t *testing.T) {
	bucket, f := fusedBucket(t)
	tree, key := "s3://"+s3server.Bucket+"/tree", filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(key, []byte(`{"secret_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var packages []string
	killing(t, f, 5, 12, cleanEnv(bucketEnv(bucket)...), tree, func(round int) {
		packages = append(packages, lumenPackage(t, "@acme/http", fmt.Sprintf("1.%d.0", round)))
	}, func(round int) (string, []string) {
		return packages[round], []string{"publish", "lumen", "--registry", tree, "--key", key}
	})
}
