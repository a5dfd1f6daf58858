package dynamokv

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/clients/dynamoserver"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/kvtest"
)

// server is the DynamoDB of this package's tests, one for all of them.
var server *clients.MotoServer

func TestMain(m *testing.M) {
	os.Exit(func() int {
		for name, value := range dynamoserver.Environment() {
			os.Setenv(name, value)
		}
		var err error
		if server, err = clients.StartMoto(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code := m.Run()
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}())
}

func TestLaws(t *testing.T) {
	kvtest.Run(t, func(t *testing.T, now func() time.Time) kv.DB {
		return openTable(t, Options{Table: newName(), Create: true, Now: now})
	})
}

// endpoint is where the test reaches the server.
func endpoint(t *testing.T) string {
	t.Helper()
	return dynamoserver.Front(t, server.URL).URL
}

func newName() string { return "table-" + rand.Text() }

// openTable opens a table of the tests' server unless o names another, and closes it at the end.
func openTable(t *testing.T, o Options) *DB {
	t.Helper()
	if o.Endpoint == "" {
		o.Endpoint = endpoint(t)
	}
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func row(partition, sort, value string) kv.Row {
	return kv.Row{Key: kv.Key{Partition: partition, Sort: sort}, Value: []byte(value)}
}

func value(t *testing.T, db kv.DB, k kv.Key) string {
	t.Helper()
	r, err := db.Get(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return string(r.Value)
}
