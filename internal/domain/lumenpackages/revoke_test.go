package lumenpackages

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

func (w *world) keys() []lumen.Key {
	w.t.Helper()
	return decoded[lumen.Keys](w.t, must(w.t, w.Keys)).Keys
}

// signer is the key that a version is signed by.
func (w *world) signerOf(name, version string) string {
	w.t.Helper()
	return decoded[lumen.Envelope](w.t, must(w.t, w.ofVersion(w.Signature, name, version))).Signatures[0].KeyID
}

// many publishes some versions: of one package as many as take several batches.
func (w *world) many() {
	w.publish(alice, "@acme/a", "1.0.0")
	for i := range resignVersions + 3 {
		w.publish(alice, utils, fmt.Sprintf("1.0.%d", i))
	}
	w.yank(alice, utils, "1.0.1", true, "bad")
}

func TestRevokeCurrentKey(t *testing.T) {
	w := newWorld(t, Options{})
	w.many()
	stolen := w.keys()[0].KeyID
	before := w.packageIndex(utils)
	w.Pass(time.Hour)
	out, err := w.RevokeKey(t.Context(), stolen)
	if err != nil || out.Resigned != resignVersions+4 || len(out.Left) != 0 || !out.Key.Revoked || out.Key.KeyID != stolen {
		t.Fatalf("RevokeKey = %+v, %v", out, err)
	}
	keys := w.keys()
	if len(keys) != 2 || keys[0].KeyID != out.Current.KeyID || keys[0].Revoked || keys[1].KeyID != stolen || !keys[1].Revoked {
		t.Errorf("keys.json = %+v", keys)
	}
	if got := w.signerOf(utils, "1.0.1"); got != out.Current.KeyID {
		t.Errorf("a version is signed by %s, want the current key", got)
	}
	w.verify() // every signature is good, and the lists have its digest
	if d := cmp.Diff(before, w.packageIndex(utils)); d != "" {
		t.Errorf("the package's index changed: %s", d)
	}
	revision := w.checkpoint().Sequence
	if again, err := w.RevokeKey(t.Context(), stolen); err != nil || again.Resigned != 0 || !again.Key.Revoked || again.Current.KeyID != out.Current.KeyID {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	if now := w.checkpoint().Sequence; now != revision {
		t.Errorf("it made %d changes", now-revision)
	}
	w.publish(alice, utils, "2.0.0")
	w.verify()
}

func TestRevokeReplacedKey(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	old := w.keys()[0].KeyID
	w.Pass(time.Hour)
	current, err := w.RotateKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.publish(alice, utils, "1.1.0")
	signature := must(t, w.ofVersion(w.Signature, utils, "1.1.0"))
	out, err := w.RevokeKey(t.Context(), old)
	if err != nil || out.Resigned != 1 || out.Current.KeyID != current.KeyID {
		t.Fatalf("RevokeKey = %+v, %v", out, err)
	}
	if d := cmp.Diff(signature, must(t, w.ofVersion(w.Signature, utils, "1.1.0"))); d != "" {
		t.Errorf("what another key signed was signed anew: %s", d)
	}
	w.verify()
	_, err = w.RevokeKey(t.Context(), "0123456789abcdef0123456789abcdef")
	refused(t, "an unknown key", err, fault.NotFound, "unknown_key")
	_, err = w.RevokeKey(t.Context(), "")
	refused(t, "no key", err, fault.NotFound, "unknown_key")
}

// What somebody changed in the store does not become good by a revocation.
func TestRevocationLaundersNothing(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	w.publish(alice, utils, "1.1.0")
	w.publish(alice, utils, "1.2.0")
	w.publish(alice, utils, "1.3.0")
	put := func(k kv.Key, value []byte) {
		t.Helper()
		if err := w.DB.Apply(t.Context(), kv.Put(kv.Row{Key: k, Value: value})); err != nil {
			t.Fatal(err)
		}
	}
	m := decoded[lumen.Metadata](t, must(t, w.ofVersion(w.Metadata, utils, "1.0.0")))
	m.Artifacts[0].Hash = "sha256:" + m.Artifacts[0].Hash[71-64:69] + "00"
	put(metadataKey(utils, "1.0.0"), lumen.Encode(m))
	put(signatureKey(utils, "1.1.0"), must(t, w.ofVersion(w.Signature, utils, "1.2.0")).Body)
	forged := decoded[lumen.Envelope](t, must(t, w.ofVersion(w.Signature, utils, "1.2.0")))
	forged.Signatures[0].Signature = "AAAA"
	put(signatureKey(utils, "1.2.0"), lumen.Encode(forged))

	stolen := w.keys()[0].KeyID
	out, err := w.RevokeKey(t.Context(), stolen)
	if d := cmp.Diff([]string{utils + " 1.0.0", utils + " 1.1.0", utils + " 1.2.0"}, out.Left); err != nil || out.Resigned != 1 || d != "" {
		t.Errorf("RevokeKey = %+v, %v: %s", out, err, d)
	}
	if !w.keys()[1].Revoked {
		t.Error("the key is not revoked")
	}
	for version, want := range map[string]bool{"1.0.0": false, "1.1.0": false, "1.2.0": false, "1.3.0": true} {
		if got := w.signerOf(utils, version) != stolen; got != want {
			t.Errorf("%s is signed anew: %v, want %v", version, got, want)
		}
	}
}

// A revocation that was cut short, at whatever write, leaves every version with a good signature, and can be made again.
func TestRevocationCutShort(t *testing.T) {
	for point := 0; ; point++ {
		w := newWorld(t, Options{})
		w.publish(alice, "@acme/a", "1.0.0")
		w.publish(alice, utils, "1.0.0")
		stolen := w.keys()[0].KeyID
		w.DB.FailFrom(point, errLost)
		_, err := w.RevokeKey(t.Context(), stolen)
		w.DB.BeforeApply = nil
		w.verify()
		if err == nil {
			if point < 4 {
				t.Errorf("only %d writes were made", point)
			}
			return
		}
		if !errors.Is(err, errLost) {
			t.Fatalf("point %d: %v", point, err)
		}
		if out, err := w.RevokeKey(t.Context(), stolen); err != nil || !out.Key.Revoked {
			t.Errorf("point %d, made again: %+v, %v", point, out, err)
		}
		w.verify()
		if n := len(w.keys()); n != 2 {
			t.Errorf("point %d: %d keys, want 2", point, n)
		}
	}
}

// Publishes, yanks and revocations at once, on two servers, lose nothing.
func TestRevokeWhileWriting(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range 6 {
		w.publish(alice, utils, fmt.Sprintf("1.0.%d", i))
	}
	stolen := w.keys()[0].KeyID
	other := w.another(Options{})
	var wg sync.WaitGroup
	retry := func(f func() error) {
		for range 20 {
			if err := f(); !errors.Is(err, fault.Unavailable) {
				if err != nil {
					t.Error(err)
				}
				return
			}
		}
		t.Error("a write never came through")
	}
	for range 2 {
		wg.Go(func() { retry(func() error { _, err := w.RevokeKey(t.Context(), stolen); return err }) })
	}
	for i := range 6 {
		text := lib(utils, fmt.Sprintf("2.0.%d", i), "x").tar(t)
		wg.Go(func() {
			retry(func() error { _, err := sendTo(t.Context(), other, alice, text, Release{}); return err })
			retry(func() error { return other.Yank(t.Context(), alice, utils, fmt.Sprintf("1.0.%d", i), true, "x") })
		})
	}
	wg.Wait()
	if x := w.packageIndex(utils); len(x.Versions) != 12 || len(x.Yanked) != 6 {
		t.Errorf("%d versions, %d yanked, want 12 and 6", len(x.Versions), len(x.Yanked))
	}
	w.verify()
}
