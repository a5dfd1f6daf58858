package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

// A store that has something of every kind is sound, and everything in it was looked at.
func TestVerify(t *testing.T) {
	k := keepAll(t, registry.Config{})
	v := k.wantSound()
	for what, n := range map[string]int64{"npm versions": 2, "packages of commits": 7, "Zig versions": 1, "Lumen versions": 1} {
		if v.Checked[what] != n {
			t.Errorf("%d %s were checked, want %d (%v)", v.Checked[what], what, n, v.Checked)
		}
	}
	if files := len(k.files()); v.Blobs != int64(files-1) || v.Unreferenced != 0 { // what was unpublished is held for an hour
		t.Errorf("%d of %d blobs were read, %d need nobody", v.Blobs, files, v.Unreferenced)
	}
}

// Whatever byte of whatever blob is flipped, its packages are named, and no others.
func TestVerifyFindsEveryFlippedByte(t *testing.T) {
	k := keepAll(t, registry.Config{})
	for _, path := range k.files() {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := slices.Clone(good)
		at := rand.IntN(len(bad))
		bad[at] ^= 1 << rand.IntN(8)
		for what, bytes := range map[string][]byte{"a byte": bad, "the end": good[:len(good)-1-rand.IntN(len(good)-1)], "more": append(slices.Clone(good), 0)} {
			damage(t, path, bytes)
			k.wantDamaged(path, what, "bytes")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		k.wantDamaged(path, "nothing", "missing")
		damage(t, path, good)
	}
	k.wantSound()
}

// wantDamaged wants each of those who need a blob to be named, once, with the blob and both digests.
func (k *kept) wantDamaged(path, what, code string) {
	k.t.Helper()
	v, names := k.verify()
	if want := k.needers(path); !slices.Equal(names, want) {
		k.t.Errorf("with %s of %s changed %q are wrong, want %q", what, path, names, want)
	}
	rel, err := filepath.Rel(k.dir, path)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, p := range v.Problems {
		if p.Code != code || p.Blob != filepath.ToSlash(rel) || p.Expected == "" || p.Got == "" || p.Expected == p.Got {
			k.t.Errorf("with %s of %s changed: %+v", what, rel, p)
		}
	}
}

// In S3 and DynamoDB, too.
func TestVerifyFarStores(t *testing.T) {
	server, bucket := onS3(t)
	_, table := onTable(t)
	k := keepAll(t, registry.Config{S3: bucket, DynamoDB: table})
	k.wantSound()
	seen := map[string]bool{}
	for hex, names := range k.needs {
		kind, _, _ := strings.Cut(names[0], " ")
		if seen[kind] {
			continue // one of each kind
		}
		seen[kind] = true
		server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, hex) {
				pass.ServeHTTP(w, r)
				return
			}
			flipped(w, r, pass)
		})
		v, got := k.verify()
		want := slices.Clone(names) // in both spaces, whose keys end alike
		slices.Sort(want)
		if !slices.Equal(got, slices.Compact(want)) {
			t.Errorf("with a byte of %s changed %q are wrong, want %q: %+v", hex, got, want, v.Problems)
		}
		for _, p := range v.Problems {
			if p.Code != "bytes" || !strings.HasSuffix(p.Blob, hex) || strings.HasPrefix(p.Blob, "blobs/") {
				t.Errorf("%+v", p)
			}
		}
		server.Fail(nil)
	}
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/packages/") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		pass.ServeHTTP(w, r)
	})
	if v, err := k.Verify(t.Context()); err == nil {
		t.Errorf("a bucket that can't be read is no damage, and the verification says %+v", v)
	}
	server.Fail(nil)
	k.wantSound()
}

// flipped answers with another last byte than there is.
func flipped(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	answer := httptest.NewRecorder()
	pass.ServeHTTP(answer, r)
	for name, values := range answer.Header() {
		if !strings.HasPrefix(strings.ToLower(name), "x-amz-checksum") {
			w.Header()[name] = values
		}
	}
	body := answer.Body.Bytes()
	body[len(body)-1] ^= 1
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body)
}

// What is published and removed while it is verified is no damage.
func TestVerifyWhileEverythingChanges(t *testing.T) {
	k := keepAll(t, registry.Config{})
	done := make(chan struct{})
	var writers sync.WaitGroup
	defer func() {
		close(done)
		writers.Wait()
	}()
	want := func(status int, a answer) {
		if a.StatusCode != status {
			t.Errorf("%s %s = %d %s", a.Request.Method, a.Request.URL, a.StatusCode, a.body)
		}
	}
	for w := range 3 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				name, version := fmt.Sprint("busy-", w), fmt.Sprint("1.0.", i)
				want(http.StatusCreated, k.publish(name, version))
				if i%3 == 2 {
					want(http.StatusOK, k.request(http.MethodDelete, "/"+name+"/-rev/"+k.get("/" + name).json(t)["_rev"].(string), nil))
				}
				commit := fmt.Sprintf("%02x%038x", w, i/2)
				want(http.StatusCreated, k.postForm("sha", commit, "repository", "org/busy", "ref", "branch/main", "package:@acme/busy"+fmt.Sprint(i%2), tgz(t, "@acme/busy"+fmt.Sprint(i%2), "1.0.0", commit)))
			}
		})
	}
	for range 5 {
		k.wantSound()
	}
}

