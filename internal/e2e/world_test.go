package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/clients/s3server"
)

// A registry lives in one of two worlds: in its data folder, as one process, or
// in S3 and DynamoDB, as two processes behind a balancer that gives each request
// to the next. Every test runs in both, at the same time, unless it says why not; E2E_WORLD names one.
const (
	worldLocal = "local"
	worldFar   = "far"
)

// stores are the services of the far world, which its tests share: each of
// their registries has a table and a prefix in the bucket of its own.
type stores struct {
	s3     *s3server.Server
	dynamo *clients.MotoServer
}

// far is nil in the local world.
var far *stores

// runElsewhere begins to run the same tests in a world of its own process. To finish waits for them, and says what they
// have said: it would be among what others say.
func runElsewhere(world string) (finish func() (code int), err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(arg string) bool { return strings.HasPrefix(arg, "-test.testlogfile=") })
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), "E2E_WORLD="+world, "E2E_BIN="+bin)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if _, err := cmd.StdinPipe(); err != nil { // it ends with this process
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() int {
		err := cmd.Wait()
		_, _ = said.WriteTo(os.Stdout)
		if err != nil {
			fmt.Fprintf(os.Stderr, "the tests of the world %s: %v\n", world, err)
			return 1
		}
		return 0
	}, nil
}

// enter makes a world the one that tests run in, until leave is called.
func enter(name string) (leave func() error, err error) {
	switch name {
	case worldLocal:
		return func() error { return nil }, nil
	case worldFar:
	default:
		return nil, fmt.Errorf("E2E_WORLD is %q; want %s or %s", name, worldLocal, worldFar)
	}
	fmt.Fprintln(os.Stderr, "the tests on S3 and DynamoDB, with two servers:")
	s3, err := s3server.New(context.Background())
	if err != nil {
		return nil, err
	}
	dynamo, err := clients.StartMoto(context.Background())
	if err != nil {
		return nil, errors.Join(err, s3.Close())
	}
	far = &stores{s3: s3, dynamo: dynamo}
	return func() error {
		far = nil
		return errors.Join(dynamo.Stop(), s3.Close())
	}, nil
}

// worldEnv is what our programs need in their environment to reach the stores.
func worldEnv() (env []string) {
	if far != nil {
		for name, value := range s3server.Environment() {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// onlyLocal skips a test that shows nothing new, or is not possible, in the far world; the reason completes "because".
func onlyLocal(t *testing.T, reason string) {
	t.Helper()
	if far != nil {
		t.Skip("only in the local world, because " + reason)
	}
}

// onlyFar is the other way round.
func onlyFar(t *testing.T, reason string) {
	t.Helper()
	if far == nil {
		t.Skip("only in the far world, because " + reason)
	}
}

// options are those of the processes of a registry, by the data folder of the first.
func (f *stores) options(data string) []string {
	sum := sha256.Sum256([]byte(data))
	name := "t" + hex.EncodeToString(sum[:8])
	return []string{
		"--s3-bucket", s3server.Bucket, "--s3-prefix", name, "--s3-endpoint", f.s3.URL, "--s3-force-path-style",
		"--dynamodb-table", name, "--dynamodb-endpoint", f.dynamo.URL, "--dynamodb-create",
	}
}

// startFar starts two processes and their balancer. A registry is known by its data folder: started with it again, it
// has what it had.
func startFar(t *testing.T, env []string, data string, args []string) *server {
	t.Helper()
	port := "0"
	if i := slices.Index(args, "--port"); i >= 0 {
		port, args = args[i+1], slices.Delete(slices.Clone(args), i, i+2)
	}
	open := !slices.Contains(args, "--token")
	b := newBalancer(t, port, !open)
	s := &server{data: data, addr: b.addr, front: b}
	args = slices.Concat([]string{"--base-url", b.url}, args, far.options(data))
	if !open {
		args = append(args, "--trusted-proxies", "127.0.0.1")
	}
	for _, folder := range []string{data, data + "-second"} {
		s.nodes = append(s.nodes, startNode(t, env, folder, args...))
	}
	for _, n := range s.nodes {
		n.await(t)
		s.url = n.url
	}
	b.serve(s.nodes)
	return s
}

// balancer gives each request to the next server. One that takes no connection is left out; what only reads is asked
// for again when a server breaks off.
type balancer struct {
	addr, url string
	server    *httptest.Server
	transport http.Transport
	turn      atomic.Uint32
	targets   atomic.Pointer[[]string]
}

// newBalancer starts a balancer that ends with the test. One that forwards says for whom, as those of HTTP do. One that
// does not is like those of TCP: a server that is open to its own machine does not take what is forwarded for that.
func newBalancer(t *testing.T, port string, forwards bool) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{addr: l.Addr().String(), transport: http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	b.transport.DialContext = b.dial // each request has a connection of its own
	_, port, _ = net.SplitHostPort(b.addr)
	b.url = "http://localhost:" + port
	b.serve(nil)
	b.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "next"})
			r.Out.Host = r.In.Host
			if forwards {
				r.SetXForwarded()
			}
		},
		Transport:     b,
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}}
	b.server.Start()
	t.Cleanup(b.server.Close)
	return b
}

// serve makes the processes those that requests go to.
func (b *balancer) serve(nodes []*node) {
	list := []string{}
	for _, n := range nodes {
		list = append(list, n.addr)
	}
	b.targets.Store(&list)
}

// RoundTrip is that of http.RoundTripper.
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.transport.RoundTrip(r)
	if err != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		resp, err = b.transport.RoundTrip(r)
	}
	return resp, err
}

// dial connects to the next server.
func (b *balancer) dial(ctx context.Context, network, _ string) (conn net.Conn, err error) {
	list := *b.targets.Load()
	err = errors.New("there is none")
	turn := int(b.turn.Add(1))
	for i := range list {
		if conn, err = new(net.Dialer).DialContext(ctx, network, list[(turn+i)%len(list)]); err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("no server takes a connection: %w", err)
}
