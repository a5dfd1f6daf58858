package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

const control = "control-token-of-the-test"

// migrate moves the server and returns how it ended.
func (n *node) migrate(m wire.Migration) wire.MigrationStatus {
	n.t.Helper()
	client := adminclient.Remote(n.url, control)
	defer client.Close()
	if _, err := client.Migrate(n.t.Context(), m); err != nil {
		return wire.MigrationStatus{Phase: wire.PhaseFailed, Error: err.Error()}
	}
	for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
		status, err := client.Migration(n.t.Context())
		if err != nil {
			n.t.Fatal(err)
		}
		if status.Phase == wire.PhaseDone || status.Phase == wire.PhaseFailed {
			return status
		}
	}
}

func (n *node) migrated(m wire.Migration) wire.MigrationStatus {
	n.t.Helper()
	status := n.migrate(m)
	if status.Phase != wire.PhaseDone {
		n.t.Fatalf("the migration: %+v", status)
	}
	return status
}

// wantReadOnly checks that a write answers 503 with a code.
func (n *node) wantReadOnly(code string) {
	n.t.Helper()
	a := n.publish("late", "1.0.0")
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || !strings.Contains(string(a.body), code) {
		n.t.Errorf("a publish = %d %s, want 503 with %s", a.StatusCode, a.body, code)
	}
}

// publishing publishes some versions, one after the other, until stop, which returns those that were acknowledged.
func (n *node) publishing(name string) (stop func() []string) {
	var acked []string
	ended, done := make(chan struct{}), sync.WaitGroup{}
	done.Go(func() {
		for i := range 40 {
			select {
			case <-ended:
				return
			default:
			}
			version := fmt.Sprintf("1.%d.0", i)
			if a := n.publish(name, version); a.StatusCode == http.StatusCreated {
				acked = append(acked, version)
			}
		}
	})
	return func() []string { close(ended); done.Wait(); return acked }
}

func (n *node) wantVersions(name string, versions []string) {
	n.t.Helper()
	have, _ := n.get("/" + name).json(n.t)["versions"].(map[string]any)
	for _, v := range versions {
		if a := n.get("/" + name + "/-/" + name + "-" + v + ".tgz"); have[v] == nil || a.StatusCode != http.StatusOK {
			n.t.Errorf("%s@%s was acknowledged; in the packument: %t, its tarball: %d", name, v, have[v] != nil, a.StatusCode)
		}
	}
}

func stores(bucket registry.S3, table registry.DynamoDB) wire.Migration {
	return wire.Migration{
		From: []string{wire.StoreLocal}, To: []string{wire.StoreS3, wire.StoreDynamoDB}, S3: wire.Bucket(bucket),
		DynamoDB: wire.Table(table),
	}
}

var home = wire.Migration{From: []string{wire.StoreS3, wire.StoreDynamoDB}, To: []string{wire.StoreLocal}}