// One verification at a time; the second is told so.
func TestVerifyOnce(t *testing.T) {
	k := keepAll(t, registry.Config{})
	client := adminclient.Remote(k.url, control)
	t.Cleanup(client.Close)
	var wg sync.WaitGroup
	var made, refused atomic.Int64
	for range 8 {
		wg.Go(func() {
			_, err := k.Verify(t.Context())
			switch {
			case err == nil:
				made.Add(1)
			case errors.Is(err, fault.Exists):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() == 0 || made.Load()+refused.Load() != 8 {
		t.Errorf("%d were made and %d refused of 8", made.Load(), refused.Load())
	}
	if v, err := client.Verification(t.Context()); err != nil || v.Phase != wire.VerifyDone {
		t.Errorf("the last is %+v, %v", v, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a verification whose time is over: %v", err)
	}
	k.wantSound() // it can be made again
}

// Only who is at the server's own machine may have it verified: a report names packages that others may not see.
func TestVerifyIsTheOperators(t *testing.T) {
	k := start(t, registry.Config{Token: "a-token-of-the-test", ControlToken: control})
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		if a := k.request(method, "/-/admin/verification", nil, "Authorization: Bearer a-token-of-the-test"); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s by an admin from elsewhere = %d %s", method, a.StatusCode, a.body)
		}
		if a := k.request(method, "/-/admin/verification", nil); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s by nobody = %d %s", method, a.StatusCode, a.body)
		}
	}
}

// Keys rotate, and are revoked, and everything stays good; without the key that signed it nothing is.
func TestVerifyAfterRotations(t *testing.T) {
	k := keepAll(t, registry.Config{})
	client := adminclient.Remote(k.url, control)
	t.Cleanup(client.Close)
	first, err := client.LumenKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if _, err := client.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := client.RotateLumenKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		version := fmt.Sprint("2.0.", i)
		k.must(http.StatusCreated, k.publish("@acme/a", version))
		k.must(http.StatusCreated, k.request(http.MethodPut, "/lumen/v1/wares", strings.NewReader(lumenPublish(t, "@acme/utils", version)), "Content-Type: application/json"))
		k.wantSound()
	}
	if _, err := client.RevokeLumenKey(t.Context(), first.Keys[0].KeyID); err != nil {
		t.Fatal(err)
	}
	k.wantSound()

	k.rows(func(db kv.Walker) { // the oldest key of npm, and the one between of Lumen, which is the last but one of all
		var ops []kv.Op
		npm, lumen := "", ""
		for key := range all(t, db) {
			if key.Partition == "signing" && strings.HasPrefix(key.Sort, "retired/") && (npm == "" || key.Sort < npm) {
				npm = key.Sort
			}
			if key.Partition == "lumen/keys" && strings.HasPrefix(key.Sort, "retired/") && !strings.HasSuffix(key.Sort, first.Keys[0].KeyID) {
				lumen = key.Sort
			}
		}
		ops = append(ops, kv.Delete(kv.Key{Partition: "signing", Sort: npm}), kv.Delete(kv.Key{Partition: "lumen/keys", Sort: lumen}))
		if err := db.Apply(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
	})
	v, names := k.verify()
	if want := []string{"lumen @acme/utils 2.0.0", "npm @acme/a@1.0.0", "npm @acme/a@1.1.0"}; !slices.Equal(names, want) {
		t.Errorf("without their keys %q are wrong, want %q", names, want)
	}
	for _, p := range v.Problems {
		if p.Code != "signature" {
			t.Errorf("%+v", p)
		}
	}
}

// What a key has signed after its end counts no more, as clients have it.
func TestVerifyFindsVersionsAfterTheEndOfTheirKey(t *testing.T) {
	k := keepAll(t, registry.Config{})
	client := adminclient.Remote(k.url, control)
	t.Cleanup(client.Close)
	if _, err := client.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.rows(func(db kv.Walker) {
		later := change{partition: "package/@acme/a", sort: "version/1.1.0", to: inside(func(text []byte) []byte {
			at := bytes.Index(text, []byte(`"publishedAt":"20`)) + len(`"publishedAt":"20`)
			return append(append(slices.Clone(text[:at]), '9', '9'), text[at+2:]...)
		})}
		later.apply(t, db)
	})
	if v, names := k.verify(); !slices.Equal(names, []string{acme11}) || v.Problems[0].Code != "signature" || !strings.Contains(v.Problems[0].Message, "good no more") {
		t.Errorf("found %+v", v.Problems)
	}
}
