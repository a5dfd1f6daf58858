package commits

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
)

// careless is a store that took whatever came under a key.
type careless struct {
	blob.Store
	under, really blob.Key
}

func (c careless) real(k blob.Key) blob.Key {
	if k == c.under {
		return c.really
	}
	return k
}

func (c careless) Open(ctx context.Context, k blob.Key) (blob.Blob, blob.Info, error) {
	return c.Store.Open(ctx, c.real(k))
}

func (c careless) Stat(ctx context.Context, k blob.Key) (blob.Info, error) {
	return c.Store.Stat(ctx, c.real(k))
}

// Other bytes than a digest names are never published, however they came under it: of a body, a head or a whole.
func TestBlobsThatAreNotThemselves(t *testing.T) {
	good, evil := pack(t, "a", "1.0.0", "module a"), pack(t, "a", "1.0.0", "module b")
	older := pack(t, "a", "1.0.1", "module a")
	whole := func(p packed) []byte {
		var b bytes.Buffer
		b.Write(p.recipe.Header())
		b.Write(p.head)
		b.Write(p.body)
		b.Write(p.recipe.Trailer())
		return b.Bytes()
	}
	goodWhole, evilWhole := whole(good), whole(evil)
	part := tarball.Part{Digest: digest.Of(goodWhole), Size: int64(len(goodWhole))}
	ofWhole := publication(sha1a, "acme/ws")
	ofWhole.Packages = []Source{{Name: "a", Whole: &part}}
	for name, tt := range map[string]struct {
		p             Publication
		under, really []byte
	}{
		"body":  {publication(sha1a, "acme/ws", good), good.body, evil.body},
		"head":  {publication(sha1a, "acme/ws", good), good.head, older.head},
		"whole": {ofWhole, goodWhole, evilWhole},
	} {
		t.Run(name, func(t *testing.T) {
			if len(tt.under) != len(tt.really) {
				t.Fatalf("%d and %d bytes", len(tt.under), len(tt.really))
			}
			w := newWorld(t, Options{})
			for _, b := range [][]byte{good.head, good.body, goodWhole, tt.really} {
				if _, err := w.PutPart(t.Context(), who{}, digest.Of(b), bytes.NewReader(b)); err != nil {
					t.Fatal(err)
				}
			}
			key := func(b []byte) blob.Key { return blob.Key{Space: blob.Commits, Digest: digest.Of(b)} }
			honest := w.blobs.Store
			w.blobs.Store = careless{honest, key(tt.under), key(tt.really)}
			if res, err := w.Publish(t.Context(), who{}, tt.p); !errors.Is(err, blob.ErrDigest) {
				t.Errorf("Publish = %+v, %v, want blob.ErrDigest", res, err)
			}
			if c, err := w.Commit(t.Context(), sha1a); !errors.Is(err, fault.NotFound) {
				t.Errorf("the commit is there: %+v, %v", c, err)
			}
			w.blobs.Store = honest
			if _, err := w.Publish(t.Context(), who{}, tt.p); err != nil {
				t.Errorf("with the right bytes: %v", err)
			}
		})
	}
}

// signer signs whatever it is asked to.
type signer struct{}

func (signer) SignGet(_ context.Context, key blob.Key, _ time.Duration, as blob.Answer) (string, error) {
	return "https://store.test/" + key.String() + "?" + as.Filename, nil
}

func (signer) SignPut(_ context.Context, key blob.Key, _ time.Duration, _ int64) (blob.Request, error) {
	return blob.Request{URL: "https://store.test/" + key.String(), Header: http.Header{"A": {"b"}}}, nil
}

// What is put together here is never behind a link.
func TestLinkOfSplitTarball(t *testing.T) {
	w := newWorld(t, Options{Links: &blob.Links{Signer: signer{}}})
	a := pack(t, "a", "1.0.0", "module a")
	p := w.publish(sha1a, "acme/ws", a).Commit.Packages[0]
	if link, err := w.Link(t.Context(), p, Answer{}); link != "" || err != nil {
		t.Errorf("Link of a split tarball = %q, %v", link, err)
	}
	p.Artifact.Whole, p.Artifact.Recipe = &a.recipe.Body, nil
	if link, err := w.Link(t.Context(), p, Answer{Filename: "f"}); link != "https://store.test/commits/"+a.recipe.Body.Digest.Hex()+"?f" || err != nil {
		t.Errorf("Link = %q, %v", link, err)
	}
	for _, name := range []string{"zig:a", "lumen:@acme/a"} {
		p.Name = name
		if link, err := w.Link(t.Context(), p, Answer{}); link != "" || err != nil {
			t.Errorf("Link of %s = %q, %v", name, link, err)
		}
	}
}

func TestDirect(t *testing.T) {
	w := newWorld(t, Options{Links: &blob.Links{Signer: signer{}, Least: 10}})
	d := digest.Of([]byte("a"))
	for _, tt := range []struct {
		part  tarball.Part
		given bool
	}{{tarball.Part{Digest: d, Size: 10}, true}, {tarball.Part{Digest: d, Size: 9}, false}, {tarball.Part{Size: 10}, false}} {
		if r, err := w.Direct(t.Context(), who{}, tt.part); (r != nil) != tt.given || err != nil {
			t.Errorf("Direct(%v) = %v, %v", tt.part, r, err)
		}
	}
	if r, err := newWorld(t, Options{}).Direct(t.Context(), who{}, tarball.Part{Digest: d, Size: 1 << 30}); r != nil || err != nil {
		t.Errorf("Direct without links = %v, %v", r, err)
	}
	parts := []tarball.Part{{Digest: d, Size: 60 << 20}, {Digest: digest.Of(nil), Size: 60 << 20}}
	w = newWorld(t, Options{MaxPublish: 100 << 20})
	if _, err := w.Missing(t.Context(), who{}, Repository{}, parts); !errors.Is(err, fault.TooLarge) {
		t.Errorf("Missing of more than a publish may have: %v", err)
	}
}
