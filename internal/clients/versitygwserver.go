package clients

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// versityGWTimeout is how long the server may take until it listens.
const versityGWTimeout = 20 * time.Second

// VersityGWServer is a running versitygw that nobody else uses, with one bucket.
type VersityGWServer struct {
	Socket     string // that it listens at
	dir        string
	cmd        *exec.Cmd
	complaints strings.Builder
}

// StartVersityGW installs versitygw if it is missing and starts it with a bucket and one account. It ends with Stop.
func StartVersityGW(ctx context.Context, bucket, access, secret string) (s *VersityGWServer, err error) {
	tool, err := Install(ctx, VersityGW)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "s3-") // short: the paths of sockets are
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(filepath.Join(data, bucket), 0o755); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s = &VersityGWServer{Socket: filepath.Join(dir, "socket"), dir: dir}
	s.cmd = exec.Command(tool.Path, "--quiet", "--keep-alive", "--port", s.Socket, "--access", access, "--secret", secret, "posix", data)
	s.cmd.Env, s.cmd.Stderr = tool.Env, &s.complaints
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", tool.Tool, err), os.RemoveAll(dir))
	}
	if err := s.await(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", tool.Tool, err), s.Stop(), errors.New(s.complaints.String()))
	}
	return s, nil
}

// await returns when somebody listens at the socket.
func (s *VersityGWServer) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, versityGWTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", s.Socket)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// Stop ends the server, waits for it and removes what it kept.
func (s *VersityGWServer) Stop() error {
	_ = s.cmd.Process.Kill() // fails only if it has ended
	_ = s.cmd.Wait()         // says that it was killed
	return os.RemoveAll(s.dir)
}
