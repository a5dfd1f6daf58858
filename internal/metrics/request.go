package metrics

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Request is how a request went; see httpkit.Answered. Its texts must be of a bounded number.
type Request struct {
	Method   string
	Route    string
	Status   int
	Aborted  bool   // the answer was cut off
	Action   string // of a write; empty: it was none
	Took     time.Duration
	Received int64 // bytes
	Sent     int64
}

type requests struct {
	inFlight prometheus.Gauge
	answers  *family[answer, prometheus.Counter]
	routes   *family[route, routeSeries]
}

// answer and route are what series are told apart by.
type (
	answer struct {
		route, method string
		status        int // 0: aborted
	}
	route struct{ route, method string }
)

type routeSeries struct {
	took           prometheus.Observer
	received, sent prometheus.Counter
}

func newRequests(all *prometheus.Registry) requests {
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "http_requests_in_flight", Help: "Requests that are being answered.",
	})
	all.MustRegister(inFlight)
	count := counters(all, "http_requests_total", "Requests by pattern of the route, method and status (aborted: the answer was cut off).", "route", "method", "status")
	took := histograms(all, "http_request_duration_seconds", "Time from the headers of a request to the end of its answer.", requestSeconds, "route", "method")
	received := counters(all, "http_request_bytes_total", "Bytes of bodies that were received.", "route", "method")
	sent := counters(all, "http_response_bytes_total", "Bytes of bodies that were sent.", "route", "method")
	return requests{
		inFlight: inFlight,
		answers: newFamily(func(a answer) prometheus.Counter {
			status := "aborted"
			if a.status != 0 {
				status = strconv.Itoa(a.status)
			}
			return count.WithLabelValues(a.route, a.method, status)
		}),
		routes: newFamily(func(r route) routeSeries {
			return routeSeries{
				took.WithLabelValues(r.route, r.method), received.WithLabelValues(r.route, r.method), sent.WithLabelValues(r.route, r.method),
			}
		}),
	}
}

// Begun counts a request as in flight until Ended.
func (m *Metrics) Begun() { m.requests.inFlight.Inc() }

// Ended takes in how a request went.
func (m *Metrics) Ended(r Request) {
	m.requests.inFlight.Dec()
	key := answer{r.Route, r.Method, r.Status}
	if r.Aborted {
		key.status = 0
	}
	m.requests.answers.of(key).Inc()
	s := m.requests.routes.of(route{r.Route, r.Method})
	s.took.Observe(r.Took.Seconds())
	s.received.Add(float64(r.Received))
	s.sent.Add(float64(r.Sent))
	if r.Action != "" {
		m.writes.note(r)
	}
}

// writes are what is audited.
type writes struct {
	actions   *family[write, prometheus.Counter]
	publishes *family[write, prometheus.Counter]
}

// write is an action, or a kind of publish, and how it ended.
type write struct{ what, outcome string }

// The kinds of publishes.
const (
	kindNPM    = "npm"
	kindCommit = "commit"
	kindZig    = "zig"
	kindLumen  = "lumen"
)

// The outcomes of writes and calls.
const (
	outcomeOK      = "ok"
	outcomeRefused = "refused"
	outcomeFailed  = "failed"
)

func newWrites(all *prometheus.Registry) writes {
	actions := counters(all, "writes_total", "Audited requests by action and outcome: ok, refused or failed.", "action", "outcome")
	publishes := counters(all, "publishes_total", "Publishes over HTTP by kind and outcome: ok, refused or failed.", "kind", "outcome")
	w := writes{
		actions:   newFamily(func(k write) prometheus.Counter { return actions.WithLabelValues(k.what, k.outcome) }),
		publishes: newFamily(func(k write) prometheus.Counter { return publishes.WithLabelValues(k.what, k.outcome) }),
	}
	for _, kind := range []string{kindNPM, kindCommit, kindZig, kindLumen} { // so that the first one is seen as an increase
		for _, outcome := range []string{outcomeOK, outcomeRefused, outcomeFailed} {
			w.publishes.of(write{kind, outcome})
		}
	}
	return w
}

func (w writes) note(r Request) {
	outcome := outcomeOK
	switch {
	case r.Aborted || r.Status >= 500:
		outcome = outcomeFailed
	case r.Status >= 400:
		outcome = outcomeRefused
	}
	w.actions.of(write{r.Action, outcome}).Inc()
	switch r.Action {
	case "publish", "publish commit", "stage approve":
		w.publishes.of(write{kindOf(r.Route), outcome}).Inc()
	}
}

// kindOf tells what is published at a route.
func kindOf(route string) string {
	switch {
	case strings.HasPrefix(route, "/publish/commit"):
		return kindCommit
	case strings.HasPrefix(route, "/zig/"):
		return kindZig
	case strings.HasPrefix(route, "/lumen/"):
		return kindLumen
	}
	return kindNPM
}
