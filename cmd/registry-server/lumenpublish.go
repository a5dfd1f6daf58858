package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/lumentree"
)

type publishLumen struct {
	Dir      string `arg:"" optional:"" default:"." type:"path" help:"The folder of the package, with lumen.toml."`
	Registry string `env:"LUMEN_REGISTRY" required:"" placeholder:"URL" group:"Registry" help:"A server, such as https://registry.example.com/lumen, or the folder of a static tree: file:///path/to/registry."`
	Token    string `env:"REGISTRY_TOKEN,LUMEN_AUTH_TOKEN" secret:"" group:"Registry" help:"A token that may publish to the server."`
	Key      string `type:"path" placeholder:"FILE" group:"Static tree" help:"The key to sign with, as Lumen's client keeps it in ~/.lumen/keys. A server signs with its own."`
	Name     string `default:"registry" group:"Static tree" help:"What a new tree calls itself."`
	JSON     bool   `name:"json" group:"Output" help:"Print the result as JSON."`
}

// Help explains more than the line of the list of commands.
func (publishLumen) Help() string {
	return strings.TrimSpace(`Packs lumen.toml, src, the README and the license as a plain tar, checks what the registry will check, and publishes it.

  registry-server publish lumen --registry https://registry.example.com/lumen
  registry-server publish lumen ./my-utils --registry file:///srv/registry

A version never changes: the same bytes again are a success, others are refused. A folder is changed under a lock, step by step, so
that its readers see a whole registry at every moment; what somebody has written into its files by hand is kept.`)
}

func (c publishLumen) do(ctx context.Context, s streams) (err error) {
	dir, local := strings.CutPrefix(c.Registry, "file://")
	if c.Key != "" && !local {
		return config.Usagef("a server signs with its own key; leave out --key")
	}
	p, err := lumentree.Pack(ctx, c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	var out lumentree.Published
	if local {
		out, err = c.toFolder(ctx, dir, p)
	} else {
		out, err = c.toServer(ctx, p)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.stdout, out)
	}
	how := "published"
	if out.Unchanged {
		how = "was published already"
	}
	_, err = fmt.Fprintf(s.stdout, "%s %s %s (%s)\n", out.Name, out.Version, how, out.Hash)
	return err
}

func (c publishLumen) toFolder(ctx context.Context, dir string, p lumentree.Package) (out lumentree.Published, err error) {
	opt := lumentree.PublishOptions{Name: c.Name}
	if c.Key != "" {
		if opt.Key, err = lumentree.ReadKey(c.Key); err != nil {
			return out, err
		}
	}
	disk, err := lumentree.OpenDisk(dir)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	return lumentree.Publish(ctx, disk, p, opt)
}

func (c publishLumen) toServer(ctx context.Context, p lumentree.Package) (out lumentree.Published, err error) {
	site, err := lumentree.OpenSite(lumenBase(c.Registry), c.Token)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	return site.Send(ctx, p)
}
