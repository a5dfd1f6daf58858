package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/foreign/verdaccio"
)

// importing is what all importers take.
type importing struct {
	serverFolder
	MaxPackageSize config.Bytes `env:"MAX_PACKAGE_SIZE" default:"100MiB" group:"Limits" help:"Largest tarball of one package, where no server is running; one that is has its own limit."`
	JSON           bool         `name:"json" group:"Output" help:"Print the report as JSON."`

	source source
}

func (i importing) limit() int64 { return int64(i.MaxPackageSize) }
func (importing) makes() bool    { return true }

// Validate refuses a limit that takes nothing.
func (i importing) Validate() error {
	if i.MaxPackageSize <= 0 {
		return errors.New("a limit of 0 bytes accepts nothing; give --max-package-size a size such as 100MiB")
	}
	return nil
}

func (i importing) run(ctx context.Context, client *adminclient.Client, s streams) error {
	return i.take(ctx, npmTarget{client}, s)
}

func (i importing) take(ctx context.Context, to target, s streams) error {
	report, err := newImporter(to, i.source, s).run(ctx)
	if err != nil {
		return fmt.Errorf("the import ended early, and can be run again: %w", err)
	}
	if i.JSON {
		err = writeJSON(s.stdout, report)
	} else {
		err = report.write(s.stdout)
	}
	if n := len(report.Refused); err == nil && n > 0 {
		err = fmt.Errorf("%s refused; the report says why", countOf(n, "version or package was", "versions or packages were"))
	}
	return err
}

const importHelp = `

Versions keep their times, dist-tags and publishers. Every archive is checked as in any publish. What is there already stays as it
is, so the import can be repeated, and its packages belong to the operator: give them owners with npm owner add.
It goes on past what it can't take, and ends with a report of that; the exit code is then 1.`

type importVerdaccio struct {
	importing
	Dir string `arg:"" type:"path" help:"The folder that verdaccio's config.yaml names as storage."`
	All bool   `group:"Packages" help:"Also what verdaccio only fetched from uplinks. These names become yours: upstream is no longer asked for them."`
}

// Help explains more than the line of the list of commands.
func (importVerdaccio) Help() string {
	return strings.TrimSpace(`Reads what was published to verdaccio, also while it runs. What it fetched from uplinks is left out, and so are its users:
their passwords can't be read.

  registry-server import verdaccio /verdaccio/storage --data /var/lib/registry` + importHelp)
}

func (c importVerdaccio) prepare(context.Context, streams) (command, func() error, error) {
	folder, err := verdaccio.Open(c.Dir, c.All)
	if err != nil {
		return nil, nil, fmt.Errorf("opening %s: %w", c.Dir, err)
	}
	c.source = local{folder}
	return c, folder.Close, nil
}
