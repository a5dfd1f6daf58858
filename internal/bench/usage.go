package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// usage is what a piece of work took. CPU is user and system time of all its processes.
type usage struct{ Wall, CPU time.Duration }

// timed measures work of this process.
func timed(work func() error) (usage, error) {
	start, cpu := time.Now(), ownCPU()
	err := work()
	return usage{time.Since(start), ownCPU() - cpu}, err
}

// runTool runs a process to its end.
func runTool(ctx context.Context, dir string, env []string, path string, args ...string) (usage, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, env, &stderr
	start := time.Now()
	err := cmd.Run()
	u := usage{Wall: time.Since(start)}
	if err != nil {
		return u, fmt.Errorf("running %s: %w: %s", filepath.Base(path), err, lastPart(stderr.Bytes()))
	}
	u.CPU = cpuOf(cmd)
	return u, nil
}

func cpuOf(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// lastPart is the end of a process's output, for an error.
func lastPart(out []byte) []byte {
	out = bytes.TrimSpace(out)
	return out[max(0, len(out)-1000):]
}

// median is the middle of a list, which must not be empty.
func median[T cmp.Ordered](list []T) T {
	return slices.Sorted(slices.Values(list))[len(list)/2]
}

// typical has the medians of both times.
func typical(runs []usage) usage {
	var wall, cpu []time.Duration
	for _, u := range runs {
		wall, cpu = append(wall, u.Wall), append(cpu, u.CPU)
	}
	return usage{median(wall), median(cpu)}
}

// times are the medians of a/b, run by run: what disturbs the machine for a
// while disturbs both.
func times(a, b []usage) (wall, cpu float64) {
	var walls, cpus []float64
	for i := range a {
		walls = append(walls, a[i].Wall.Seconds()/b[i].Wall.Seconds())
		cpus = append(cpus, a[i].CPU.Seconds()/b[i].CPU.Seconds())
	}
	return median(walls), median(cpus)
}
