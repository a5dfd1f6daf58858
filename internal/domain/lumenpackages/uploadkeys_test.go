package lumenpackages

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

// manager is a user as auth has them: a token that is limited changes nothing of its user's own.
type manager struct{ user }

func (m manager) MayManage() error {
	if len(m.Only) > 0 {
		return fault.New(fault.Forbidden, "a limited token")
	}
	return nil
}

// pen is a key as the client keeps it.
type pen struct {
	key    ed25519.PrivateKey
	public lumen.Key
}

func newPen(seed string) pen {
	sum := sha256.Sum256([]byte(seed))
	key := ed25519.NewKeyFromSeed(sum[:])
	return pen{key, lumen.PublicKey(key.Public().(ed25519.PublicKey))}
}

// sign makes what the client sends with a publish.
func (p pen) sign(name, version string, text []byte, at time.Time) *UploadClaim {
	stamp := at.UTC().Format("2006-01-02T15:04:05.000000000+00:00")
	sig := ed25519.Sign(p.key, lumen.UploadMessage(name, version, digest.Of(text).String(), stamp))
	return &UploadClaim{KeyID: p.public.KeyID, Signature: base64.StdEncoding.EncodeToString(sig), SignedAt: stamp}
}

func (w *world) register(who user, p pen) {
	w.t.Helper()
	if _, created, err := w.RegisterKey(w.t.Context(), manager{who}, p.public.PublicKey, p.public.KeyID); err != nil || !created {
		w.t.Fatalf("registering a key: created %v, %v", created, err)
	}
}

func TestRegisteredKeys(t *testing.T) {
	w := newWorld(t, Options{})
	a, b := newPen("a"), newPen("b")
	w.register(alice, a)
	w.Pass(time.Minute)
	w.register(alice, b)
	reg := func(who user, public, id string) error {
		_, created, err := w.RegisterKey(t.Context(), manager{who}, public, id)
		if created {
			t.Errorf("a key of %s was made: %s", who.Name, public)
		}
		return err
	}
	if err := reg(alice, a.public.PublicKey, ""); err != nil {
		t.Errorf("the same again: %v", err)
	}
	refused(t, "another's key", reg(bob, a.public.PublicKey, ""), fault.Exists, "key_taken")
	refused(t, "an admin", reg(root, a.public.PublicKey, ""), fault.Exists, "key_taken")
	refused(t, "another name", reg(bob, newPen("c").public.PublicKey, a.public.KeyID), fault.Invalid, "bad_key")
	refused(t, "no key", reg(bob, "AAAA", ""), fault.Invalid, "bad_key")
	refused(t, "line breaks", reg(bob, a.public.PublicKey[:10]+"\n"+a.public.PublicKey[10:], ""), fault.Invalid, "bad_key")
	refused(t, "nobody", reg(nobody, a.public.PublicKey, ""), fault.Unauthenticated, "")
	refused(t, "a limited token", reg(user{Name: "alice", Only: []string{"lumen:@acme/*"}}, newPen("d").public.PublicKey, ""), fault.Forbidden, "")

	all, err := w.UploadKeys(t.Context(), alice)
	if err != nil || len(all) != 2 || all[0].KeyID != b.public.KeyID || all[1].KeyID != a.public.KeyID {
		t.Errorf("alice's keys are %+v, %v", all, err)
	}
	if all, err := w.UploadKeys(t.Context(), bob); err != nil || len(all) != 0 {
		t.Errorf("bob's keys are %+v, %v", all, err)
	}

	revoke := func(who user, id string) error {
		_, err := w.RevokeUploadKey(t.Context(), manager{who}, id)
		return err
	}
	refused(t, "bob revokes alice's", revoke(bob, a.public.KeyID), fault.NotFound, "")
	refused(t, "a name that is none", revoke(alice, "../../x"), fault.NotFound, "")
	refused(t, "a limited token revokes", revoke(user{Name: "alice", Only: []string{"lumen:x"}}, a.public.KeyID), fault.Forbidden, "")
	for range 2 {
		if err := revoke(alice, a.public.KeyID); err != nil {
			t.Error(err)
		}
	}
	if err := revoke(root, b.public.KeyID); err != nil {
		t.Errorf("an admin revokes: %v", err)
	}
	refused(t, "a revoked key comes back", reg(alice, a.public.PublicKey, ""), fault.Exists, "key_revoked")
	refused(t, "a revoked key moves", reg(bob, a.public.PublicKey, ""), fault.Exists, "key_taken")
	if all, err := w.UploadKeys(t.Context(), alice); err != nil || len(all) != 2 || all[0].Revoked.IsZero() || all[1].Revoked.IsZero() {
		t.Errorf("the revoked keys are listed as %+v, %v", all, err)
	}
}

