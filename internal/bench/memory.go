package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	bigSize     = 200 << 20 // of the package's one file, which does not compress
	memoryLimit = 64 << 20  // above idle
	sampleEvery = 2 * time.Millisecond
)

// limits let a package of bigSize in.
func limits() []string {
	return []string{"--max-package-size", "300MiB", "--max-publish-size", "600MiB"}
}

// peak is the most memory that a process has had resident, as Linux counts it
// (VmHWM): pages of its files, the database's mapping among them, included.
func peak(pid int) (int64, error) { return statusOf(pid, "VmHWM") }

// statusOf reads one of the sizes in a process's status, in bytes.
func statusOf(pid int, name string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("the process has ended")
}

// runPeak runs a process to its end and returns the highest that was seen of one of its sizes.
func runPeak(ctx context.Context, dir, size, path string, args ...string) (highest int64, err error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, environment(), &stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				err = fmt.Errorf("running %s: %w: %s", filepath.Base(path), err, lastPart(stderr.Bytes()))
			}
			return highest, err
		case <-tick.C:
			if n, err := statusOf(cmd.Process.Pid, size); err == nil {
				highest = max(highest, n)
			}
		}
	}
}

// big is the workspaces and archives of the measurement.
type big struct {
	b           *bench
	dir, data   string
	large, tiny string // packages' folders
}

func measureMemory(ctx context.Context, b *bench, dir string) (table, error) {
	m := &big{b: b, dir: dir, data: filepath.Join(dir, "data"), large: filepath.Join(dir, "big"), tiny: filepath.Join(dir, "tiny")}
	if err := errors.Join(writePackage(m.tiny, "tiny", 1<<10), writePackage(m.large, "big", bigSize)); err != nil {
		return table{}, err
	}
	t := table{Title: "peak memory above idle, one package of 200 MiB"}
	for _, step := range []func(context.Context, *table) error{m.twoSteps, m.multipart, m.download} {
		if err := step(ctx, &t); err != nil {
			return t, err
		}
	}
	return t, nil
}

// writePackage makes a package with one file of random bytes.
func writePackage(dir, name string, size int64) (err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	manifest := fmt.Sprintf(`{"name": %q, "version": "1.0.0"}`+"\n", name)
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(manifest), 0o644); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "data.bin"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.CopyN(f, rand.Reader, size)
	return err
}

// idle starts a server and returns its peak before it has done anything.
func (m *big) idle(ctx context.Context) (*server, int64, error) {
	s, err := m.b.startServer(ctx, m.data, limits()...)
	if err != nil {
		return nil, 0, err
	}
	before, err := peak(s.cmd.Process.Pid)
	if err != nil {
		return nil, 0, errors.Join(err, s.stop())
	}
	return s, before, nil
}

// publish runs publish-commit and returns its peak.
func (m *big) publish(ctx context.Context, dir, url string, commit int) (int64, error) {
	return runPeak(ctx, dir, "VmHWM", filepath.Join(m.b.Bin, "publish-commit"), "--registry-url", url, "--sha", commitSHA(commit),
		"--repository", repository, "--ignore-scripts", "--comment", "off")
}

// twoSteps publishes with publish-commit. Its idle is the peak of a small package's publish.
func (m *big) twoSteps(ctx context.Context, t *table) (err error) {
	s, before, err := m.idle(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	clientBefore, err := m.publish(ctx, m.tiny, s.url, 1)
	if err != nil {
		return err
	}
	clientAfter, err := m.publish(ctx, m.large, s.url, 2)
	if err != nil {
		return err
	}
	return m.report(t, s, "publish-commit", before, func() {
		t.add("publish-commit: idle", float64(clientBefore), bytesOf)
		t.aim("publish-commit: above idle", float64(clientAfter-clientBefore), bytesOf, atMost, memoryLimit)
	})
}

// multipart publishes with curl, as the API's first form says.
func (m *big) multipart(ctx context.Context, t *table) (err error) {
	out := filepath.Join(m.dir, "tarballs")
	if _, err := runTool(ctx, m.large, environment(), filepath.Join(m.b.Bin, "publish-commit"), "pack", "--keep-version", "--out", out); err != nil {
		return err
	}
	s, before, err := m.idle(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	_, err = runTool(ctx, out, environment(), "curl", "--silent", "--show-error", "--fail-with-body", "--output", "answer",
		"-F", "sha="+commitSHA(3), "-F", "repository="+repository, "-F", "package:big=@big-1.0.0.tgz", s.url+"/publish/commit")
	if err != nil {
		return err
	}
	return m.report(t, s, "multipart by curl", before, func() {})
}

// download gets the package that multipart has published.
func (m *big) download(ctx context.Context, t *table) (err error) {
	s, before, err := m.idle(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for i, commit := range []int{2, 3} { // split, then whole
		path := filepath.Join(m.dir, "got-"+strconv.Itoa(i))
		_, err := runTool(ctx, m.dir, environment(), "curl", "--silent", "--show-error", "--fail", "--output", path,
			s.url+"/commits/"+commitSHA(commit)+"/big/tarball")
		if err != nil {
			return err
		}
		if info, err := os.Stat(path); err != nil || info.Size() < bigSize {
			return fmt.Errorf("the download is not the package: %w", err)
		}
	}
	return m.report(t, s, "downloads", before, func() {})
}

// report adds the server's numbers, then others.
func (m *big) report(t *table, s *server, what string, before int64, more func()) error {
	after, err := peak(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	t.add(what+": server idle", float64(before), bytesOf)
	t.aim(what+": server above idle", float64(after-before), bytesOf, atMost, memoryLimit)
	more()
	return nil
}
