// Command release builds a release: the programs of all platforms with their
// checksums into a folder, and the cli.json that the tagged commit has of them.
//
//	go run ./tools/release -version v1.2.3 -out dist -base https://github.com/org/registry-action/releases/download
//
// The same version of Go makes the same bytes of the same commit; a released
// cli.json says which (GOTOOLCHAIN chooses it).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/org/registry-action/internal/release"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	version := flag.String("version", "", "version of the release, such as v1.2.3")
	out := flag.String("out", "dist", "folder that gets the programs, "+release.Checksums+" and cli.json")
	base := flag.String("base", "https://github.com/org/registry-action/releases/download", "address that {version}/{file} follows")
	flag.Parse()
	if err := run(ctx, *version, *out, *base); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, version, out, base string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, program := range release.Programs() {
		for _, t := range release.Targets() {
			if err := release.Build(ctx, ".", program, version, t, out); err != nil {
				return err
			}
		}
	}
	cli, checksums, err := release.Describe(out, version, base)
	if err != nil {
		return err
	}
	text, err := cli.JSON()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, release.Checksums), []byte(checksums), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "cli.json"), text, 0o644)
}