// Of several who register one key at once, one gets it.
func TestKeyIsFirstComes(t *testing.T) {
	w := newWorld(t, Options{})
	servers := []*Service{w.Service, w.another(Options{})}
	key := newPen("a").public.PublicKey
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, _, errs[i] = servers[i%2].RegisterKey(t.Context(), manager{user{Name: fmt.Sprint("user-", i)}}, key, "")
		})
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			continue
		}
		refused(t, fmt.Sprint("user ", i), err, fault.Exists, "key_taken")
	}
	if won != 1 {
		t.Errorf("%d users have the key", won)
	}
}

func TestKeysAreBounded(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range maxUploadKeys {
		w.register(alice, newPen(fmt.Sprint(i)))
	}
	_, _, err := w.RegisterKey(t.Context(), manager{alice}, newPen("more").public.PublicKey, "")
	refused(t, "one key too many", err, fault.Invalid, "too_many_keys")
	w.register(bob, newPen("more"))
}

// signed publishes a version with a signature over it, or over what change makes of it.
func (w *world) signed(who Principal, p pen, name, version string, change func(*UploadClaim)) (Published, error) {
	w.t.Helper()
	text := lib(name, version, name+version).tar(w.t)
	claim := p.sign(name, version, text, w.Now())
	if change != nil {
		change(claim)
	}
	return w.send(who, text, Release{Name: name, Version: version, Signature: claim})
}

func TestSignedUpload(t *testing.T) {
	w := newWorld(t, Options{Signatures: SignaturesRequired})
	a := newPen("a")
	w.register(alice, a)
	p, err := w.signed(alice, a, utils, "1.0.0", nil)
	if err != nil || p.Notice != "" {
		t.Fatalf("a signed publish: %+v, %v", p, err)
	}
	m := decoded[lumen.Metadata](t, must(t, w.ofVersion(w.Metadata, utils, "1.0.0")))
	if m.Upload == nil || m.Upload.KeyID != a.public.KeyID || m.Upload.Hash != m.Artifacts[0].Hash {
		t.Fatalf("upload_signature = %+v", m.Upload)
	}
	if err := m.Upload.Verify(utils, "1.0.0"); err != nil {
		t.Errorf("what is shown does not verify: %v", err)
	}

	// What was sent compressed is signed as it was sent.
	text := gzipped(t, lib(utils, "1.1.0", "x").tar(t))
	if p, err = w.send(alice, text, Release{Signature: a.sign(utils, "1.1.0", text, w.Now())}); err != nil {
		t.Fatal(err)
	}
	if p.Metadata.Upload.Hash != p.Metadata.Artifacts[1].Hash {
		t.Errorf("signed is %s, of the artifacts %+v", p.Metadata.Upload.Hash, p.Metadata.Artifacts)
	}
	w.yank(alice, utils, "1.1.0", true, "bad")
	if m := decoded[lumen.Metadata](t, must(t, w.ofVersion(w.Metadata, utils, "1.1.0"))); m.Upload == nil || !m.Yanked {
		t.Error("a yank takes the signature away")
	}
	w.verify()
}

func TestBadUploadSignatures(t *testing.T) {
	for _, policy := range []SignaturePolicy{SignaturesOff, SignaturesWarned, SignaturesRequired} {
		t.Run(string(policy), func(t *testing.T) {
			w := newWorld(t, Options{Signatures: policy})
			a, b := newPen("a"), newPen("b")
			w.register(alice, a)
			w.register(bob, b)
			for name, tt := range map[string]struct {
				pen    pen
				change func(*UploadClaim)
				kind   fault.Kind
				code   string
			}{
				"another version's": {a, func(c *UploadClaim) {
					*c = *a.sign(utils, "0.9.9", lib(utils, "1.0.0", utils+"1.0.0").tar(t), w.Now())
				}, fault.Invalid, "bad_signature"},
				"another archive's": {a, func(c *UploadClaim) { *c = *a.sign(utils, "1.0.0", []byte("x"), w.Now()) }, fault.Invalid, "bad_signature"},
				"a changed time": {a, func(c *UploadClaim) {
					c.SignedAt = w.Now().Add(time.Second).Format(time.RFC3339)
				}, fault.Invalid, "bad_signature"},
				"no time":       {a, func(c *UploadClaim) { c.SignedAt = "yesterday" }, fault.Invalid, "bad_signature"},
				"no base64":     {a, func(c *UploadClaim) { c.Signature = "!" }, fault.Invalid, "bad_signature"},
				"empty":         {a, func(c *UploadClaim) { c.Signature = "" }, fault.Invalid, "bad_signature"},
				"another's key": {b, func(c *UploadClaim) { c.KeyID = a.public.KeyID }, fault.Invalid, "bad_signature"},
				"too old": {a, func(c *UploadClaim) {
					*c = *a.sign(utils, "1.0.0", lib(utils, "1.0.0", utils+"1.0.0").tar(t), w.Now().Add(-uploadWindow-time.Minute))
				}, fault.Invalid, "bad_signature"},
				"too new": {a, func(c *UploadClaim) {
					*c = *a.sign(utils, "1.0.0", lib(utils, "1.0.0", utils+"1.0.0").tar(t), w.Now().Add(uploadWindow+time.Minute))
				}, fault.Invalid, "bad_signature"},
				"a stranger's": {b, nil, fault.Forbidden, "foreign_key"},
			} {
				_, err := w.signed(alice, tt.pen, utils, "1.0.0", tt.change)
				refused(t, name, err, tt.kind, tt.code)
			}
			if _, err := w.RevokeUploadKey(t.Context(), manager{alice}, a.public.KeyID); err != nil {
				t.Fatal(err)
			}
			_, err := w.signed(alice, a, utils, "1.0.0", nil)
			refused(t, "a revoked key", err, fault.Forbidden, "key_revoked")
			if w.Stored() != 0 {
				t.Error("bytes of a refused publish are kept")
			}
		})
	}
}

