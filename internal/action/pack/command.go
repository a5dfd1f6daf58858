package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// drainTime is how long a finished command's background children may still hold its output.
const drainTime = 3 * time.Second

// CommandError is a lifecycle script or a delegated pack that failed.
type CommandError struct {
	Package  string
	Script   string // empty for a delegated pack
	Command  string // as it was run
	ExitCode int    // -1 if a signal ended it
	Output   string // the last lines of stdout and stderr, in the order they came
	Err      error
}

func (e *CommandError) Error() string {
	var b strings.Builder
	if e.Script != "" {
		fmt.Fprintf(&b, "%s: its %s script failed: ", e.Package, e.Script)
	} else {
		fmt.Fprintf(&b, "%s: ", e.Package)
	}
	if e.ExitCode > 0 {
		fmt.Fprintf(&b, "%q ended with exit code %d", e.Command, e.ExitCode)
	} else {
		fmt.Fprintf(&b, "%q: %v", e.Command, e.Err)
	}
	if e.Output == "" {
		b.WriteString("; it printed nothing")
		return b.String()
	}
	b.WriteString("; the end of its output:")
	for line := range strings.SplitSeq(e.Output, "\n") {
		b.WriteString("\n  " + line)
	}
	return b.String()
}

// Unwrap returns the error of the process.
func (e *CommandError) Unwrap() error { return e.Err }

// command is a process to run for one package.
type command struct {
	pkg    string
	script string // empty for a delegated pack
	dir    string
	tool   string
	args   []string
	path   []string  // folders to put first on PATH
	stdout io.Writer // nil: into the output that an error shows
}

// execute runs c to its end, or kills it with all its children when ctx ends.
// Nothing of its output reaches our own.
func (p *packer) execute(ctx context.Context, c command) error {
	path, err := p.lookPath(c)
	if err != nil {
		return err
	}
	out := new(tail)
	err = p.run(ctx, c, out, path, c.args...)
	if errors.Is(err, syscall.ENOEXEC) { // a script that does not say whose, as pnpm 12 without its own install script: shells and Node run it so
		err = p.run(ctx, c, out, "/bin/sh", append([]string{path}, c.args...)...)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: running %s: %w", c.pkg, c.tool, context.Cause(ctx))
	}
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	failed := &CommandError{Package: c.pkg, Script: c.script, ExitCode: -1, Output: out.String(), Err: err,
		Command: strings.Join(append([]string{c.tool}, c.args...), " ")}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		failed.ExitCode = exit.ExitCode()
	}
	return failed
}

// run runs a program for c to its end.
func (p *packer) run(ctx context.Context, c command, out *tail, path string, args ...string) error {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = c.dir, p.Env, out, out, drainTime
	if c.path != nil {
		list := append(slices.Clone(c.path), variable(p.Env, "PATH"))
		cmd.Env = append(slices.Clone(p.Env), "PATH="+strings.Join(list, string(filepath.ListSeparator)))
	}
	if c.stdout != nil {
		cmd.Stdout = c.stdout
	}
	ownGroup(cmd)
	return cmd.Run()
}

// lookPath finds the command's tool on the PATH of the environment it will run in.
func (p *packer) lookPath(c command) (string, error) {
	for _, dir := range filepath.SplitList(variable(p.Env, "PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, c.tool)); err == nil && filepath.IsAbs(path) {
			return path, nil
		}
	}
	what, way := "packing it", "choose another with --pack-with"
	if c.script != "" {
		what, way = "its "+c.script+" script", "skip scripts with --ignore-scripts"
	}
	return "", fault.New(fault.Invalid, "%s: %s needs %s, which is not on PATH; install it or %s", c.pkg, what, c.tool, way)
}

// variable is the value of an environment variable; the last one counts, as for os/exec.
func variable(env []string, name string) string {
	for _, v := range slices.Backward(env) {
		if key, value, _ := strings.Cut(v, "="); strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}
