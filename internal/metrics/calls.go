package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Call takes in how a call of a store, or a request to upstream, went.
type Call func(op, outcome string, took time.Duration)

type stores struct {
	calls   *prometheus.CounterVec
	took    *prometheus.HistogramVec
	retries *prometheus.CounterVec
}

func newStores(all *prometheus.Registry) stores {
	return stores{
		calls:   counters(all, "store_calls_total", "Calls of a store (metadata, blobs) by operation and outcome.", "store", "op", "outcome"),
		took:    histograms(all, "store_call_duration_seconds", "Time that a call of a store took, with its retries; of a scan without the time of who reads it.", callSeconds, "store", "op"),
		retries: counters(all, "store_retries_total", "Requests to Amazon's services that were sent once more, by reason: throttled or failed, which of metadata includes a meeting with another writer.", "store", "reason"),
	}
}

// call is what the series of a store are told apart by.
type call struct{ op, outcome string }

// Store returns what takes in the calls of a store.
func (m *Metrics) Store(name string) Call {
	calls := newFamily(func(k call) prometheus.Counter { return m.stores.calls.WithLabelValues(name, k.op, k.outcome) })
	took := newFamily(func(op string) prometheus.Observer { return m.stores.took.WithLabelValues(name, op) })
	return func(op, outcome string, d time.Duration) {
		calls.of(call{op, outcome}).Inc()
		took.of(op).Observe(d.Seconds())
	}
}

// Retries returns what takes in the retries of a store.
func (m *Metrics) Retries(store string) func(throttled bool) {
	failed, slowed := m.stores.retries.WithLabelValues(store, "failed"), m.stores.retries.WithLabelValues(store, "throttled")
	return func(throttled bool) {
		if throttled {
			slowed.Inc()
			return
		}
		failed.Inc()
	}
}

type upstreams struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	all      *prometheus.Registry
}

func newUpstreams(all *prometheus.Registry) upstreams {
	return upstreams{
		requests: counters(all, "upstream_requests_total", "Requests to an upstream (npm, zig) by outcome: 2xx, 3xx, 4xx, 5xx, no_answer, not_sent, refused or canceled.", "upstream", "outcome"),
		took:     histograms(all, "upstream_request_duration_seconds", "Time until the headers of an upstream's answer, with retries.", requestSeconds, "upstream"),
		all:      all,
	}
}

// Upstream returns what takes in the requests to an upstream.
func (m *Metrics) Upstream(name string) func(outcome string, took time.Duration) {
	requests := newFamily(func(outcome string) prometheus.Counter { return m.upstream.requests.WithLabelValues(name, outcome) })
	took := m.upstream.took.WithLabelValues(name)
	return func(outcome string, d time.Duration) {
		requests.of(outcome).Inc()
		took.Observe(d.Seconds())
	}
}

// UpstreamUp shows whether an upstream answers.
func (m *Metrics) UpstreamUp(name string, up func() bool) {
	m.upstream.all.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "upstream_up", Help: "1 if an upstream answers, 0 while it is left alone because it did not.",
		ConstLabels: prometheus.Labels{"upstream": name},
	}, func() float64 {
		if up() {
			return 1
		}
		return 0
	}))
}

type sweeps struct {
	runs    *prometheus.CounterVec
	removed *prometheus.CounterVec
	took    prometheus.Gauge
	last    prometheus.Gauge
}

func newSweeps(all *prometheus.Registry) sweeps {
	s := sweeps{
		runs:    counters(all, "sweeps_total", "Runs of the sweeper by outcome: ok or failed.", "outcome"),
		removed: counters(all, "swept_total", "What the sweeper has removed: commits and blobs.", "what"),
		took:    prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "last_sweep_duration_seconds", Help: "Time that the last run of the sweeper took."}),
		last:    prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "last_sweep_timestamp_seconds", Help: "When the sweeper last ran to its end without an error; 0: not yet."}),
	}
	all.MustRegister(s.took, s.last)
	for _, outcome := range []string{outcomeOK, outcomeFailed} {
		s.runs.WithLabelValues(outcome)
	}
	return s
}

// Swept takes in a run of the sweeper that ended at a time.
func (m *Metrics) Swept(commits, blobs int, err error, end time.Time, took time.Duration) {
	outcome := outcomeOK
	if err != nil {
		outcome = outcomeFailed
	} else {
		m.sweeps.last.Set(float64(end.Unix()))
	}
	m.sweeps.runs.WithLabelValues(outcome).Inc()
	m.sweeps.removed.WithLabelValues("commits").Add(float64(commits))
	m.sweeps.removed.WithLabelValues("blobs").Add(float64(blobs))
	m.sweeps.took.Set(took.Seconds())
}
