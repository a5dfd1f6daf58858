package signature

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm/npmtest"
)

const (
	name      = "@acme/a"
	version   = "1.2.3-rc.1"
	integrity = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
)

// fixedKey is a key that never signs anything real.
func fixedKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), []byte("a fixed private key of 32 bytes."))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newKey(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func describe(t testing.TB, k *ecdsa.PrivateKey) Key {
	t.Helper()
	pub, err := PublicKey(&k.PublicKey, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

func sign(t testing.TB, k *ecdsa.PrivateKey) Signature {
	t.Helper()
	s, err := Sign(k, name, version, integrity)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestKnownKeyIDs has the public npm registry's two keys as it lists them.
func TestKnownKeyIDs(t *testing.T) {
	for id, text := range map[string]string{
		"SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1Olb3zMAFFxXKHiIkQO5cJ3Yhl5i6UPp+IhuteBJbuHcA5UogKo0EWtlWwW6KSaKoTNEYL7JlCQiVnkhBktUgg==",
		"SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEY6Ya7W++7aUPzvMTrezH6Ycx3c+HOKYCcNGybJZSCJq/fd7Qa8uuAKtdIkUQtQiEKERhAmE5lMMJhP8OkDOa2g==",
	} {
		want := Key{KeyID: id, KeyType: keyType, Scheme: keyType, Key: text}
		pub, err := want.parse()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := PublicKey(pub, time.Time{}); err != nil || got != want {
			t.Errorf("PublicKey = %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestKeyIDIsThatOfSSH(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Fatal("ssh-keygen is needed (Debian: apt-get install openssh-client):", err)
	}
	k := describe(t, newKey(t, elliptic.P256()))
	der, err := base64.StdEncoding.DecodeString(k.Key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(file string, content []byte, args ...string) []byte {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "ssh-keygen", append(args, "-f", path)...).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen %v: %v\n%s", args, err, out)
		}
		return out
	}
	ssh := run("a.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "-i", "-m", "PKCS8")
	if line := strings.Fields(string(run("a.pub", ssh, "-l"))); len(line) < 2 || line[1] != k.KeyID {
		t.Errorf("keyid %s, ssh-keygen says %v", k.KeyID, line)
	}
}

func TestSign(t *testing.T) {
	k := fixedKey(t)
	s, pub := sign(t, k), describe(t, k)
	// Computed once by RFC 6979, section 3.2, with big integers in another language.
	const want = "MEUCIQDUDW9mT9M8iWzabLvf50FEoKRwxp5gfLcAxtKWCb9hvwIgCY77NN8cRXFNNd1W01X4DfEDRG2KZmuixGcPYZ6JhuI="
	if s.Sig != want || s.KeyID != pub.KeyID {
		t.Errorf("Sign = %+v, want %s by %s", s, want, pub.KeyID)
	}
	if again := sign(t, k); again != s {
		t.Errorf("the second signature is %+v, the first %+v", again, s)
	}
	if err := pub.Verify(s, name, version, integrity); err != nil {
		t.Error(err)
	}
	other, err := Sign(k, name, "1.2.4", integrity)
	if err != nil || other.Sig == s.Sig {
		t.Errorf("another version: %+v, %v", other, err)
	}
}

// TestNodeVerifies checks as npm does: with node's crypto and the key in PEM.
func TestNodeVerifies(t *testing.T) {
	k := newKey(t, elliptic.P256())
	var ok []bool
	npmtest.Run(t, `
		const { createVerify } = require("node:crypto");
		const pem = "-----BEGIN PUBLIC KEY-----\n" + input.key.key + "\n-----END PUBLIC KEY-----";
		return input.messages.map((m) => createVerify("SHA256").update(m).verify(pem, input.sig.sig, "base64"));`,
		map[string]any{"key": describe(t, k), "sig": sign(t, k), "messages": []string{name + "@" + version + ":" + integrity, "other"}}, &ok)
	if !slices.Equal(ok, []bool{true, false}) {
		t.Errorf("node says %v of the signed text and of another, want true and false", ok)
	}
}

func TestVerifyRefuses(t *testing.T) {
	k := newKey(t, elliptic.P256())
	pub, s := describe(t, k), sign(t, k)
	der, _ := base64.StdEncoding.DecodeString(s.Sig)
	stranger := newKey(t, elliptic.P256())
	sig := func(text string) Signature { return Signature{KeyID: pub.KeyID, Sig: text} }
	b64 := base64.StdEncoding.EncodeToString
	flip := func(i int) string {
		c := slices.Clone(der)
		c[i] ^= 1
		return b64(c)
	}
	for what, tc := range map[string]struct {
		key                      Key
		sig                      Signature
		name, version, integrity string
	}{
		"another name":       {pub, s, "@acme/b", version, integrity},
		"another version":    {pub, s, name, "1.2.3", integrity},
		"another integrity":  {pub, s, name, version, strings.Replace(integrity, "z", "y", 1)},
		"a moved separator":  {pub, s, name + "@1", "2.3-rc.1", integrity},
		"another key":        {describe(t, stranger), sign(t, k), name, version, integrity},
		"another key's id":   {pub, Signature{describe(t, stranger).KeyID, s.Sig}, name, version, integrity},
		"a stranger's, ours": {pub, sig(sign(t, stranger).Sig), name, version, integrity},
		"r changed":          {pub, sig(flip(8)), name, version, integrity},
		"s changed":          {pub, sig(flip(len(der) - 1)), name, version, integrity},
		"DER with more":      {pub, sig(b64(append(slices.Clone(der), 0))), name, version, integrity},
		"raw r and s":        {pub, sig(b64(make([]byte, 64))), name, version, integrity},
		"zero r and s":       {pub, sig(b64([]byte{0x30, 6, 2, 1, 0, 2, 1, 0})), name, version, integrity},
		"URL base64":         {pub, sig("_" + s.Sig[1:]), name, version, integrity},
		"a line break":       {pub, sig(s.Sig[:8] + "\n" + s.Sig[8:]), name, version, integrity},
		"no signature":       {pub, sig(""), name, version, integrity},
		"a long signature":   {pub, sig(strings.Repeat("A", 1<<20)), name, version, integrity},
	} {
		t.Run(what, func(t *testing.T) {
			if err := tc.key.Verify(tc.sig, tc.name, tc.version, tc.integrity); !errors.Is(err, fault.Invalid) {
				t.Errorf("Verify = %v, want fault.Invalid", err)
			}
		})
	}
}

func TestVerifyRefusesKeys(t *testing.T) {
	k := newKey(t, elliptic.P256())
	s := sign(t, k)
	p384, err := x509.MarshalPKIXPublicKey(&newKey(t, elliptic.P384()).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaDER, err := x509.MarshalPKIXPublicKey(&weak.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	for what, change := range map[string]func(*Key){
		"other type":   func(k *Key) { k.KeyType = "ssh-ed25519" },
		"other scheme": func(k *Key) { k.Scheme = "none" },
		"no key":       func(k *Key) { k.Key = "" },
		"PEM":          func(k *Key) { k.Key = "-----BEGIN PUBLIC KEY-----\n" + k.Key },
		"wrapped":      func(k *Key) { k.Key = k.Key[:64] + "\n" + k.Key[64:] },
		"cut":          func(k *Key) { k.Key = k.Key[:60] },
		"P-384":        func(k *Key) { k.Key = b64(p384) },
		"RSA":          func(k *Key) { k.Key = b64(rsaDER) },
		"off curve": func(k *Key) {
			der, _ := base64.StdEncoding.DecodeString(k.Key)
			der[len(der)-1] ^= 1
			k.Key = b64(der)
		},
	} {
		t.Run(what, func(t *testing.T) {
			pub := describe(t, k)
			change(&pub)
			if err := pub.Verify(s, name, version, integrity); !errors.Is(err, fault.Invalid) {
				t.Errorf("Verify = %v, want fault.Invalid", err)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	for what, k := range map[string]*ecdsa.PrivateKey{"nil": nil, "zero": {}, "P-384": newKey(t, elliptic.P384())} {
		if s, err := Sign(k, name, version, integrity); err == nil {
			t.Errorf("%s: %+v", what, s)
		}
	}
	if s, err := Sign(fixedKey(t), name, version, ""); err == nil {
		t.Errorf("signed nothing: %+v", s)
	}
	for what, pub := range map[string]*ecdsa.PublicKey{"nil": nil, "zero": {}, "P-384": &newKey(t, elliptic.P384()).PublicKey} {
		if k, err := PublicKey(pub, time.Time{}); err == nil {
			t.Errorf("%s: %+v", what, k)
		}
	}
}

// TestKeyJSON holds the form that clients read.
func TestKeyJSON(t *testing.T) {
	pub := describe(t, fixedKey(t))
	expiring, err := PublicKey(&fixedKey(t).PublicKey, time.Date(2030, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)))
	if err != nil {
		t.Fatal(err)
	}
	for want, k := range map[string]Key{
		`{"expires":null,"keyid":"` + pub.KeyID + `","keytype":"ecdsa-sha2-nistp256","scheme":"ecdsa-sha2-nistp256","key":"` + pub.Key + `"}`:                   pub,
		`{"expires":"2030-01-02T02:04:05Z","keyid":"` + pub.KeyID + `","keytype":"ecdsa-sha2-nistp256","scheme":"ecdsa-sha2-nistp256","key":"` + pub.Key + `"}`: expiring,
	} {
		if got, err := json.Marshal(k); err != nil || string(got) != want {
			t.Errorf("key = %s, %v, want %s", got, err, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	k := fixedKey(f)
	pub, s := describe(f, k), sign(f, k)
	f.Add(pub.Key, s.Sig)
	f.Add("", "")
	f.Add(pub.Key[:40], s.Sig[:40])
	f.Fuzz(func(t *testing.T, key, sig string) {
		err := Key{KeyID: pub.KeyID, KeyType: keyType, Scheme: keyType, Key: key}.Verify(Signature{pub.KeyID, sig}, name, version, integrity)
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("Verify: %v is not fault.Invalid", err)
		}
	})
}
