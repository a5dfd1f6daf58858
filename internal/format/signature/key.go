package signature

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/org/registry-action/internal/fault"
)

const (
	keyType = "ecdsa-sha2-nistp256" // also the scheme
	curve   = "nistp256"
	maxKey  = 1024 // characters of base64; a key has 124
)

// Key is an entry of GET /-/npm/v1/keys.
type Key struct {
	Expires *time.Time `json:"expires"` // versions published from then on do not count; null: never
	KeyID   string     `json:"keyid"`   // "SHA256:…", as ssh-keygen -l prints it
	KeyType string     `json:"keytype"`
	Scheme  string     `json:"scheme"`
	Key     string     `json:"key"` // SPKI DER, standard base64, one line
}

// PublicKey describes a public key, which must be of P-256. A zero expires means never.
func PublicKey(pub *ecdsa.PublicKey, expires time.Time) (Key, error) {
	id, err := keyID(pub)
	if err != nil {
		return Key{}, fmt.Errorf("describing a signing key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return Key{}, fmt.Errorf("describing a signing key: %w", err)
	}
	k := Key{KeyID: id, KeyType: keyType, Scheme: keyType, Key: base64.StdEncoding.EncodeToString(der)}
	if !expires.IsZero() {
		k.Expires = new(expires.UTC())
	}
	return k, nil
}

// keyID is the key's OpenSSH fingerprint.
func keyID(pub *ecdsa.PublicKey) (string, error) {
	if pub == nil || pub.Curve != elliptic.P256() {
		return "", errors.New("the key is not an ECDSA key of the curve P-256")
	}
	point, err := pub.Bytes()
	if err != nil {
		return "", err
	}
	var blob []byte
	for _, s := range [][]byte{[]byte(keyType), []byte(curve), point} {
		blob = binary.BigEndian.AppendUint32(blob, uint32(len(s)))
		blob = append(blob, s...)
	}
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), nil
}

// Check returns nil if the entry is a key of the kind that signs versions, and has its name; fault.Invalid otherwise.
func (k Key) Check() error {
	pub, err := k.parse()
	if err != nil {
		return err
	}
	if id, err := keyID(pub); err != nil || id != k.KeyID {
		return fault.New(fault.Invalid, "the signing key %.80q has a name that is not its own", k.KeyID)
	}
	return nil
}

// parse reads the public key of the entry.
func (k Key) parse() (*ecdsa.PublicKey, error) {
	if k.KeyType != keyType || k.Scheme != keyType {
		return nil, fault.New(fault.Invalid, "the signing key %.80q has the type %.40q and the scheme %.40q; both must be %q", k.KeyID, k.KeyType, k.Scheme, keyType)
	}
	der, err := decode(k.Key, maxKey)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the signing key %.80q is not standard base64 of at most %d characters", k.KeyID, maxKey)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the signing key %.80q is not a public key in SPKI form", k.KeyID)
	}
	pub, ok := parsed.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, fault.New(fault.Invalid, "the signing key %.80q is not an ECDSA key of the curve P-256", k.KeyID)
	}
	return pub, nil
}
