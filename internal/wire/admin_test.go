package wire_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/wire"
)

func TestImportQuery(t *testing.T) {
	for _, in := range []wire.Import{
		{},
		{Name: "a", Version: "1.0.0"},
		{
			Name: "@a/b", Version: "1.0.0-beta.1", Tags: []string{"latest", "x"}, PublishedAt: time.Date(2020, 1, 2, 3, 4, 5, 678e6, time.UTC),
			Deprecated: "use b & c; 50% off + more\n", Publisher: "Ann <ann@x>", Checksum: "sha256:aa", Integrity: "sha512-a+/==", Shasum: "bb",
		},
	} {
		q, err := url.ParseQuery(in.Query().Encode())
		if err != nil {
			t.Fatal(err)
		}
		out, err := wire.ImportOf(q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Errorf("there and back (-want +got):\n%s", diff)
		}
	}
	for _, text := range []string{"yesterday", "1e400", "2020-01-02", "99999-01-01T00:00:00Z"} {
		if _, err := wire.ImportOf(url.Values{"publishedAt": {text}}); err == nil {
			t.Errorf("publishedAt %q is taken", text)
		}
	}
}
