package registry_test

import (
	"bytes"
	"net/http"
	"runtime"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/org/registry-action/internal/clients/dynamoserver"
	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/registry"
)

// badLine is two servers on one bucket and one table, and what can go wrong on the way to them: connections by
// toxiproxy, answers by the proxies of the two stores.
type badLine struct {
	t                *testing.T
	nodes            []*node
	s3               *s3server.Server
	dynamo           *dynamoserver.Server
	toS3, toDynamoDB *toxiproxy.Proxy
}

func newBadLine(t *testing.T) *badLine {
	l := &badLine{t: t, s3: s3server.Start(t), dynamo: dynamoserver.Start(t)}
	zerolog.SetGlobalLevel(zerolog.Disabled) // some toxics log by its global logger
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l.toS3, l.toDynamoDB = l.line(api, "s3", l.s3.URL), l.line(api, "dynamodb", l.dynamo.URL)
	c := registry.Config{
		S3:        registry.S3{Bucket: s3server.Bucket, Endpoint: "http://" + l.toS3.Listen, PathStyle: true},
		DynamoDB:  registry.DynamoDB{Table: "registry", Endpoint: "http://" + l.toDynamoDB.Listen, Create: true},
		CacheSize: 1, // nothing is kept here
	}
	l.nodes = []*node{start(t, c), start(t, c)}
	return l
}

// line starts a proxy that ends with the test.
func (l *badLine) line(api *toxiproxy.ApiServer, name, url string) *toxiproxy.Proxy {
	p := toxiproxy.NewProxy(api, name, "127.0.0.1:0", strings.TrimPrefix(url, "http://"))
	if err := api.Collection.Add(p, true); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(p.Stop)
	return p
}

// poison adds toxics, in toxiproxy's JSON.
func (l *badLine) poison(p *toxiproxy.Proxy, toxics ...string) {
	l.t.Helper()
	for _, text := range toxics {
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
			l.t.Fatalf("%s: %v", text, err)
		}
	}
}

// both poisons the ways to both stores.
func (l *badLine) both(toxics ...string) {
	l.poison(l.toS3, toxics...)
	l.poison(l.toDynamoDB, toxics...)
}

// cut ends all connections and takes none.
func (l *badLine) cut() {
	l.toS3.Stop()
	l.toDynamoDB.Stop()
}

// heal makes everything good again.
func (l *badLine) heal() {
	l.t.Helper()
	l.s3.Fail(nil)
	l.dynamo.Fail(nil)
	for _, p := range []*toxiproxy.Proxy{l.toS3, l.toDynamoDB} {
		p.Toxics.ResetToxics(l.t.Context())
		if !p.Enabled {
			if err := p.Start(); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

// strayToxics counts the goroutines of toxiproxy: it leaves one behind when a toxic goes while a connection ends.
func strayToxics() int {
	all := make([]byte, 4<<20)
	all = all[:runtime.Stack(all, true)]
	count := 0
	for stack := range bytes.SplitSeq(all, []byte("\n\n")) {
		if bytes.Contains(stack, []byte("toxiproxy/v2/toxics.(*ToxicStub).Run")) {
			count++
		}
	}
	return count
}

// sometimes is a fault of every second request.
func sometimes[F ~func(http.ResponseWriter, *http.Request, http.Handler)](f F) F {
	turns := make(chan struct{}, 1)
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		select {
		case turns <- struct{}{}:
			pass.ServeHTTP(w, r)
		default:
			<-turns
			f(w, r, pass)
		}
	}
}

// swallow lets a request happen and keeps the answer to itself.
func swallow(r *http.Request, pass http.Handler) { pass.ServeHTTP(discarded{http.Header{}}, r) }

// discarded is an http.ResponseWriter that nobody reads.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header       { return d.header }
func (discarded) Write(p []byte) (int, error) { return len(p), nil }
func (discarded) WriteHeader(int)             {}

// outage is what goes wrong.
type outage struct {
	name  string
	begin func(l *badLine)
	until int // requests must have been told to come back before it ends; 0: it is a nuisance, and none needs to be
}

func outages() []outage {
	const (
		reset    = `{"type": "reset_peer", "attributes": {"timeout": 0}}`
		lostOut  = `{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`
		lostBack = `{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`
	)
	return []outage{
		{"latency", func(l *badLine) { l.both(`{"type": "latency", "attributes": {"latency": 100, "jitter": 50}}`) }, 0},
		{"slices and little bandwidth", func(l *badLine) {
			l.both(`{"type": "slicer", "attributes": {"average_size": 200, "size_variation": 100, "delay": 100}}`, `{"type": "bandwidth", "stream": "upstream", "attributes": {"rate": 200}}`)
		}, 0},
		{"resets by the table", func(l *badLine) { l.poison(l.toDynamoDB, reset) }, 0},
		{"resets by the bucket", func(l *badLine) { l.poison(l.toS3, reset) }, 1},
		{"requests to the table get lost", func(l *badLine) { l.poison(l.toDynamoDB, lostOut) }, 0},
		{"answers of the table get lost", func(l *badLine) { l.poison(l.toDynamoDB, lostBack) }, 1},
		{"answers of the bucket get lost", func(l *badLine) { l.poison(l.toS3, lostBack) }, 0},
		{"nobody listens", (*badLine).cut, 0},
		{"the table throttles", func(l *badLine) { l.dynamo.Fail(sometimes(throttled)) }, 0},
		{"the bucket throttles", func(l *badLine) {
			l.s3.Fail(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = w.Write([]byte("<Error><Code>SlowDown</Code></Error>"))
			})
		}, 1},
		{"the table does it and answers 500", func(l *badLine) {
			l.dynamo.Fail(sometimes(dynamoserver.Fault(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
				swallow(r, pass)
				dynamoserver.Answer(w, http.StatusInternalServerError, "InternalServerError", "")
			})))
		}, 0},
		{"the bucket does it and answers 500", func(l *badLine) {
			l.s3.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
				swallow(r, pass)
				w.WriteHeader(http.StatusInternalServerError)
			})
		}, 1},
	}
}

// throttled refuses a request of the table, a transaction as a whole.
var throttled dynamoserver.Fault = func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		dynamoserver.Answer(w, http.StatusBadRequest, "TransactionCanceledException", `,"CancellationReasons":[{"Code":"ThrottlingError","Message":"of the test"}]`)
		return
	}
	dynamoserver.Answer(w, http.StatusBadRequest, "ProvisionedThroughputExceededException", "")
}
