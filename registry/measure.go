package registry

import (
	"net/http"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/metrics"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/metered"
	"github.com/org/registry-action/internal/web/httpkit"
)

// What follows joins those who have something to measure, who do not know Prometheus, to
// the metrics, who do not know them. Without metrics nobody is told anything.

// Who may read the metrics.
const (
	MetricsPrivate = "private" // this machine, and who bears Config.MetricsToken or an admin's token
	MetricsPublic  = "public"  // everybody
	MetricsOff     = "off"     // nobody; nothing is measured
)

// minMetricsToken characters are too many to be guessed.
const minMetricsToken = 16

func (c Config) checkMetrics() error {
	switch c.Metrics {
	case MetricsPrivate, MetricsPublic, MetricsOff:
	default:
		return fault.New(fault.Invalid, "%.60q does not say who may read the metrics: expected private, public or off (METRICS)", c.Metrics)
	}
	if n := len(c.MetricsToken); n > 0 && n < minMetricsToken {
		return fault.New(fault.Invalid, "the token for the metrics has %d characters; one of less than %d is too easily guessed (make one with: openssl rand -hex 32, METRICS_TOKEN)", n, minMetricsToken)
	}
	return nil
}

// meter is httpkit.Meter.
type meter struct{ *metrics.Metrics }

func (m meter) Ended(a httpkit.Answered) { m.Metrics.Ended(metrics.Request(a)) }

// meter returns what is told of every request; nil: nobody is.
func (r *Registry) meter() httpkit.Meter {
	if r.config.metrics == nil {
		return nil
	}
	return meter{r.config.metrics}
}

// metricsPage answers with the metrics; nil: there are none.
func (r *Registry) metricsPage() http.Handler {
	if r.config.metrics == nil {
		return nil
	}
	return r.config.metrics.Handler()
}

// meterRows puts a clock in front of the metadata.
func (c Config) meterRows(db kv.DB) kv.DB {
	if c.metrics == nil {
		return db
	}
	return metered.KV(db, metered.Note(c.metrics.Store("metadata")))
}

// meterBlobs puts a clock in front of the bytes.
func (c Config) meterBlobs(s blob.Store) blob.Store {
	if c.metrics == nil {
		return s
	}
	return metered.Blobs(s, metered.Note(c.metrics.Store("blobs")))
}

// retried returns what is told of the retries of a bucket or a table; nil: nobody is.
func (c Config) retried(store string) func(throttled bool) {
	if c.metrics == nil {
		return nil
	}
	return c.metrics.Retries(store)
}

// uncounted returns what is told of downloads whose counts were dropped; nil: nobody is.
func (c Config) uncounted() func(downloads int64) {
	if c.metrics == nil {
		return nil
	}
	return c.metrics.Uncounted
}

// watch shows what counts by itself.
func (r *Registry) watch() {
	m, disk := r.config.metrics, r.stores.cache
	if m == nil {
		return
	}
	m.Watch(metrics.Cache{
		Name:   "disk",
		Hits:   func() int64 { return disk.Stats().Hits },
		Misses: func() int64 { return disk.Stats().Misses },
		Bytes:  func() int64 { return disk.Stats().Bytes },
	})
	m.Watch(metrics.Cache{
		Name:   "packuments",
		Hits:   func() int64 { return r.catalog.Memory().Hits },
		Misses: func() int64 { return r.catalog.Memory().Misses },
		Bytes:  func() int64 { return r.catalog.Memory().Bytes },
	})
	if r.upstream != nil {
		m.UpstreamUp("npm", r.upstream.Up)
	}
}

// observe returns what is told of the requests to an upstream; nil: nobody is.
func (r *Registry) observe(upstream string) func(outcome string, took time.Duration) {
	if r.config.metrics == nil {
		return nil
	}
	return r.config.metrics.Upstream(upstream)
}

// sweptIn takes in a run of the sweeper.
func (r *Registry) sweptIn(took time.Duration, swept Swept, err error) {
	if r.config.metrics != nil {
		r.config.metrics.Swept(swept.Commits, swept.Blobs, err, r.config.Now(), took)
	}
}
