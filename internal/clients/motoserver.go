package clients

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed moto.py
var motoServer string

// MotoServer is a running moto that nobody else uses; it keeps everything in memory.
type MotoServer struct {
	URL   string
	cmd   *exec.Cmd
	stdin io.Closer
}

// StartMoto installs moto if it is missing and starts it. It ends with Stop, or with this process.
func StartMoto(ctx context.Context) (*MotoServer, error) {
	tool, err := Install(ctx, Moto)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "python3", "-c", motoServer)
	env := slices.DeleteFunc(slices.Clone(tool.Env), func(v string) bool { return strings.HasPrefix(v, "AWS_") }) // it reads them, too
	cmd.Env = append(env, "PYTHONPATH="+filepath.Join(filepath.Dir(filepath.Dir(tool.Path)), "lib"))
	var complaints strings.Builder
	cmd.Stderr = &complaints
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", tool.Tool, err)
	}
	s := &MotoServer{cmd: cmd, stdin: stdin}
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", tool.Tool, err), s.Stop(), errors.New(complaints.String()))
	}
	s.URL = "http://127.0.0.1:" + strings.TrimSpace(port)
	return s, nil
}

// Stop ends the server and waits for it.
func (s *MotoServer) Stop() error { return errors.Join(s.stdin.Close(), s.cmd.Wait()) }