// A registry moves to S3 and DynamoDB and back while packages are published, and nothing that was acknowledged is lost.
func TestMigrateThereAndBack(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	n := start(t, registry.Config{ControlToken: control})
	files := n.publishAll()
	stop := n.publishing("during")
	status := n.migrated(stores(bucket, table))
	n.wantReadOnly("registry_moved")
	n.wantAll(files)
	acked := stop()
	t.Logf("%d versions were published meanwhile; %+v", len(acked), status)
	n.wantVersions("during", acked)
	n.stop()
	if left, err := filepath.Glob(filepath.Join(n.dir, "*.moved-*")); err != nil || len(left) != 2 {
		t.Errorf("put aside are %v, %v, want the metadata and the blobs", left, err)
	}

	far := start(t, registry.Settling(registry.Config{DataDir: n.dir, ControlToken: control}, 6*time.Second))
	far.wantAll(files)
	far.wantVersions("during", acked)
	other := start(t, registry.Config{S3: bucket, DynamoDB: table})
	other.wantAll(files)
	if a := far.publish("after", "1.0.0"); a.StatusCode != http.StatusCreated {
		t.Fatalf("a publish to the new place: %d %s", a.StatusCode, a.body)
	}
	stop = other.publishing("back")
	status = far.migrated(home)
	acked = stop()
	t.Logf("%d versions were published to the other server meanwhile; %+v", len(acked), status)
	other.wantReadOnly("registry_moved")
	far.stop()

	back := start(t, registry.Config{DataDir: n.dir, ControlToken: control})
	back.wantAll(files)
	back.wantVersions("back", acked)
	back.wantVersions("after", []string{"1.0.0"})
	for _, name := range []string{"metadata.json", "storage.json", "migration.json", "metadata.db.moving", "blobs.moving"} {
		if _, err := os.Stat(filepath.Join(n.dir, name)); !os.IsNotExist(err) {
			t.Errorf("there is still %s: %v", name, err)
		}
	}
	if s := back.migrate(stores(bucket, table)); s.Phase != wire.PhaseFailed || !strings.Contains(s.Error, "not empty") {
		t.Errorf("a move to a table that was left: %+v", s)
	}
	if a := back.publish("again", "1.0.0"); a.StatusCode != http.StatusCreated {
		t.Errorf("a publish after a move that was refused: %d %s", a.StatusCode, a.body)
	}
}

// One half can move alone, and the other later.
func TestMigrateHalves(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	dir := t.TempDir()
	var files map[string]string
	for i, m := range []wire.Migration{
		{From: []string{wire.StoreLocal}, To: []string{wire.StoreS3}, S3: wire.Bucket(bucket)},
		{From: []string{wire.StoreLocal}, To: []string{wire.StoreDynamoDB}, DynamoDB: wire.Table(table)},
		{From: []string{wire.StoreDynamoDB}, To: []string{wire.StoreLocal}},
		{From: []string{wire.StoreS3}, To: []string{wire.StoreLocal}},
	} {
		n := start(t, registry.Settling(registry.Config{DataDir: dir, ControlToken: control}, time.Millisecond))
		if i == 0 {
			files = n.publishAll()
		}
		n.migrated(m)
		n.wantAll(files)
		n.stop()
	}
	n := start(t, registry.Config{DataDir: dir})
	n.wantAll(files)
	if bucket, table := n.Storage(); bucket.Bucket != "" || table.Table != "" {
		t.Errorf("it is in %s and %q, not in the folder", bucket, table.Table)
	}
}

// What is wrong with a move is said before anything is copied.
func TestMigrationsRefused(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	taken := start(t, registry.Config{S3: bucket, DynamoDB: table})
	taken.publishAll()
	n := start(t, registry.Config{ControlToken: control})
	files := n.publishAll()
	fresh := table
	fresh.Table = "fresh"
	otherPrefix := bucket
	otherPrefix.Prefix = "fresh"
	for name, c := range map[string]struct {
		m    wire.Migration
		text string
	}{
		"a table that is in use":     {stores(otherPrefix, table), "not empty"},
		"a bucket that is in use":    {stores(bucket, fresh), "not empty"},
		"nowhere":                    {wire.Migration{From: []string{"local"}}, "from local to s3"},
		"to where it is":             {wire.Migration{From: []string{"local"}, To: []string{"local"}}, "from local to s3"},
		"an unknown store":           {wire.Migration{From: []string{"local"}, To: []string{"gcs"}}, "no store"},
		"a bucket without a name":    {wire.Migration{From: []string{"local"}, To: []string{"s3"}}, "--s3-bucket"},
		"a table without a name":     {wire.Migration{From: []string{"local"}, To: []string{"dynamodb"}}, "--dynamodb-table"},
		"a bucket that is not there": {wire.Migration{From: []string{"local"}, To: []string{"s3"}, S3: wire.Bucket{Bucket: "missing", Endpoint: bucket.Endpoint, PathStyle: true}}, "no bucket"},
	} {
		if s := n.migrate(c.m); s.Phase != wire.PhaseFailed || !strings.Contains(s.Error, c.text) {
			t.Errorf("%s: %+v, want %q", name, s, c.text)
		}
		if err := adminclient.Remote(n.url, control).AbandonMigration(t.Context()); err != nil && !strings.Contains(err.Error(), "no migration") {
			t.Error(err)
		}
	}
	n.wantAll(files)
	if a := n.publish("goes-on", "1.0.0"); a.StatusCode != http.StatusCreated {
		t.Errorf("a publish after all that: %d %s", a.StatusCode, a.body)
	}
}

