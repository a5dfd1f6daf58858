package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/org/registry-action/internal/clients"
)

// peer is another server to measure beside ours.
type peer struct {
	url string
	cmd *exec.Cmd
}

// stop ends the peer.
func (p *peer) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	kill := time.AfterFunc(stopTime, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	_ = p.cmd.Wait()
}

// startBare builds and starts the bare net/http server on a folder of files.
func startBare(ctx context.Context, dir, files string) (*peer, error) {
	exe := filepath.Join(dir, "bare")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", exe, "./internal/bench/bare").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the bare server: %w: %s", err, out)
	}
	cmd := exec.CommandContext(ctx, exe, files)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	m := regexp.MustCompile(`listens on (\S+)`).FindStringSubmatch(line)
	if m == nil {
		return nil, fmt.Errorf("the bare server did not start: %w", err)
	}
	return &peer{"http://" + m[1], cmd}, nil
}

const nginxConfig = `%sdaemon off; worker_processes auto; pid nginx.pid; error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  open_file_cache max=100;
  server { listen 127.0.0.1:%d; root %q; }
}
`

// startNginx serves a folder of files.
func startNginx(ctx context.Context, dir, files string) (*peer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root; " // else its workers can't read the files
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, user, port, files), 0o644); err != nil {
		return nil, err
	}
	return startPeer(ctx, dir, nil, port, "/", "nginx", "-p", dir, "-c", config, "-e", "stderr")
}

// verdaccioConfig is what `verdaccio` writes at its first start, as far as it
// matters: htpasswd with bcrypt, any logged-in user may publish, no uplink.
const verdaccioConfig = `storage: ./storage
auth: { htpasswd: { file: ./htpasswd, algorithm: bcrypt, rounds: 10, max_users: 100 } }
packages: { '@*/*': { access: $all, publish: $authenticated }, '**': { access: $all, publish: $authenticated } }
log: { type: stdout, format: json, level: error }
max_body_size: 100mb
web: { enable: false }
`

// startVerdaccio starts the pinned verdaccio on loopback.
func startVerdaccio(ctx context.Context, dir string) (*peer, error) {
	client, err := clients.Install(ctx, clients.Verdaccio)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(verdaccioConfig), 0o644); err != nil {
		return nil, err
	}
	return startPeer(ctx, dir, client.Env, port, "/-/ping", client.Path, "--config", config, "--listen", "127.0.0.1:"+strconv.Itoa(port))
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// startPeer starts a server and waits until it answers.
func startPeer(ctx context.Context, dir string, env []string, port int, path, name string, args ...string) (*peer, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, env, &stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w; install it (apt-get install nginx wrk)", filepath.Base(name), err)
	}
	p := &peer{fmt.Sprintf("http://127.0.0.1:%d", port), cmd}
	for range 300 {
		resp, err := http.Get(p.url + path)
		if err == nil {
			return p, resp.Body.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.stop()
	return nil, fmt.Errorf("%s does not answer: %s", filepath.Base(name), lastPart(stderr.Bytes()))
}

// load is what wrk found.
type load struct {
	perSecond float64
	failed    bool // some answers were no 2xx or did not come
}

var (
	wrkRate   = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkFailed = regexp.MustCompile(`Non-2xx|Socket errors: connect [1-9]|read [1-9]|write [1-9]|timeout [1-9]`)
)

// wrk puts load on a URL for some seconds from 16 connections.
func wrk(ctx context.Context, seconds int, url string, headers ...string) (load, error) {
	args := []string{"-t1", "-c16", fmt.Sprintf("-d%ds", seconds), "--timeout", "60s"}
	for _, h := range headers {
		args = append(args, "-H", h)
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, url)...).CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("running wrk: %w: %s; install it (apt-get install nginx wrk)", err, lastPart(out))
	}
	m := wrkRate.FindSubmatch(out)
	if m == nil {
		return load{}, fmt.Errorf("wrk said: %s", lastPart(out))
	}
	rate, err := strconv.ParseFloat(string(m[1]), 64)
	return load{perSecond: rate, failed: wrkFailed.Match(out)}, err
}

// fetch reads a URL whole.
func fetch(ctx context.Context, url string, headers ...string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s answered %d: %.300s", url, resp.StatusCode, b)
	}
	return b, err
}
