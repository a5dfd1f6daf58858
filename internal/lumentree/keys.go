package lumentree

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// ReadPins reads a file of pinned keys, which has the form of keys.json; os.ErrNotExist if there is none.
func ReadPins(path string) ([]lumen.Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, lumen.MaxMetadata+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("reading the pinned keys: %w", err)
	}
	keys, err := lumen.DecodeKeys(text)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "%s: %s", path, said(err))
	}
	if len(keys.Keys) == 0 {
		return nil, fault.New(fault.Invalid, "%s has no keys; remove it to pin those of the next tree that is found good", path)
	}
	for _, k := range keys.Keys {
		if _, err := k.Parse(); err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "%s: %s", path, said(err))
		}
	}
	return keys.Keys, nil
}

// WritePins writes such a file; it must not be there.
func WritePins(path string, pins []lumen.Key) error {
	return writeNew(path, lumen.Encode(lumen.Keys{Keys: pins}), 0o755, 0o644)
}

// writeNew writes a file that must not be there, and makes the folders above it.
func writeNew(path string, text []byte, folders, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), folders); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// storedKey is a signing key as Lumen's client keeps it.
type storedKey struct {
	PublicKey string `json:"public_key"` // standard base64
	SecretKey string `json:"secret_key"` // standard base64 of the 32 bytes of its seed
	KeyID     string `json:"key_id"`
	CreatedAt string `json:"created_at"`
}

// CreateKey makes a signing key and writes it to a file, which must not be there, for its owner only.
func CreateKey(path string, now time.Time) (lumen.Key, error) {
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return lumen.Key{}, err
	}
	k := lumen.PublicKey(public)
	text := lumen.Encode(storedKey{k.PublicKey, base64.StdEncoding.EncodeToString(secret.Seed()), k.KeyID, now.UTC().Format(time.RFC3339)})
	return k, writeNew(path, text, 0o700, 0o600)
}

// maxKey bounds a key's file, in bytes.
const maxKey = 64 << 10

// ReadKey reads a signing key as Lumen's client keeps it, ~/.lumen/keys/{key_id}.json: {"secret_key": base64 of the 32 bytes of its seed, …}.
func ReadKey(path string) (ed25519.PrivateKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	var stored storedKey
	bad := fault.New(fault.Invalid, "%s is no key of Lumen's client: expected {\"secret_key\": base64 of 32 bytes, \"public_key\": …}, as in ~/.lumen/keys", path)
	if json.Unmarshal(text, &stored) != nil {
		return nil, bad
	}
	seed, err := base64.StdEncoding.DecodeString(stored.SecretKey)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, bad
	}
	key := ed25519.NewKeyFromSeed(seed)
	public, err := base64.StdEncoding.DecodeString(stored.PublicKey)
	if stored.PublicKey != "" && (err != nil || !bytes.Equal(public, key.Public().(ed25519.PublicKey))) {
		return nil, fault.New(fault.Invalid, "the public key in %s is not that of its secret key", path)
	}
	return key, nil
}
