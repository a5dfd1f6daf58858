package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/lumentree"
)

type yankLumen struct {
	Name    string `arg:"" name:"package" help:"The package, such as @acme/http."`
	Version string `arg:"" name:"version" help:"The version."`
	Reason  string `placeholder:"TEXT" xor:"what" group:"Yank" help:"Why, for those who have the version in their lockfile."`
	Undo    bool   `xor:"what" group:"Yank" help:"Offer the version again."`
	registryFlags
	writingFlags
}

// Help explains more than the line of the list of commands.
func (yankLumen) Help() string {
	return strings.TrimSpace(`A version that is yanked stays where it is, for those who have it in their lockfile, and is offered to nobody else.

  registry-server yank lumen @acme/http 1.0.0 --reason "leaks connections" --registry https://registry.example.com/lumen
  registry-server yank lumen @acme/http 1.0.0 --undo --registry file:///srv/registry`)
}

func (c yankLumen) do(ctx context.Context, s streams) error {
	y := lumentree.Yank{Name: c.Name, Version: c.Version, Undo: c.Undo}
	reason, err := lumen.CleanReason(c.Reason)
	if err = errors.Join(lumen.ValidName(c.Name, true), lumen.ValidVersion(c.Version), err); err != nil {
		return err
	}
	y.Reason = reason
	if isStatic(c.Registry) {
		err = c.inTree(ctx, y)
	} else {
		err = c.atServer(ctx, y)
	}
	if err != nil {
		return err
	}
	how := "yanked"
	if c.Undo {
		how = "offered"
	}
	_, err = fmt.Fprintf(s.stdout, "%s %s is %s\n", c.Name, c.Version, how)
	return err
}

func (c yankLumen) inTree(ctx context.Context, y lumentree.Yank) (err error) {
	key, err := c.signer()
	if err != nil {
		return err
	}
	if err := c.mustBeThere(); err != nil {
		return err
	}
	sink, err := c.sink(ctx, c.Registry, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	_, err = y.Apply(ctx, sink, lumentree.PublishOptions{Key: key})
	return err
}

// mustBeThere refuses a folder without the package: to open it to write would make it, or a lock in what is no registry.
func (c yankLumen) mustBeThere() error {
	if strings.HasPrefix(c.Registry, bucketScheme) {
		return nil
	}
	dir := folderOf(c.Registry)
	_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(lumen.PackageIndexPath(c.Name))))
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "there is no package %s in the folder %s; name the one of the registry with --registry", c.Name, dir)
	}
	return nil // what else is wrong is said by who opens it
}

func (c yankLumen) atServer(ctx context.Context, y lumentree.Yank) (err error) {
	site, err := c.site()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	return site.Yank(ctx, y)
}
