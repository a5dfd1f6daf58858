package registry_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/clients/dynamoserver"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

// countsOf is the table of statistics beside another.
func countsOf(table registry.DynamoDB, name string) registry.DynamoDB {
	table.Table, table.Create = name, true
	return table
}

// download downloads @acme/a some times.
func (n *node) download(times int) {
	n.t.Helper()
	for range times {
		if a := n.get("/@acme/a/-/a-1.0.0.tgz"); a.StatusCode != http.StatusOK {
			n.t.Fatalf("a download: %d %s", a.StatusCode, a.body)
		}
	}
}

// wantDownloads waits until what was downloaded is told.
func (n *node) wantDownloads(want int64) {
	n.t.Helper()
	var got totals
	eventually(n.t, "the downloads are counted", func() bool {
		got = n.totals("@acme/a")
		return got.Total >= want
	})
	if got.Total != want || got.Versions["1.0.0"] != want {
		n.t.Errorf("%+v are counted, want %d", got, want)
	}
}

// Statistics move between the embedded store, a table of their own and the table of other metadata, with it and alone,
// and no count is lost.
func TestMigrateStatistics(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	own := func(name string) wire.Table { return wire.Table(countsOf(table, name)) }
	local, far, counts := wire.StoreLocal, []string{wire.StoreS3, wire.StoreDynamoDB}, wire.StoreAnalytics
	dir := t.TempDir()
	open := func() *node {
		return start(t, registry.Settling(registry.Config{DataDir: dir, ControlToken: control}, 10*time.Millisecond))
	}
	n := open()
	n.publishAll()
	downloads := int64(0)
	for _, step := range []struct {
		name string
		move wire.Migration
		own  bool // statistics have a table of their own then
		rows bool // packages can't be published until the restart
	}{
		{"embedded to a table of their own", wire.Migration{From: []string{local}, To: []string{counts}, Analytics: own("counts-1")}, true, false},
		{"and back", wire.Migration{From: []string{counts}, To: []string{local}}, false, false},
		{"all to the cloud, statistics to a table of their own", wire.Migration{From: []string{local}, To: append(far, counts), S3: wire.Bucket(bucket), DynamoDB: wire.Table(table), Analytics: own("counts-2")}, true, true},
		{"to the one table", wire.Migration{From: []string{counts}, To: []string{wire.StoreDynamoDB}}, false, false},
		{"out of the one table", wire.Migration{From: []string{wire.StoreDynamoDB}, To: []string{counts}, Analytics: own("counts-3")}, true, false},
		{"metadata home without them", wire.Migration{From: far, To: []string{local}}, true, true},
		{"to the table of the metadata that moves", wire.Migration{From: []string{local, counts}, To: []string{wire.StoreDynamoDB}, DynamoDB: own("registry-2")}, false, true},
		{"out of the table of the metadata that moves", wire.Migration{From: []string{wire.StoreDynamoDB}, To: []string{local, counts}, Analytics: own("counts-4")}, true, true},
		{"and home", wire.Migration{From: []string{counts}, To: []string{local}}, false, false},
	} {
		n.download(3)
		downloads += 3
		n.wantDownloads(downloads)
		status := n.migrated(step.move)
		if status.RowsCopied == 0 {
			t.Errorf("%s: no rows were copied: %+v", step.name, status)
		}
		if step.rows {
			n.wantReadOnly("registry_moved")
		} else if a := n.publish("meanwhile-"+strings.ReplaceAll(step.name, " ", "-"), "1.0.0"); a.StatusCode != http.StatusCreated {
			t.Errorf("%s: a publish meanwhile: %d %s", step.name, a.StatusCode, a.body)
		}
		if text := strings.Join(status.Notes, "\n"); strings.Contains(text, "count no downloads") != (step.move.Analytics.Table != "" || strings.Contains(strings.Join(step.move.From, " "), counts)) {
			t.Errorf("%s: it says %s", step.name, text)
		}
		n.stop()
		n = open()
		n.wantDownloads(downloads)
		if got := registry.Counts(n.Registry); (got.Table != "") != step.own {
			t.Errorf("%s: the statistics are in %q", step.name, got.Table)
		}
	}
}

// Other servers of the table count no more in the old place, and the one that comes with it is refused.
func TestMigrateStatisticsOfSeveralServers(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	c := registry.Config{S3: bucket, DynamoDB: table, Analytics: countsOf(table, "counts"), ControlToken: control}
	n, other := start(t, registry.Settling(c, 6*time.Second)), start(t, c)
	n.publishAll()
	n.download(2)
	other.download(3)
	n.wantDownloads(5)
	n.migrated(wire.Migration{From: []string{wire.StoreAnalytics}, To: []string{wire.StoreDynamoDB}})
	other.download(7) // it has not been restarted
	for _, n := range []*node{n, other} {
		if a := n.publish("still-"+n.dir[len(n.dir)-3:], "1.0.0"); a.StatusCode != http.StatusCreated {
			t.Errorf("a publish: %d %s", a.StatusCode, a.body)
		}
	}
	n.stop()
	other.stop()
	for name, dir := range map[string]string{"the old one": n.dir, "a new one": t.TempDir()} {
		c := c
		c.DataDir, c.BaseURL, c.NoUpstream = dir, "http://localhost", true
		r, err := registry.New(c)
		if err == nil {
			r.Close()
		}
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "--from dynamodb --to analytics") {
			t.Errorf("%s that counts where they were: %v", name, err)
		}
	}
	c.Analytics = registry.DynamoDB{}
	again := start(t, c)
	again.download(1)
	again.wantDownloads(6)
}

