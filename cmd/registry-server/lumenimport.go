package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/foreign/lumenfolder"
	"github.com/org/registry-action/internal/wire"
)

type importLumen struct {
	importing
	Dir string `arg:"" type:"path" help:"The folder of the registry, with index.json and packages."`
}

// Help explains more than the line of the list of commands.
func (importLumen) Help() string {
	return strings.TrimSpace(`Reads the static tree of a Lumen registry, also one that was made by hand: missing fields, archives compressed with gzip,
names without a scope and packages that index.json does not list do no harm.

  registry-server import lumen /var/www/registry --data /var/lib/registry

Versions keep their times and yanks, and are signed by the server's key. Every archive is checked as in any publish. What is there
already stays as it is, so the import can be repeated, and its packages belong to the operator.
It goes on past what it can't take, and ends with a report of that; the exit code is then 1.`)
}

func (c importLumen) prepare(context.Context, streams) (command, func() error, error) {
	folder, err := lumenfolder.Open(c.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("opening %s: %w", c.Dir, err)
	}
	c.source = folder
	return c, folder.Close, nil
}

func (c importLumen) run(ctx context.Context, client *adminclient.Client, s streams) error {
	return c.take(ctx, lumenTarget{client}, s)
}

// lumenTarget takes Lumen packages.
type lumenTarget struct{ client *adminclient.Client }

func (l lumenTarget) present(ctx context.Context, name string) (wire.Present, error) {
	return l.client.PresentLumen(ctx, name)
}

func (l lumenTarget) send(ctx context.Context, name string, v foreign.Version, archive io.Reader, size int64) (wire.Imported, error) {
	return l.client.ImportLumen(ctx, wire.LumenImport{
		Name: name, Version: v.Version, PublishedAt: v.PublishedAt, Yanked: v.Yanked, Checksum: v.Checksum,
	}, archive, size)
}
