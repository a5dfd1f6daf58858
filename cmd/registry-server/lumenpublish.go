package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/lumentree"
)

type publishLumen struct {
	Dir string `arg:"" optional:"" default:"." type:"path" help:"The folder of the package, with lumen.toml."`
	registryFlags
	Name string `default:"registry" group:"Static tree" help:"What a new tree calls itself."`
	writingFlags
	JSON bool `name:"json" group:"Output" help:"Print the result as JSON."`
}

// Help explains more than the line of the list of commands.
func (publishLumen) Help() string {
	return strings.TrimSpace(`Packs lumen.toml, src, the README and the license as a plain tar, checks what the registry will check, and publishes it.

  registry-server publish lumen --registry https://registry.example.com/lumen
  registry-server publish lumen ./my-utils --registry file:///srv/registry
  registry-server publish lumen ./my-utils --registry s3://lumen-registry/tree

A version never changes: the same bytes again are a success, others are refused. A folder or a bucket's prefix is changed under a
lock, step by step, so that its readers see a whole registry at every moment; what somebody has written into its files by hand is
kept. A dependency that no version in the registry satisfies is named, and is no failure.`)
}

func (c publishLumen) do(ctx context.Context, s streams) (err error) {
	key, err := c.signer()
	if err != nil {
		return err
	}
	p, err := lumentree.Pack(ctx, c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	var out lumentree.Published
	if isStatic(c.Registry) {
		out, err = c.toTree(ctx, p, key)
	} else {
		out, err = c.toServer(ctx, p, key)
	}
	if err != nil {
		return err
	}
	if out.Notice != "" {
		s.say("%s", shownText(out.Notice))
	}
	for _, unmet := range out.Unmet {
		s.say("%s", shownText(unmet))
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

func (c publishLumen) toTree(ctx context.Context, p lumentree.Package, key ed25519.PrivateKey) (out lumentree.Published, err error) {
	sink, err := c.sink(ctx, c.Registry, false)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	if out, err = lumentree.Publish(ctx, sink, p, lumentree.PublishOptions{Name: c.Name, Key: key}); err == nil {
		out.Unmet = lumentree.Unmet(ctx, sink, p.Manifest)
	}
	return out, err
}

func (c publishLumen) toServer(ctx context.Context, p lumentree.Package, key ed25519.PrivateKey) (out lumentree.Published, err error) {
	site, err := c.site()
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	if out, err = site.Send(ctx, p, lumentree.SendOptions{Key: key}); err == nil {
		out.Unmet = lumentree.Unmet(ctx, site, p.Manifest)
	}
	return out, err
}