// The metadata remembers where statistics are, and they are never begun anew elsewhere by a slip.
func TestStatisticsElsewhere(t *testing.T) {
	_, table := onTable(t)
	own := countsOf(table, "counts")
	n := start(t, registry.Config{Analytics: own, ControlToken: control})
	n.publishAll()
	n.download(4)
	n.wantDownloads(4)
	n.stop()
	for name, other := range map[string]registry.DynamoDB{"another table": countsOf(table, "others"), "the folder": {Table: registry.InFolder}} {
		r, err := registry.New(registry.Config{DataDir: n.dir, BaseURL: "http://localhost", NoUpstream: true, Analytics: other})
		if err == nil {
			r.Close()
		}
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "--from analytics --to local") {
			t.Errorf("%s: %v", name, err)
		}
	}
	again := start(t, registry.Config{DataDir: n.dir, ControlToken: control})
	again.wantDownloads(4)
	for name, c := range map[string]struct {
		m    wire.Migration
		text string
	}{
		"to another table":         {wire.Migration{From: []string{"local"}, To: []string{"analytics"}, Analytics: wire.Table(countsOf(table, "others"))}, "--from analytics --to local"},
		"without a name":           {wire.Migration{From: []string{"local"}, To: []string{"analytics"}}, "--dynamodb-analytics-table"},
		"not where metadata is":    {wire.Migration{From: []string{"analytics"}, To: []string{"dynamodb"}}, "in the store local"},
		"with nothing beside":      {wire.Migration{From: []string{"analytics"}, To: []string{"s3"}}, "not from analytics to s3"},
		"from two places":          {wire.Migration{From: []string{"local", "dynamodb"}, To: []string{"analytics"}}, "not from local,dynamodb"},
		"metadata over them":       {wire.Migration{From: []string{"local"}, To: []string{"dynamodb"}, DynamoDB: wire.Table(own)}, "has the statistics"},
		"metadata and they as one": {wire.Migration{From: []string{"local"}, To: []string{"dynamodb", "analytics"}, DynamoDB: wire.Table(countsOf(table, "x")), Analytics: wire.Table(countsOf(table, "x"))}, "move them there first"},
	} {
		if s := again.migrate(c.m); s.Phase != wire.PhaseFailed || !strings.Contains(s.Error, c.text) {
			t.Errorf("%s: %+v, want %q", name, s, c.text)
		}
	}
	again.download(1)
	again.wantDownloads(5)

	embedded := start(t, registry.Config{})
	embedded.publishAll()
	embedded.download(1)
	embedded.stop()
	r, err := registry.New(registry.Config{DataDir: embedded.dir, BaseURL: "http://localhost", NoUpstream: true, Analytics: countsOf(table, "empty")})
	if err == nil {
		r.Close()
	}
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "--from local --to analytics") {
		t.Errorf("a table that would begin with nothing: %v", err)
	}
}

// A move of statistics that a fault has ended goes on from there, or is given up, and until then counts go where they went.
func TestMigrationOfStatisticsGoesOn(t *testing.T) {
	server, table := onTable(t)
	n := start(t, registry.Config{ControlToken: control})
	n.publishAll()
	n.download(2)
	n.wantDownloads(2)
	m := wire.Migration{From: []string{wire.StoreLocal}, To: []string{wire.StoreAnalytics}, Analytics: wire.Table(countsOf(table, "counts"))}
	var puts atomic.Int32
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") && puts.Add(1) > 3 { // the mark, and two rows
			dynamoserver.Answer(w, http.StatusBadRequest, "AccessDeniedException", "")
			return
		}
		pass.ServeHTTP(w, r)
	})
	if s := n.migrate(m); s.Phase != wire.PhaseFailed || !s.Resumable {
		t.Fatalf("without rights: %+v", s)
	}
	n.download(3)
	n.wantDownloads(5)
	server.Fail(nil)
	other := m
	other.Analytics.Table = "elsewhere"
	if s := n.migrate(other); s.Phase != wire.PhaseFailed || !strings.Contains(s.Error, "--abandon") {
		t.Errorf("a move to elsewhere in between: %+v", s)
	}
	r, err := registry.New(registry.Config{DataDir: t.TempDir(), BaseURL: "http://localhost", NoUpstream: true, Analytics: countsOf(table, "counts")})
	if err == nil {
		r.Close()
	}
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("a server on a table that is being filled: %v", err)
	}
	n.migrated(m)
	n.stop()
	again := start(t, registry.Config{DataDir: n.dir, ControlToken: control})
	again.download(1)
	again.wantDownloads(6)

	// And given up.
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Scan") {
			dynamoserver.Answer(w, http.StatusBadRequest, "AccessDeniedException", "")
			return
		}
		pass.ServeHTTP(w, r)
	})
	if s := again.migrate(wire.Migration{From: []string{wire.StoreAnalytics}, To: []string{wire.StoreLocal}}); s.Phase != wire.PhaseFailed {
		t.Fatalf("without the right to Scan: %+v", s)
	}
	server.Fail(nil)
	if err := adminclient.Remote(again.url, control).AbandonMigration(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.download(1)
	again.wantDownloads(7)
	again.stop()
	start(t, registry.Config{DataDir: n.dir}).wantDownloads(7)
}

// A move that is there already changes nothing, and does not take the table for one that was left.
func TestMigrateAgain(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	n := start(t, registry.Config{ControlToken: control})
	n.publishAll()
	m := stores(bucket, table)
	n.migrated(m)
	n.stop()
	far := start(t, registry.Config{DataDir: n.dir, ControlToken: control})
	far.migrated(m)
	far.stop()
	far = start(t, registry.Config{DataDir: n.dir, ControlToken: control})
	if a := far.publish("afterwards", "1.0.0"); a.StatusCode != http.StatusCreated {
		t.Errorf("a publish after the same command again: %d %s", a.StatusCode, a.body)
	}
}