// An owner's key signs for others who may publish the package; so it is in her scope.
func TestOwnersKeySigns(t *testing.T) {
	w := newWorld(t, Options{Signatures: SignaturesRequired})
	a := newPen("a")
	w.register(alice, a)
	ci := user{Name: "ci", Grants: []string{"lumen:*"}}
	if _, err := w.signed(alice, a, utils, "1.0.0", nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{utils, "@acme/new"} {
		if _, err := w.signed(ci, a, name, "1.0.1", nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.signed(ci, a, "@other/new", "1.0.0", nil)
	refused(t, "a scope that is not hers", err, fault.Forbidden, "foreign_key")
}

func TestSignaturePolicies(t *testing.T) {
	for policy, want := range map[SignaturePolicy]string{SignaturesOff: "", SignaturesWarned: "notice", "": "notice", SignaturesRequired: "refused"} {
		w := newWorld(t, Options{Signatures: policy})
		for version, claim := range map[string]*UploadClaim{
			"1.0.0": nil,
			"1.0.1": {KeyID: newPen("unknown").public.KeyID, Signature: "AAAA", SignedAt: "x"},
			"1.0.2": {KeyID: "../../x\x00", Signature: "AAAA", SignedAt: "x"},
		} {
			p, err := w.send(alice, lib(utils, version, "x").tar(t), Release{Signature: claim})
			switch {
			case want == "refused":
				refused(t, version, err, fault.Forbidden, "signature_required")
			case err != nil || (p.Notice != "") != (want == "notice") || p.Metadata.Upload != nil:
				t.Errorf("%q, %s: %+v, %v; want %q", policy, version, p, err, want)
			}
		}
		yanked := "old"
		if _, err := w.send(root, lib("@acme/old", "1.0.0", "x").tar(t), Release{Yanked: &yanked}); err != nil {
			t.Errorf("%q: an import: %v", policy, err)
		}
	}
}

// A key that is revoked while a publish is under way signs nothing any more.
func TestRevokedMeanwhile(t *testing.T) {
	w := newWorld(t, Options{})
	a := newPen("a")
	w.register(alice, a)
	other := w.another(Options{})
	w.Blobs.AfterPut = func() {
		w.Blobs.AfterPut = nil
		if _, err := other.RevokeUploadKey(t.Context(), manager{alice}, a.public.KeyID); err != nil {
			t.Error(err)
		}
	}
	_, err := w.signed(alice, a, utils, "1.0.0", nil)
	refused(t, "revoked before the batch", err, fault.Forbidden, "key_revoked")

	b := newPen("b")
	w.register(alice, b)
	w.DB.BeforeApply = func(ops []kv.Op) error { // the key is good when the plan is made
		for _, op := range ops {
			if op.Row.Key == metadataKey(utils, "1.0.0") {
				w.DB.BeforeApply = nil
				_, err := other.RevokeUploadKey(t.Context(), manager{alice}, b.public.KeyID)
				return err
			}
		}
		return nil
	}
	_, err = w.signed(alice, b, utils, "1.0.0", nil)
	refused(t, "revoked in the moment of the batch", err, fault.Forbidden, "key_revoked")
	if x := w.index(); len(x.Packages) != 0 {
		t.Errorf("%+v is visible", x.Packages)
	}
}

func TestKeysInDoubt(t *testing.T) {
	w := newWorld(t, Options{})
	w.DB.AfterApply = func([]kv.Op) error { w.DB.AfterApply = nil; return errLost }
	a := newPen("a")
	if _, _, err := w.RegisterKey(t.Context(), manager{alice}, a.public.PublicKey, ""); !errors.Is(err, errLost) {
		t.Fatalf("RegisterKey = %v, want the store's error", err)
	}
	if k, _, err := w.RegisterKey(t.Context(), manager{alice}, a.public.PublicKey, ""); err != nil || k.User != "alice" {
		t.Errorf("the same again: %+v, %v", k, err)
	}
}
