package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// server is a running registry-server.
type server struct {
	url   string // of the proxy, if there is one
	proxy *proxy
	cmd   *exec.Cmd
	done  chan error // nil once it has ended
	log   tail
}

var listens = regexp.MustCompile(`listens on \S+:(\d+)`)

// stopTime is what a server gets to end by itself.
const stopTime = 20 * time.Second

// startServer starts a server on a data folder. Whoever calls it calls stop.
func (b *bench) startServer(ctx context.Context, data string, args ...string) (*server, error) {
	return b.start(ctx, nil, append(args, "--data", data))
}

// startCounted starts a server behind a proxy, to which its links lead.
func (b *bench) startCounted(ctx context.Context, data string) (*server, error) {
	p, err := newProxy()
	if err != nil {
		return nil, err
	}
	s, err := b.start(ctx, p, []string{"--data", data, "--base-url", p.url})
	if err != nil {
		p.close()
		return nil, err
	}
	if err := p.serve(s.url); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.url = p.url
	return s, nil
}

func (b *bench) start(ctx context.Context, p *proxy, args []string) (*server, error) {
	args = append(args, "--port", "0", "--log-level", "error")
	s := &server{proxy: p, cmd: exec.CommandContext(ctx, filepath.Join(b.Bin, "registry-server"), args...), done: make(chan error, 1)}
	s.cmd.Env, s.cmd.Stderr = environment(), &s.log
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = stopTime
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting registry-server: %w", err)
	}
	lines := bufio.NewReader(out)
	for s.url == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("registry-server ended before it listened: %w: %s", errors.Join(err, s.cmd.Wait()), s.log.end)
		}
		if m := listens.FindStringSubmatch(line); m != nil {
			s.url = "http://localhost:" + m[1]
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		s.done <- s.cmd.Wait()
	}()
	return s, nil
}

// stop ends the server and its proxy. Stopping again does nothing.
func (s *server) stop() error {
	if s.done == nil {
		return nil
	}
	if s.proxy != nil {
		s.proxy.close()
	}
	timer := time.AfterFunc(stopTime, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	// A process that has ended already can't be signalled; how it ended comes next.
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	err := <-s.done
	s.done = nil
	if err != nil {
		return fmt.Errorf("registry-server: %w: %s", err, s.log.end)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct{ end []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.end = append(t.end[:0], lastPart(append(t.end, p...))...)
	return len(p), nil
}
