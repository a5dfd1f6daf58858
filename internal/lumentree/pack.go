package lumentree

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// Package is a packed package, as Publish and Send take it.
type Package struct {
	lumen.Archive
	File *os.File // the plain tar
}

// Pack packs the package in a folder as Lumen's client does, and checks what came of it. The caller closes the package.
func Pack(ctx context.Context, dir string) (p Package, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if p.File, err = os.CreateTemp("", "lumen-*.tar"); err != nil {
		return p, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if _, err := lumen.Pack(ctx, root, p.File, lumen.Limits{}); err != nil {
		return p, err
	}
	if _, err := p.File.Seek(0, io.SeekStart); err != nil {
		return p, err
	}
	if p.Archive, err = lumen.Check(p.File, io.Discard, lumen.Limits{}); err != nil {
		return p, err
	}
	if p.Manifest.Private {
		return p, fault.New(fault.Invalid, "the package %s is not to be published: its lumen.toml says publish = false", p.Manifest.Name)
	}
	return p, nil
}

// Close removes the file.
func (p Package) Close() error { return errors.Join(p.File.Close(), os.Remove(p.File.Name())) }

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
	var stored struct {
		SecretKey string `json:"secret_key"`
		PublicKey string `json:"public_key"`
	}
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
