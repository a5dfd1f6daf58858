package lumen

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/provenance"
)

const (
	day1, day2, day3 = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"
)

// keyOf is a key that depends on the seed only.
func keyOf(seed string) ed25519.PrivateKey {
	sum := sha256.Sum256([]byte(seed))
	return ed25519.NewKeyFromSeed(sum[:])
}

func public(seed string, edit func(*Key)) Key {
	k := PublicKey(keyOf(seed).Public().(ed25519.PublicKey))
	if edit != nil {
		edit(&k)
	}
	return k
}

func TestKeyID(t *testing.T) {
	pub := keyOf("a").Public().(ed25519.PublicKey)
	sum := sha256.Sum256(pub)
	if got, want := KeyID(pub), hex.EncodeToString(sum[:])[:32]; got != want {
		t.Errorf("KeyID = %s, want %s", got, want)
	}
}

// TestSealIsDSSE: what is signed is what every implementation of DSSE signs.
func TestSealIsDSSE(t *testing.T) {
	if got := string(encoding("http://example.com/HelloWorld", []byte("hello world"))); got != "DSSEv1 29 http://example.com/HelloWorld 11 hello world" {
		t.Errorf("encoding = %q", got)
	}
	e := Seal(keyOf("a"), StatementType, []byte("{}"), day1)
	sig, err := base64.StdEncoding.DecodeString(e.Signatures[0].Signature)
	if err != nil || !ed25519.Verify(keyOf("a").Public().(ed25519.PublicKey), []byte("DSSEv1 34 "+StatementType+" 2 {}"), sig) {
		t.Errorf("the signature of %+v is not over DSSE's encoding", e)
	}
}

func TestOpen(t *testing.T) {
	e := Seal(keyOf("a"), StatementType, []byte("payload"), day2)
	for name, keys := range map[string][]Key{
		"current":            {public("a", nil)},
		"second":             {public("b", nil), public("a", nil)},
		"in its window":      {public("a", func(k *Key) { k.NotBefore, k.NotAfter = day1, day3 })},
		"at its edges":       {public("a", func(k *Key) { k.NotBefore, k.NotAfter = day2, day2 })},
		"replaced afterward": {public("b", func(k *Key) { k.NotBefore = day3 }), public("a", func(k *Key) { k.NotAfter = day3 })},
		"a bad key beside":   {{KeyID: "x"}, public("a", nil)},
	} {
		payload, by, err := e.Open(StatementType, Keys{Keys: keys})
		if err != nil || string(payload) != "payload" || by.KeyID != e.Signatures[0].KeyID {
			t.Errorf("%s: Open = %q by %+v, %v", name, payload, by, err)
		}
	}
	decoded, err := DecodeEnvelope(Encode(e))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := decoded.Open(StatementType, Keys{Keys: []Key{public("a", nil)}}); err != nil {
		t.Errorf("encoded and decoded: %v", err)
	}
	both := e
	both.Signatures = append(Seal(keyOf("stranger"), StatementType, []byte("payload"), day2).Signatures, e.Signatures...)
	if _, by, err := both.Open(StatementType, Keys{Keys: []Key{public("a", nil)}}); err != nil || by.KeyID != public("a", nil).KeyID {
		t.Errorf("signed by a stranger too: by %+v, %v", by, err)
	}
}

func TestOpenRefusesKeys(t *testing.T) {
	e := Seal(keyOf("a"), StatementType, []byte("payload"), day2)
	for name, test := range map[string]struct {
		keys []Key
		code string
	}{
		"none":               {nil, "bad_signature"},
		"another":            {[]Key{public("b", nil)}, "bad_signature"},
		"revoked":            {[]Key{public("a", func(k *Key) { k.Revoked = true })}, "bad_signature"},
		"revoked, again":     {[]Key{public("a", nil), public("a", func(k *Key) { k.Revoked = true })}, "bad_signature"},
		"replaced before":    {[]Key{public("a", func(k *Key) { k.NotAfter = day1 })}, "bad_signature"},
		"not yet":            {[]Key{public("a", func(k *Key) { k.NotBefore = day3 })}, "bad_signature"},
		"unreadable window":  {[]Key{public("a", func(k *Key) { k.NotAfter = "never" })}, "bad_signature"},
		"unreadable start":   {[]Key{public("a", func(k *Key) { k.NotBefore = "always" })}, "bad_signature"},
		"under another name": {[]Key{public("b", func(k *Key) { k.KeyID = public("a", nil).KeyID })}, "bad_key"},
		"other algorithm":    {[]Key{public("a", func(k *Key) { k.Algorithm = "none" })}, "bad_key"},
		"short":              {[]Key{public("a", func(k *Key) { k.PublicKey = "AAAA" })}, "bad_key"},
		"no base64":          {[]Key{public("a", func(k *Key) { k.PublicKey = "?" })}, "bad_key"},
	} {
		payload, _, err := e.Open(StatementType, Keys{Keys: test.keys})
		if wantFault(t, err, fault.Invalid, test.code); payload != nil {
			t.Errorf("%s: the payload came out: %v", name, err)
		}
	}
}

