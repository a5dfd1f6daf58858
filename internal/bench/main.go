// Command bench measures what docs/benchmarks.md promises and prints a table
// for each measurement: what was found, the target, and whether it is reached.
// It ends with exit code 0 either way; 1 means that something could not be measured.
//
//	bench [MEASUREMENT…] [--json FILE] [--bin DIR] [--commits N]
//
// It is for `make bench`, run in the module: both programs must have been built into DIR before.
// Servers listen on loopback only, and every process it starts ends with it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

type options struct {
	Measurements []string      `arg:"" optional:"" name:"measurement" help:"What to measure: ${names}. Default: all of them."`
	JSON         string        `name:"json" placeholder:"FILE" help:"File that gets the tables as JSON."`
	Bin          string        `default:"bin" type:"path" placeholder:"DIR" help:"Folder of registry-server and publish-commit."`
	Commits      int           `default:"1000" help:"Length of the simulated history."`
	Versions     int           `default:"1000000" help:"How many versions the measurement scale stores."`
	BigMiB       int64         `name:"big-mib" default:"2048" help:"Size of the download of the measurement big, in MiB."`
	HistoryTime  time.Duration `default:"5m" help:"Ends the simulated history early, after the commit in which it is over."`
}

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := start(ctx, args, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func start(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	parser, err := kong.New(&o, kong.Name("bench"), kong.Vars{"names": strings.Join(names(measurements()), ", ")})
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(measurements(), o.Measurements)
	if err != nil {
		return err
	}
	return measure(ctx, o, chosen, stdout, stderr)
}

// measure makes the measurements, one after the other.
func measure(ctx context.Context, o options, chosen []measurement, stdout, stderr io.Writer) (err error) {
	temp, err := os.MkdirTemp("", "bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	b := &bench{options: o, log: stderr}
	var tables []table
	for _, m := range chosen {
		b.say("measuring: %s", m.name)
		dir := filepath.Join(temp, m.name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		t, err := m.run(ctx, b, dir)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", m.name, err)
		}
		t.Name = m.name
		t.print(stdout)
		tables = append(tables, t)
	}
	if o.JSON == "" {
		return nil
	}
	text, err := json.MarshalIndent(tables, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.JSON, append(text, '\n'), 0o644)
}
