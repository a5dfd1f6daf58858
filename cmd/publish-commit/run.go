package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/org/registry-action/internal/action/publish"
	"github.com/org/registry-action/internal/config"
)

// run is the program; it returns the exit code: 0 published or there already, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	var c commands
	program := config.Program{Name: "publish-commit", Description: description, Examples: examples, Inputs: true, Getenv: getenv, Stdout: stdout}
	parsed, err := program.Parse(&c, args)
	if err == nil {
		// A reader that goes away, such as head, makes writes fail instead of ending
		// the program with its temporary files left behind.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop) // a second signal ends the program at once
		err = c.do(ctx, parsed.Command, publish.Streams{Getenv: getenv, Stdout: stdout, Stderr: stderr, Terminal: isTerminal(stderr)})
	}
	if err != nil && !errors.Is(err, config.ErrDone) {
		tell(err, getenv, stderr)
	}
	return config.ExitCode(err)
}

func (c commands) do(ctx context.Context, command string, s publish.Streams) error {
	switch command {
	case "finish":
		s.Log = logger(false, s.Stderr)
		return publish.Finish(ctx, c.Finish.options(), s)
	case "pack":
		s.Log = logger(c.Pack.Verbose, s.Stderr)
		o := c.Pack.options()
		if err := check(o); err != nil {
			return err
		}
		return publish.Pack(ctx, o, c.Pack.Out, c.Pack.JSON, s)
	}
	s.Log = logger(c.Publish.Verbose, s.Stderr)
	o, err := c.Publish.options()
	if err != nil {
		return err
	}
	return publish.Publish(ctx, o, s)
}

// tell prints what went wrong, in CI as an annotation.
func tell(err error, getenv func(string) string, stderr io.Writer) {
	if getenv("GITHUB_ACTIONS") == "true" {
		publish.Annotate(getenv, stderr, err.Error())
		return
	}
	fmt.Fprintf(stderr, "publish-commit: %v\n", err)
}

func logger(verbose bool, w io.Writer) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: untimed}))
}

// untimed leaves the time out of lines: a runner writes it before each, and at a desk it is now.
func untimed(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