// A move that a fault has ended goes on from there, and until then the registry is where it was and takes changes.
func TestMigrationGoesOn(t *testing.T) {
	_, table := onTable(t)
	server, bucket := onS3(t)
	n := start(t, registry.Config{ControlToken: control})
	files := n.publishAll()
	var mu sync.Mutex
	puts := 0
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		mu.Lock()
		if r.Method == http.MethodPut {
			puts++
		}
		broken := puts > 3 // the mark, and two blobs
		mu.Unlock()
		if broken {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		pass.ServeHTTP(w, r)
	})
	if s := n.migrate(stores(bucket, table)); s.Phase != wire.PhaseFailed || !s.Resumable {
		t.Fatalf("without rights: %+v", s)
	}
	if a := n.publish("between", "1.0.0"); a.StatusCode != http.StatusCreated {
		t.Fatalf("a publish after the fault: %d %s", a.StatusCode, a.body)
	}
	server.Fail(nil)
	if s := n.migrate(wire.Migration{From: []string{"local"}, To: []string{"s3"}, S3: wire.Bucket{Bucket: s3server.Bucket, Prefix: "elsewhere", Endpoint: bucket.Endpoint, PathStyle: true}}); s.Phase != wire.PhaseFailed || !strings.Contains(s.Error, "--abandon") {
		t.Errorf("a move to elsewhere in between: %+v", s)
	}
	refused, err := registry.New(registry.Config{DataDir: t.TempDir(), BaseURL: "http://localhost", NoUpstream: true, S3: bucket, DynamoDB: table})
	if err == nil {
		refused.Close()
	}
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("a server on a table that is being filled: %v", err)
	}
	n.migrated(stores(bucket, table))
	n.stop()
	far := start(t, registry.Config{DataDir: n.dir})
	far.wantAll(files)
	far.wantVersions("between", []string{"1.0.0"})
}

// Servers of one table agree on the bucket.
func TestOneBucketForATable(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	start(t, registry.Config{S3: bucket, DynamoDB: table})
	other := bucket
	other.Prefix = "another"
	for name, c := range map[string]registry.Config{"another": {S3: other}, "none": {}} {
		c.DataDir, c.DynamoDB, c.BaseURL, c.NoUpstream = t.TempDir(), table, "http://localhost", true
		r, err := registry.New(c)
		if err == nil {
			r.Close()
		}
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), bucket.String()) {
			t.Errorf("a server with the bucket %s: %v", name, err)
		}
	}
}

// An admin who is not on the machine neither moves the registry nor copies its secrets.
func TestMigrationIsForTheOperator(t *testing.T) {
	n := start(t, registry.Config{Token: "root-token-of-the-test", ControlToken: control})
	for _, path := range []string{"migration", "snapshot"} {
		a := n.request(http.MethodPost, "/-/admin/"+path, strings.NewReader(`{"from":["local"],"to":["s3"]}`), "Authorization: Bearer root-token-of-the-test", "Content-Type: application/json")
		if a.StatusCode != http.StatusForbidden {
			t.Errorf("an admin's POST %s = %d %s", path, a.StatusCode, a.body)
		}
		a = n.request(http.MethodPost, "/-/admin/"+path, strings.NewReader(`{}`), "Authorization: Bearer "+control, "X-Forwarded-For: 192.0.2.1")
		if a.StatusCode != http.StatusUnauthorized && a.StatusCode != http.StatusForbidden {
			t.Errorf("a relayed POST %s with the control token = %d %s", path, a.StatusCode, a.body)
		}
	}
}
