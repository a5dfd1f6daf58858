package registry_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/clients/dynamoserver"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/registry"
)

// onTable names a table, which is made, whose server ends with the test.
func onTable(t *testing.T) (*dynamoserver.Server, registry.DynamoDB) {
	server := dynamoserver.Start(t)
	return server, registry.DynamoDB{Table: "registry", Endpoint: server.URL, Create: true}
}

// Two servers on one table and one bucket are one registry.
func TestTwoServers(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	c := registry.Config{S3: bucket, DynamoDB: table}
	nodes := []*node{start(t, c), start(t, c)}
	files := nodes[0].publishAll()
	for _, n := range nodes {
		n.wantAll(files)
	}
	for i := range 6 { // what one has in memory is no reason to miss what the other published
		version := fmt.Sprintf("1.%d.0", i)
		if a := nodes[i%2].publish("both", version); a.StatusCode != http.StatusCreated {
			t.Fatalf("publishing %s: %d %s", version, a.StatusCode, a.body)
		}
		for which, n := range nodes {
			a := n.get("/both")
			if latest := a.json(t)["dist-tags"].(map[string]any)["latest"]; latest != version {
				t.Errorf("server %d says %v is the latest, want %s", which, latest, version)
			}
			if a := n.get("/both/-/both-" + version + ".tgz"); a.StatusCode != http.StatusOK {
				t.Errorf("server %d has no tarball of %s: %d", which, version, a.StatusCode)
			}
		}
	}
}

// Of many who publish one version, on either server, one wins, and its bytes are what everybody gets.
func TestOneOfManyWins(t *testing.T) {
	_, table := onTable(t)
	_, bucket := onS3(t)
	c := registry.Config{S3: bucket, DynamoDB: table}
	nodes := []*node{start(t, c), start(t, c)}
	const racers = 20
	statuses, files := make([]int, racers), make([]string, racers)
	var wg sync.WaitGroup
	for i := range racers {
		files[i] = tgz(t, "raced", "1.0.0", fmt.Sprint("by ", i))
		wg.Go(func() {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/raced", strings.NewReader(document("raced", "1.0.0", files[i])))
			r.Header.Set("Content-Type", "application/json")
			r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
			nodes[i%2].Handler().ServeHTTP(w, r)
			statuses[i] = w.Code
		})
	}
	wg.Wait()
	won := ""
	for i, status := range statuses {
		switch {
		case status == http.StatusCreated && won == "":
			won = files[i]
		case status != http.StatusConflict && status != http.StatusForbidden:
			t.Errorf("publish %d of one version answers %d", i, status)
		}
	}
	if won == "" {
		t.Fatalf("nobody won: %v", statuses)
	}
	for which, n := range nodes {
		if a := n.get("/raced/-/raced-1.0.0.tgz"); string(a.body) != won {
			t.Errorf("server %d serves %d %d bytes, not those of the one that won", which, a.StatusCode, len(a.body))
		}
	}
}

// While the table is away clients are told to come back, and when it is back all goes on.
func TestTableOutage(t *testing.T) {
	server, table := onTable(t)
	n := start(t, registry.Config{DynamoDB: table})
	files := n.publishAll()
	for name, fail := range map[string]dynamoserver.Fault{
		"rights that are gone": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			dynamoserver.Answer(w, http.StatusBadRequest, "AccessDeniedException", "")
		},
		"an end of credentials": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			dynamoserver.Answer(w, http.StatusBadRequest, "ExpiredTokenException", "")
		},
	} {
		server.Fail(fail)
		n.wantAway(name+": packument", n.get("/@acme%2fa"))
		n.wantAway(name+": publish", n.publish("@acme/a", "1.1.0"))
		server.Fail(nil)
		n.wantAll(files)
	}
	if a := n.publish("@acme/a", "1.1.0"); a.StatusCode != http.StatusCreated {
		t.Errorf("the publish of afterwards: %d %s", a.StatusCode, a.body)
	}
}

// A data folder keeps to where its metadata is, and tells commands.
func TestMetadataElsewhere(t *testing.T) {
	_, table := onTable(t)
	local, remote := start(t, registry.Config{}), start(t, registry.Config{DynamoDB: table})
	for _, n := range []*node{local, remote} {
		n.publishAll()
		n.stop()
	}
	for name, c := range map[string]registry.Config{
		"a table for what is in the folder": {DataDir: local.dir, DynamoDB: table},
		"the folder for what is in a table": {DataDir: remote.dir, DynamoDB: registry.DynamoDB{Table: registry.InFolder}},
		"another table":                     {DataDir: remote.dir, DynamoDB: registry.DynamoDB{Table: "other", Endpoint: table.Endpoint, Create: true}},
		"a table that is not there":         {DataDir: t.TempDir(), DynamoDB: registry.DynamoDB{Table: "missing", Endpoint: table.Endpoint}},
	} {
		c.BaseURL, c.NoUpstream = "http://localhost", true
		r, err := registry.New(c)
		if err == nil {
			r.Close()
		}
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "DYNAMODB_") {
			t.Errorf("%s: %v", name, err)
		}
	}
	reg, err := registry.New(registry.Config{DataDir: remote.dir, BaseURL: "http://localhost", NoUpstream: true})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close()
	f, err := reg.Tarball(t.Context(), "@acme/a", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := io.Copy(io.Discard, f); err != nil || n == 0 {
		t.Errorf("a command that knows the folder only reads %d bytes, %v", n, err)
	}
}