func TestOpenRefusesEnvelopes(t *testing.T) {
	keys := Keys{Keys: []Key{public("a", nil)}}
	for name, edit := range map[string]func(*Envelope){
		"other payload":   func(e *Envelope) { e.Payload = base64.StdEncoding.EncodeToString([]byte("other")) },
		"other type":      func(e *Envelope) { e.PayloadType = CheckpointType },
		"no signature":    func(e *Envelope) { e.Signatures = nil },
		"too many":        func(e *Envelope) { e.Signatures = slices.Repeat(e.Signatures, maxSignatures+1) },
		"other algorithm": func(e *Envelope) { e.Signatures[0].Algorithm = "none" },
		"other time":      func(e *Envelope) { e.Signatures[0].SignedAt = "yesterday" },
		"no time":         func(e *Envelope) { e.Signatures[0].SignedAt = "" },
		"empty":           func(e *Envelope) { e.Signatures[0].Signature = "" },
		"line break":      func(e *Envelope) { e.Payload += "\n" },
		"not base64":      func(e *Envelope) { e.Payload = "?" },
		"cut off":         func(e *Envelope) { e.Signatures[0].Signature = e.Signatures[0].Signature[:80] },
	} {
		e := Seal(keyOf("a"), StatementType, []byte("payload"), day2)
		edit(&e)
		if _, _, err := e.Open(StatementType, keys); err == nil {
			t.Errorf("%s: was accepted", name)
		} else {
			wantFault(t, err, fault.Invalid, "bad_signature")
		}
	}
	checkpoint := Seal(keyOf("a"), CheckpointType, []byte("payload"), day2)
	checkpoint.PayloadType = StatementType
	if _, _, err := checkpoint.Open(StatementType, keys); err == nil {
		t.Error("the signature of a checkpoint counts for a statement")
	}
}

func TestStatement(t *testing.T) {
	m := Metadata{Name: "@a/b", Version: "1.0.0", Artifacts: []Artifact{{Kind: "tar", URL: "u", Hash: "h", Size: 1}}, Integrity: &Integrity{ManifestHash: "m"},
		PublishedAt: day1, License: "MIT", OptionalDeps: map[string][]string{"tls": {"@a/tls@^1.0.0"}}, Publisher: &Publisher{Name: "ann"},
		Provenance: &provenance.Proof{Repository: "a/b", At: time.Now()}}
	s, err := DecodeStatement(Encode(m.Statement()))
	if err != nil {
		t.Fatal(err)
	}
	m.Yanked, m.YankReason, m.Description = true, "broken", "new" // may change
	if err := s.Check(m); err != nil {
		t.Errorf("a yanked version: %v", err)
	}
	for member, edit := range map[string]func(*Metadata){
		"name":          func(m *Metadata) { m.Name = "@a/c" },
		"version":       func(m *Metadata) { m.Version = "1.0.1" },
		"artifacts":     func(m *Metadata) { m.Artifacts = append(m.Artifacts, Artifact{Kind: "tar"}) },
		"integrity":     func(m *Metadata) { m.Integrity = nil },
		"deps":          func(m *Metadata) { m.Deps = map[string]string{"@evil/x": "*"} },
		"published_at":  func(m *Metadata) { m.PublishedAt = day2 },
		"optional_deps": func(m *Metadata) { m.OptionalDeps = map[string][]string{"tls": {"@evil/x@*"}} },
		"publisher":     func(m *Metadata) { m.Publisher = &Publisher{Name: "somebody"} },
		"provenance":    func(m *Metadata) { m.Provenance = &provenance.Proof{Repository: "acme/b"} },
		"no provenance": func(m *Metadata) { m.Provenance = nil },
	} {
		changed := m
		edit(&changed)
		err := s.Check(changed)
		wantFault(t, err, fault.Invalid, "bad_signature")
		if err != nil && !strings.Contains(err.Error(), strings.TrimPrefix(member, "no ")) {
			t.Errorf("error = %v, want one about %s", err, member)
		}
	}
}

func TestCheckpoint(t *testing.T) {
	indexes := map[string]digest.SHA256{"@b/b": digest.Of([]byte("b")), "@a/a": digest.Of([]byte("a"))}
	lines := "@a/a\x00" + digest.Of([]byte("a")).Hex() + "\n@b/b\x00" + digest.Of([]byte("b")).Hex() + "\n"
	c := Checkpoint{Sequence: 7, Root: RootOf(indexes), Packages: 2, IssuedAt: day1, Expires: day2}
	if want := digest.Of([]byte(lines)).String(); c.Root != want {
		t.Errorf("root = %s, want %s", c.Root, want)
	}
	before, _ := time.Parse(time.RFC3339, day1)
	after, _ := time.Parse(time.RFC3339, day3)
	if err := c.Check(indexes, before); err != nil {
		t.Error(err)
	}
	wantFault(t, c.Check(indexes, after), fault.Invalid, "bad_checkpoint")
	wantFault(t, Checkpoint{Root: c.Root, Packages: 2}.Check(indexes, before), fault.Invalid, "bad_checkpoint")
	wantFault(t, c.Check(map[string]digest.SHA256{"@a/a": digest.Of([]byte("a"))}, before), fault.Invalid, "bad_checkpoint")
	indexes["@b/b"] = digest.Of([]byte("old"))
	wantFault(t, c.Check(indexes, before), fault.Invalid, "bad_checkpoint")

	e := Seal(keyOf("a"), CheckpointType, Encode(c), day1)
	if d := c.Digest(e); *d != (CheckpointDigest{Timestamp: day1, TreeSize: 2, RootHash: c.Root, Signature: e.Signatures[0].Signature}) {
		t.Errorf("digest = %+v", d)
	}
}
