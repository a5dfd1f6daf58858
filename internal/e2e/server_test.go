package e2e

import (
	"bufio"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// server is a running registry, of one process or of several behind a balancer.
type server struct {
	data  string // the data folder of the first process
	addr  string // what it listens on
	url   string // what its links begin with
	nodes []*node
	front *balancer // nil: none
}

// freePort is one that nobody listens on. Who asks the system for any is given one above these, so it stays free.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(12000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// startServer starts a registry on a free port of loopback.
func startServer(t *testing.T, data string, args ...string) *server {
	t.Helper()
	return startServerIn(t, cleanEnv(), data, args...)
}

// startServerIn is startServer with an environment.
func startServerIn(t *testing.T, env []string, data string, args ...string) *server {
	t.Helper()
	if far != nil {
		return startFar(t, env, data, args)
	}
	n := startNode(t, env, data, args...)
	n.await(t)
	return &server{data: data, addr: n.addr, url: n.url, nodes: []*node{n}}
}

// kill ends the server as a crash would.
func (s *server) kill() {
	s.crash()
	for _, n := range s.nodes {
		n.kill()
	}
	s.leave()
}

// leave frees the balancer's port.
func (s *server) leave() {
	if s.front != nil {
		s.front.server.Close()
	}
}

// crash is kill without waiting for the end. It may have ended.
func (s *server) crash() {
	for _, n := range s.nodes {
		_ = n.cmd.Process.Kill()
	}
}

// stop asks the server to stop and returns how it ended.
func (s *server) stop() error {
	var err error
	for _, n := range s.nodes {
		err = errors.Join(err, n.stop())
	}
	s.leave()
	return err
}

// restart starts a killed process again, at another port.
func (s *server) restart(t *testing.T, n *node) {
	t.Helper()
	again := startNode(t, n.cmd.Env, n.data, n.args...)
	again.await(t)
	s.nodes[slices.Index(s.nodes, n)] = again
	s.front.serve(s.nodes)
}

// log is what the processes have said.
func (s *server) log() string {
	var b strings.Builder
	for _, n := range s.nodes {
		b.WriteString(n.log.String())
	}
	return b.String()
}

// node is a process of registry-server.
type node struct {
	cmd   *exec.Cmd
	data  string
	args  []string
	addr  string // what it listens on
	url   string // what its links begin with
	log   transcript
	ready chan struct{} // closed when it listens
	gone  chan struct{} // closed when it has ended
	err   error         // how it has ended
}

// startNode starts a process, which ends with the test, on a free port of loopback; await it before it is used.
func startNode(t *testing.T, env []string, data string, args ...string) *node {
	t.Helper()
	n := &node{data: data, args: args, ready: make(chan struct{}), gone: make(chan struct{})}
	n.cmd = exec.Command(filepath.Join(bin, "registry-server"), slices.Concat([]string{"--port", "0", "--data", data, "--log-level", "error"}, args)...)
	n.cmd.Env = env
	n.cmd.Stderr = io.MultiWriter(t.Output(), &n.log)
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go n.follow(out)
	t.Cleanup(n.kill)
	return n
}

var listens = regexp.MustCompile(`listens on (\S+)\n +links begin with (\S+)`)

// follow reads what the process says to its end.
func (n *node) follow(stdout io.Reader) {
	defer close(n.gone)
	r, greeting := bufio.NewReader(stdout), ""
	for n.url == "" {
		line, err := r.ReadString('\n')
		if err != nil {
			break
		}
		greeting += line
		if m := listens.FindStringSubmatch(greeting); m != nil {
			n.addr, n.url = m[1], m[2]
			close(n.ready)
		}
	}
	_, _ = io.Copy(io.Discard, r)
	n.err = n.cmd.Wait()
}

// await returns when the process listens.
func (n *node) await(t *testing.T) {
	t.Helper()
	select {
	case <-n.ready:
	case <-n.gone:
		t.Fatalf("registry-server ended before it listened: %v", n.err)
	}
}

// kill ends the process as a crash would.
func (n *node) kill() {
	_ = n.cmd.Process.Kill() // it may have ended
	<-n.gone
}

// stop asks the process to stop and returns how it ended.
func (n *node) stop() error {
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return n.end()
}

// end waits for the end and returns how it was.
func (n *node) end() error {
	<-n.gone
	return n.err
}
