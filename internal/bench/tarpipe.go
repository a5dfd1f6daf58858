package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// compressor is the program on the right of the pipes.
const compressor = "github.com/org/registry-action/internal/bench/compress"

// buildCompressor builds it into dir and returns its path.
func buildCompressor(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "compressor")
	_, err := runTool(ctx, "", nil, "go", "build", "-trimpath", "-o", path, compressor)
	return path, err
}

// pipe is `tar … | compressor > out`.
type pipe struct {
	compressor string
	dir        string // where the listed names are
	list       string // file with names, each ended by NUL
	out        string
}

// run runs the pipe to its end and returns the CPU time of both processes.
func (p pipe) run(ctx context.Context) (cpu time.Duration, err error) {
	out, err := os.Create(p.out)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	tar := exec.CommandContext(ctx, "tar", "-c", "-f", "-", "-C", p.dir, "--no-recursion", "--null", "--verbatim-files-from", "-T", p.list)
	deflate := exec.CommandContext(ctx, p.compressor)
	if deflate.Stdin, err = tar.StdoutPipe(); err != nil {
		return 0, err
	}
	deflate.Stdout, deflate.Stderr, tar.Stderr = out, os.Stderr, os.Stderr
	if err := tar.Start(); err != nil {
		return 0, fmt.Errorf("starting GNU tar: %w", err)
	}
	// Wait for tar comes second: it closes our end of the pipe.
	if err := errors.Join(deflate.Run(), tar.Wait()); err != nil {
		return 0, fmt.Errorf("compressing %s: %w", p.list, err)
	}
	return cpuOf(tar) + cpuOf(deflate), nil
}

// runPipes runs pipes, two at a time.
func runPipes(ctx context.Context, pipes []pipe) (usage, error) {
	const parallel = 2
	start := time.Now()
	var cpu atomic.Int64
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, p := range pipes {
		g.Go(func() error {
			used, err := p.run(gctx)
			cpu.Add(int64(used))
			return err
		})
	}
	err := g.Wait()
	return usage{time.Since(start), time.Duration(cpu.Load())}, err
}

// writeList writes the list of names for a pipe.
func writeList(path string, names []string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	for _, name := range names {
		w.WriteString(filepath.FromSlash(name))
		w.WriteByte(0)
	}
	return w.Flush()
}

// sizes adds up what pipes have written.
func sizes(pipes []pipe) (total int64, err error) {
	for _, p := range pipes {
		info, err := os.Stat(p.out)
		if err != nil {
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}
