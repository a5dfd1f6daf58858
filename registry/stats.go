package registry

import (
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/statsapi"
)

// openStats begins to count downloads.
func (r *Registry) openStats() {
	c := r.config
	r.stats = stats.New(c.meterRows(r.stores.countsGate), stats.Options{NoClients: c.NoUserAgents, Lost: c.uncounted(), Now: c.Now, Log: c.Log})
}

// closeStats writes what was counted last.
func (r *Registry) closeStats() error {
	if r.stats == nil {
		return nil
	}
	return r.stats.Close()
}

// analytics is what is told of downloads.
func (r *Registry) analytics() *statsapi.API {
	return &statsapi.API{Control: access.Control{Auth: r.auth}, Stats: r.stats, Log: r.config.Log}
}
