// Package metrics is what a server tells Prometheus: the names, labels and buckets of
// everything that is measured. It knows nothing of what it measures; package registry
// joins it to those who do.
//
// Every label has few values, all of them ours: routes are patterns, never paths, and no
// name of a package, user or repository is a label.
package metrics

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// namespace begins every name of ours.
const namespace = "registry"

// The bounds of the histograms, in seconds.
var (
	requestSeconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	callSeconds    = []float64{.00001, .0001, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15}
)

// Metrics are those of one server. Make them with New.
type Metrics struct {
	all      *prometheus.Registry
	requests requests
	writes   writes
	stores   stores
	upstream upstreams
	sweeps   sweeps

	uncounted prometheus.Counter
}

// New returns Metrics that have those of the process, the runtime and the build.
func New(version string) *Metrics {
	m := &Metrics{all: prometheus.NewRegistry()}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1; its labels say what runs.",
	}, []string{"version", "goversion"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.all.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.requests, m.writes, m.stores = newRequests(m.all), newWrites(m.all), newStores(m.all)
	m.upstream, m.sweeps = newUpstreams(m.all), newSweeps(m.all)
	m.uncounted = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: namespace, Name: "uncounted_downloads_total", Help: "Downloads that are missing in the statistics, because their counts could not be written.",
	})
	m.all.MustRegister(m.uncounted)
	return m
}

// Uncounted takes in downloads whose counts were dropped.
func (m *Metrics) Uncounted(downloads int64) { m.uncounted.Add(float64(downloads)) }

// scrapesAtOnce are answered; each walks all series.
const scrapesAtOnce = 4

// Handler answers with all metrics, in the form that the client asks for.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.all, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesAtOnce})
}

// Cache shows a cache by what it counts itself, when it is asked.
type Cache struct {
	Name         string // a label
	Hits, Misses func() int64
	Bytes        func() int64
}

// Watch shows a cache.
func (m *Metrics) Watch(c Cache) {
	labels := prometheus.Labels{"cache": c.Name}
	lookups := func(result string, read func() int64) {
		m.all.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: namespace, Name: "cache_lookups_total", Help: "Lookups in a cache, by result: hit or miss.",
			ConstLabels: prometheus.Labels{"cache": c.Name, "result": result},
		}, func() float64 { return float64(read()) }))
	}
	lookups("hit", c.Hits)
	lookups("miss", c.Misses)
	m.all.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "cache_bytes", Help: "Bytes that a cache holds.", ConstLabels: labels,
	}, func() float64 { return float64(c.Bytes()) }))
}

// counters makes a family of counters.
func counters(all *prometheus.Registry, name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	all.MustRegister(v)
	return v
}

// histograms makes a family of histograms.
func histograms(all *prometheus.Registry, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	all.MustRegister(v)
	return v
}
