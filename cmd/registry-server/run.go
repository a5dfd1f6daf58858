package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/registry"
)

// run is the program; it returns the exit code: 0 stopped cleanly, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	var c commands
	program := config.Program{Name: "registry-server", Description: description, Examples: examples, Getenv: getenv, Stdout: stdout}
	_, err := program.Parse(&c, args)
	o := c.Serve
	if err == nil {
		err = o.check()
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop) // a second signal ends the program at once
		err = serve(ctx, o, stdout, logger(o, stderr))
	}
	if err != nil && !errors.Is(err, config.ErrDone) {
		fmt.Fprintf(stderr, "registry-server: %s\n", sentence(err))
	}
	return config.ExitCode(err)
}

// sentence is what the user reads: the public message where there is one.
func sentence(err error) string {
	if e, ok := fault.Public(err); ok {
		return e.Message
	}
	return err.Error()
}

func logger(o options, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(o.LogLevel)) // the enum admits only levels
	opts := &slog.HandlerOptions{Level: level}
	if o.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

func serve(ctx context.Context, o options, stdout io.Writer, log *slog.Logger) (err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(o.Host, strconv.Itoa(o.Port)))
	if err != nil {
		return fmt.Errorf("listening: %w; choose another with --port (PORT)", err)
	}
	reg, err := registry.New(registry.Config{
		DataDir: o.Data, BaseURL: o.baseURL(listener.Addr()), Token: o.Token,
		MaxPackage: int64(o.MaxPackageSize), MaxPublish: int64(o.MaxPublishSize), Retention: time.Duration(o.Retention),
		Version: config.Version(), Log: log,
	})
	if errors.Is(err, fault.Invalid) {
		err = config.Usagef("%s", sentence(err))
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, reg.Close()) }()

	var sweeper sync.WaitGroup
	defer sweeper.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sweeper.Go(func() { reg.Run(ctx) })

	greet(stdout, o, listener.Addr())
	return listen(ctx, listener, reg.Handler(), log)
}

// greet says where the server is and who may publish.
func greet(w io.Writer, o options, addr net.Addr) {
	who := "whoever has the token may publish"
	if o.Token == "" {
		who = "only this machine may publish (set REGISTRY_TOKEN to let others)"
	}
	fmt.Fprintf(w, "registry-server %s listens on %s\n  links begin with %s\n  data is in %s\n  %s\n",
		config.Version(), addr, o.baseURL(addr), o.Data, who)
}

// The times a client has.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 30 * time.Second // to finish requests when the server stops
)

// listen serves until ctx is done, then lets the requests that are under way finish.
func listen(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping: finishing the requests under way")
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		return errors.Join(fmt.Errorf("some requests did not finish in %s: %w", stopTimeout, err), srv.Close())
	}
	return nil
}
