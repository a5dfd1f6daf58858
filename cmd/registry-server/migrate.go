package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/wire"
)

type migrate struct {
	From []string `placeholder:"STORE" group:"Migration" help:"Where it is now: local; s3 and dynamodb, separated by a comma; or one of these. analytics: the table that statistics have of their own."`
	To   []string `placeholder:"STORE" group:"Migration" help:"Where it goes: s3 and dynamodb, separated by a comma, or one of these; or local. analytics: statistics get a table of their own."`

	Abandon bool `group:"Migration" help:"Give up a migration that was begun and did not come to its end: the registry stays where it is."`

	dataFolder
	storage
	analytics
	JSON bool `name:"json" group:"Output" help:"Print what was done as JSON."`
}

// Help explains more than the line of the list of commands.
func (migrate) Help() string {
	return strings.TrimSpace(`Copies everything while the server runs, then stops changes for the time it takes to copy what was changed meanwhile and to
compare both sides, and notes the new place in the data folder. Reads go on all the time. Then the server must be restarted.

  registry-server migrate --from local --to s3,dynamodb --s3-bucket acme --dynamodb-table acme --dynamodb-create
  registry-server migrate --from local --to s3 --s3-bucket acme
  registry-server migrate --from s3,dynamodb --to local
  registry-server migrate --from dynamodb --to analytics --dynamodb-analytics-table acme-statistics
  registry-server migrate --from s3,dynamodb,analytics --to local

If it is interrupted nothing is lost: the registry is where it was, and the same command goes on. A running server does the work
itself, with the credentials that it was started with; without one this command does.`)
}

// Validate refuses what can't be done, before the server is asked.
func (c migrate) Validate() error {
	if c.Abandon == (len(c.From) > 0 || len(c.To) > 0) {
		return errors.New("say where from and where to, such as --from local --to s3,dynamodb; or --abandon alone")
	}
	return nil
}

func (migrate) makes() bool { return false }

// pollEvery is how often a server is asked how far it is.
const pollEvery = 250 * time.Millisecond

func (c migrate) run(ctx context.Context, client *adminclient.Client, s streams) error {
	if err := c.storage.check(); err != nil {
		return err
	}
	if c.Abandon {
		if err := client.AbandonMigration(ctx); err != nil {
			return err
		}
		s.say("given up; the registry is where it was. What was copied already stays at the target: empty it before another migration goes there")
		return nil
	}
	if _, err := client.Migrate(ctx, c.request()); err != nil {
		return refuseUsage(err)
	}
	status, err := c.follow(ctx, client, s)
	if err != nil {
		return fmt.Errorf("following the migration, which goes on if the server runs: %w", err)
	}
	return c.report(status, s)
}

func (c migrate) request() wire.Migration {
	return wire.Migration{From: c.From, To: c.To, S3: wire.Bucket(c.bucket()), DynamoDB: wire.Table(c.metadata()), Analytics: wire.Table(c.analytics.table(c.storage))}
}

// refuseUsage makes what the server finds wrong with the options an error of usage.
func refuseUsage(err error) error {
	if e, ok := errors.AsType[*adminclient.Error](err); ok && e.Code == "invalid" {
		return config.Usagef("%s", e.Message)
	}
	return err
}

// follow shows how far the migration is, until it has ended.
func (c migrate) follow(ctx context.Context, client *adminclient.Client, s streams) (wire.MigrationStatus, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	g := newGauge(s)
	defer g.end()
	for {
		status, err := client.Migration(ctx)
		if err != nil {
			return status, err
		}
		if status.Phase == wire.PhaseDone || status.Phase == wire.PhaseFailed || status.Phase == wire.PhaseNone {
			return status, nil
		}
		g.show(phaseNames[status.Phase], status.Rows+status.Blobs, status.RowsTotal+status.BlobsTotal)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return status, ctx.Err()
		}
	}
}

// phaseNames are how people read what is done.
var phaseNames = map[string]string{
	wire.PhaseChecking: "checking the target", wire.PhaseCopying: "copying", wire.PhaseStopping: "stopping changes",
	wire.PhaseFinishing: "copying what was changed", wire.PhaseVerifying: "comparing",
}

func (c migrate) report(status wire.MigrationStatus, s streams) error {
	if c.JSON {
		if err := writeJSON(s.stdout, status); err != nil {
			return err
		}
	}
	if status.Phase != wire.PhaseDone {
		again := ""
		if status.Resumable {
			again = "; the registry is not changed by that, and the same command goes on from there"
		}
		return fmt.Errorf("the migration has failed: %s%s", status.Error, again)
	}
	if !c.JSON {
		_, err := fmt.Fprintf(s.stdout, "moved: %s and %s (%s) copied, all compared\n", countOf(int(status.RowsCopied), "row", "rows"), countOf(int(status.BlobsCopied), "blob", "blobs"), sizeOf(status.Bytes))
		if err != nil {
			return err
		}
		if status.ReadOnly != "" {
			s.say("changes were refused for %s", status.ReadOnly)
		}
		for _, note := range status.Notes {
			s.say("%s", note)
		}
	}
	return nil
}
