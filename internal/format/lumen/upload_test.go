package lumen

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
)

// upload is signed by the key of a seed, as the client does.
func upload(seed string) UploadSignature {
	sum := sha256.Sum256([]byte(seed))
	key := ed25519.NewKeyFromSeed(sum[:])
	public := PublicKey(key.Public().(ed25519.PublicKey))
	u := UploadSignature{
		Algorithm: Algorithm, KeyID: public.KeyID, PublicKey: public.PublicKey,
		SignedAt: "2026-03-11T10:20:30.123456789+00:00", Hash: digest.Of([]byte("tar")).String(),
	}
	message := "lumen:upload:@acme/utils:1.0.0:" + u.Hash + ":" + u.SignedAt
	u.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(message)))
	return u
}

func TestUploadSignature(t *testing.T) {
	if err := upload("a").Verify("@acme/utils", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	other := upload("b")
	for what, change := range map[string]func(u *UploadSignature, name, version *string){
		"name":            func(_ *UploadSignature, name, _ *string) { *name = "@acme/util" },
		"moved separator": func(_ *UploadSignature, name, version *string) { *name, *version = "@acme/utils:1.0", "0" },
		"version":         func(_ *UploadSignature, _, version *string) { *version = "1.0.1" },
		"hash":            func(u *UploadSignature, _, _ *string) { u.Hash = digest.Of(nil).String() },
		"upper-case hash": func(u *UploadSignature, _, _ *string) { u.Hash = "sha256:" + strings.ToUpper(u.Hash[7:]) },
		"bare hash":       func(u *UploadSignature, _, _ *string) { u.Hash = u.Hash[7:] },
		"time":            func(u *UploadSignature, _, _ *string) { u.SignedAt = "2026-03-11T10:20:31.123456789+00:00" },
		"no time":         func(u *UploadSignature, _, _ *string) { u.SignedAt = "" },
		"long time": func(u *UploadSignature, _, _ *string) {
			u.SignedAt = "2026-03-11T10:20:30." + strings.Repeat("0", 99) + "Z"
		},
		"another's key":    func(u *UploadSignature, _, _ *string) { u.KeyID, u.PublicKey = other.KeyID, other.PublicKey },
		"another key's id": func(u *UploadSignature, _, _ *string) { u.KeyID = other.KeyID },
		"another's":        func(u *UploadSignature, _, _ *string) { u.Signature = other.Signature },
		"algorithm":        func(u *UploadSignature, _, _ *string) { u.Algorithm = "none" },
		"no signature":     func(u *UploadSignature, _, _ *string) { u.Signature = "" },
		"a line break":     func(u *UploadSignature, _, _ *string) { u.Signature = u.Signature[:4] + "\n" + u.Signature[4:] },
		"more bytes":       func(u *UploadSignature, _, _ *string) { u.Signature = "AAAA" + u.Signature },
	} {
		u, name, version := upload("a"), "@acme/utils", "1.0.0"
		change(&u, &name, &version)
		if err := u.Verify(name, version); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s changed: Verify = %v, want fault.Invalid", what, err)
		}
	}
}

func TestParsePublicKey(t *testing.T) {
	u := upload("a")
	for _, id := range []string{"", u.KeyID} {
		if k, err := ParsePublicKey(u.PublicKey, id); err != nil || k.KeyID != u.KeyID || !ValidKeyID(k.KeyID) {
			t.Errorf("ParsePublicKey(%q) = %+v, %v", id, k, err)
		}
	}
	for _, tt := range [][2]string{{"", ""}, {"AAAA", ""}, {u.PublicKey, upload("b").KeyID}, {u.PublicKey, strings.ToUpper(u.KeyID)}, {u.PublicKey + "AAAA", ""}, {strings.TrimRight(u.PublicKey, "="), ""}} {
		_, err := ParsePublicKey(tt[0], tt[1])
		wantFault(t, err, fault.Invalid, "bad_key")
	}
	for _, id := range []string{"", "x", strings.ToUpper(u.KeyID), u.KeyID + "00", u.KeyID[2:], u.KeyID[:30] + "\x00\x00"} {
		if ValidKeyID(id) {
			t.Errorf("%q is taken for the name of a key", id)
		}
	}
}

// Whatever is sent as a signature is refused in a way that can be shown, and never by a panic.
func FuzzUploadSignature(f *testing.F) {
	u := upload("a")
	f.Add(u.PublicKey, u.Signature, u.SignedAt, u.Hash)
	f.Add("", "", "", "")
	f.Add(u.PublicKey, "====", "0000-00-00T00:00:00Z", "sha256:")
	f.Fuzz(func(t *testing.T, public, signature, at, hash string) {
		key, err := ParsePublicKey(public, "")
		if err == nil {
			err = UploadSignature{Algorithm: Algorithm, KeyID: key.KeyID, PublicKey: public, Signature: signature, SignedAt: at, Hash: hash}.Verify("@acme/utils", "1.0.0")
		}
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%v is not fault.Invalid", err)
		}
	})
}
