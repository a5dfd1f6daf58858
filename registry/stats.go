package registry

import (
	"errors"
	"fmt"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/statsapi"
)

// openStats begins to count downloads: in a table of their own if there is one, else where other metadata is. It
// comes last of what a start may fail with.
func (r *Registry) openStats() error {
	c, db := r.config, r.stores.db
	if t := c.Analytics; t.Table != "" && t.Table != InFolder && t.Table != c.DynamoDB.Table {
		table, err := openTable(c, t)
		if err != nil {
			return fmt.Errorf("opening the table of statistics (DYNAMODB_ANALYTICS_TABLE): %w", err)
		}
		db, r.statsStore = c.meterRows(table), table
	}
	r.stats = stats.New(db, stats.Options{NoClients: c.NoUserAgents, Lost: c.uncounted(), Now: c.Now, Log: c.Log})
	return nil
}

// closeStats writes what was counted last.
func (r *Registry) closeStats() error {
	if r.stats == nil {
		return nil
	}
	err := r.stats.Close()
	if r.statsStore != nil {
		err = errors.Join(err, r.statsStore.Close())
	}
	return err
}

// analytics is what is told of downloads.
func (r *Registry) analytics() *statsapi.API {
	return &statsapi.API{Control: access.Control{Auth: r.auth}, Stats: r.stats, Log: r.config.Log}
}
