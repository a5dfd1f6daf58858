package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/foreign/lumenfolder"
	"github.com/org/registry-action/internal/wire"
)

type importLumen struct {
	importing
	From  string `arg:"" name:"tree" help:"URL of a registry, such as https://registry.example.com/lumen, s3://bucket/prefix, or a folder with index.json and packages."`
	Token string `env:"IMPORT_TOKEN" secret:"" group:"Source" help:"A token that may read, where not everybody may. It is sent to the registry that is imported."`
}

// Help explains more than the line of the list of commands.
func (importLumen) Help() string {
	return strings.TrimSpace(`Reads the tree of a Lumen registry, also one that was made by hand: missing fields, archives compressed with gzip,
and names without a scope do no harm, nor, in a folder, do packages that index.json does not list.

  registry-server import lumen /var/www/registry --data /var/lib/registry
  registry-server import lumen https://lumen.example.com --data /var/lib/registry

Versions keep their times and yanks, and are signed by the server's key. Every archive is checked as in any publish. What is there
already stays as it is, and is not fetched again, so the import can be repeated, and its packages belong to the operator.
It goes on past what it can't take, and ends with a report of that; the exit code is then 1.`)
}

// Validate refuses what is no place to read; it is called for options that were read.
func (c importLumen) Validate() error {
	if err := c.importing.Validate(); err != nil {
		return err
	}
	return checkFolder(c.From)
}

func (c importLumen) prepare(ctx context.Context, _ streams) (command, func() error, error) {
	if isSite(c.From) || strings.HasPrefix(c.From, bucketScheme) {
		return c.prepareRemote(ctx)
	}
	dir := kong.ExpandPath(folderOf(c.From))
	folder, err := lumenfolder.Open(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("opening %s: %w", dir, err)
	}
	c.source = local{folder}
	return c, folder.Close, nil
}

func (c importLumen) prepareRemote(ctx context.Context) (command, func() error, error) {
	from := bucketFlags{S3Endpoint: c.S3Endpoint, S3Region: c.S3Region, S3PathStyle: c.S3PathStyle} // as for the bucket of the server's own tarballs
	tree, done, err := openTree(ctx, c.From, c.Token, from)
	if err != nil {
		return nil, nil, err
	}
	remote, err := lumenfolder.Fetch(ctx, tree, c.limit())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("reading %s: %w", c.From, err), done())
	}
	c.source = distant{remote}
	return c, done, nil
}

// distant is a source that is fetched.
type distant struct{ *lumenfolder.Remote }

func (d distant) Open(ctx context.Context, file string) (archive, error, error) {
	a, problem, err := d.Remote.Open(ctx, file)
	return a, problem, err
}

func (distant) Claims() bool { return true }

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
