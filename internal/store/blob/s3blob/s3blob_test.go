package s3blob_test

import (
	"crypto/rand"
	"testing"

	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/blobtest"
	"github.com/org/registry-action/internal/store/blob/s3blob"
)

// openAt opens a store with a folder of the bucket for itself.
func openAt(t *testing.T, server *s3server.Server) *s3blob.Store {
	t.Helper()
	return openWith(t, configOf(t, server))
}

func openWith(t *testing.T, c s3blob.Config) *s3blob.Store {
	t.Helper()
	s, err := s3blob.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func configOf(t *testing.T, server *s3server.Server) s3blob.Config {
	return s3blob.Config{Bucket: s3server.Bucket, Prefix: "/" + rand.Text() + "/", Endpoint: server.URL, PathStyle: true, Spool: t.TempDir()}
}

func TestLaws(t *testing.T) {
	server := s3server.Start(t)
	blobtest.Run(t, func(t *testing.T) blob.Store { return openAt(t, server) })
}

func TestSignedLaws(t *testing.T) {
	server := s3server.Start(t)
	blobtest.RunSigned(t, func(t *testing.T) blobtest.SignedStore { return openAt(t, server) })
}
