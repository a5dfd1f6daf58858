package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/registry"
)

type backup struct {
	To string `arg:"" type:"path" help:"A folder, where the blobs of the backup before are kept; or a file whose name ends with .tar."`

	dataFolder
	JSON bool `name:"json" group:"Output" help:"Print what was done as JSON."`
}

// Help explains more than the line of the list of commands.
func (backup) Help() string {
	return strings.TrimSpace(`Everything that was published before it begins is in the backup. It holds the signing keys and the hashes of tokens and passwords:
keep it as safe as the data folder.

  registry-server backup /backup/registry --data /var/lib/registry
  registry-server backup /backup/registry-$(date +%F).tar --data /var/lib/registry

If it is interrupted, the backup that was there before stays good.`)
}

func (backup) makes() bool { return false }

func (c backup) run(ctx context.Context, client *adminclient.Client, s streams) error {
	snapshot, err := client.Snapshot(ctx)
	if err != nil {
		return refuseUsage(err)
	}
	g := newGauge(s)
	made, err := registry.WriteBackup(ctx, registry.BackupSource{
		Snapshot: filepath.Join(c.folder(), snapshot.File), Blobs: filepath.Join(c.folder(), snapshot.Blobs), Version: config.Version(),
		Progress: func(done, total int64) { g.show("backing up", done, total) },
	}, c.To)
	g.end()
	if err != nil {
		return fmt.Errorf("the backup was not made: %w", err)
	}
	s.say("the backup holds the signing keys: keep %s as safe as the data folder", c.To)
	return c.report(made, s)
}

func (c backup) report(made registry.Backup, s streams) error {
	if c.JSON {
		return writeJSON(s.stdout, made)
	}
	_, err := fmt.Fprintf(s.stdout, "backed up: metadata (%s) and %s (%s)\n", sizeOf(made.Size), countOf(int(made.Blobs), "blob", "blobs"), sizeOf(made.Bytes))
	return err
}

type restore struct {
	From string `arg:"" type:"path" help:"The folder or file of a backup."`

	Data string `required:"" type:"path" placeholder:"DIR" group:"Storage" help:"Data folder to make. It must not be there, or be empty."`
	JSON bool   `name:"json" group:"Output" help:"Print what was done as JSON."`
}

// Help explains more than the line of the list of commands.
func (restore) Help() string {
	return strings.TrimSpace(`Every digest is checked, and nothing is there until all is.

  registry-server restore /backup/registry --data /var/lib/registry`)
}

func (c restore) do(ctx context.Context, s streams) error {
	g := newGauge(s)
	made, err := registry.Restore(ctx, c.From, c.Data, func(done, total int64) { g.show("restoring", done, total) })
	g.end()
	if err != nil {
		return fmt.Errorf("the backup was not restored: %w", err)
	}
	if c.JSON {
		return writeJSON(s.stdout, made)
	}
	_, err = fmt.Fprintf(s.stdout, "restored to %s: %s (%s), as it was at %s\n", c.Data, countOf(int(made.Blobs), "blob", "blobs"), sizeOf(made.Bytes), made.Created.Format("2006-01-02 15:04:05 UTC"))
	return err
}
