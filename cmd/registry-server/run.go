package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/registry"
)

// run is the program; it returns the exit code: 0 done, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c commands
	program := config.Program{Name: "registry-server", Description: description, Examples: examples, Getenv: getenv, Stdout: stdout}
	parsed, err := program.Parse(&c, args)
	if err == nil {
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop) // a second signal ends the program at once
		err = c.do(ctx, parsed.Command, streams{stdin: stdin, stdout: stdout, stderr: stderr, now: time.Now, manager: getenv("NOTIFY_SOCKET")})
	}
	if err != nil && !errors.Is(err, config.ErrDone) {
		fmt.Fprintf(stderr, "registry-server: %s\n", sentence(err))
	}
	return config.ExitCode(err)
}

func (c *commands) do(ctx context.Context, name string, s streams) error {
	if name == "serve" {
		if err := c.Serve.check(); err != nil {
			return err
		}
		return serve(ctx, c.Serve, s, logger(c.Serve, s.stderr))
	}
	if e, ok := c.errand(name); ok {
		return e.do(ctx, s)
	}
	chosen, err := c.find(name)
	if err != nil {
		return err
	}
	return administer(ctx, chosen, s)
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
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: nameAudit}
	if o.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// nameAudit writes the level of audit lines as a word.
func nameAudit(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.LevelKey && a.Value.Any() == registry.LevelAudit {
		a.Value = slog.StringValue("AUDIT")
	}
	return a
}

func serve(ctx context.Context, o options, s streams, log *slog.Logger) (err error) {
	listener, err := listen(ctx, o.Host, o.Port)
	if err != nil {
		return err
	}
	control := rand.Text()
	c := o.settings(listener.Addr())
	c.ControlToken, c.Log = control, log
	reg, err := registry.New(c)
	if errors.Is(err, fault.Invalid) {
		err = config.Usagef("%s", sentence(err))
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, reg.Close()) }()
	if withdraw, err := announce(o.Data, listener.Addr(), control); err == nil {
		defer func() { err = errors.Join(err, withdraw()) }()
	} else { // on a full disk packages can still be read
		log.Error("commands such as token create can't reach this server", "err", err)
	}
	o.warn(log)
	greet(s.stdout, o, reg, listener.Addr())
	greetUpstream(s.stdout, reg)
	defer s.tellManager(ctx, log)()
	return reg.Serve(ctx, listener)
}

// listen says of an address that can't be had which of its options is to blame.
func listen(ctx context.Context, host string, port int) (net.Listener, error) {
	if port < 0 || port > 65535 {
		return nil, config.Usagef("%d is no port; give one from 1 to 65535, or 0 for any that is free (PORT)", port)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("listening: %w; choose another port with --port (PORT)", err)
	}
	return nil, fmt.Errorf("listening: %w; is %q an address of this machine? name one with --host (HOST)", err, host)
}

// greet says where the server is and who may publish.
func greet(w io.Writer, o options, reg *registry.Registry, addr net.Addr) {
	who := "whoever has the token may publish"
	if o.runsOnly() {
		who = "the CI runs of TRUST_FILE may publish, and commands on this machine administer it (REGISTRY_TOKEN is not set)"
	} else if o.Token == "" {
		who = "only this machine may publish (set REGISTRY_TOKEN to let others)"
	}
	data := o.Data
	bucket, table := reg.Storage()
	if table.Table != "" {
		data += ", metadata in the table " + table.Table
	}
	if bucket.Bucket != "" {
		data += ", the bytes of packages in " + bucket.String()
	}
	fmt.Fprintf(w, "registry-server %s listens on %s\n  links begin with %s\n  data is in %s\n  %s\n",
		config.Version(), addr, o.baseURL(addr), data, who)
}

// greetUpstream says where the rest comes from: a .npmrc may have chosen it unnoticed.
func greetUpstream(w io.Writer, r *registry.Registry) {
	if url, from := r.Upstream(); url != "" {
		fmt.Fprintf(w, "  what is not here comes from %s (%s)\n", url, from)
	} else {
		fmt.Fprintln(w, "  what is not here is not looked for elsewhere (NPM_FALLBACK=false)")
	}
}
