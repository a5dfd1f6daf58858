// Package digest names bytes by their hashes, in the forms npm clients use:
// SHA-256 as blob address, sha512 SRI as `integrity`, sha1 as `shasum`.
package digest

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// SHA256 is the address of a blob. Its zero value means "not known".
// Its text form is "sha256:" and 64 lower-case hex digits.
type SHA256 [sha256.Size]byte

const prefix = "sha256:"

// ErrSyntax is the error of Parse, wrapped with the text that was refused.
var ErrSyntax = fmt.Errorf("a digest is %q and 64 hex digits", prefix)

// Parse reads the text form; the prefix may be left out and the digits may be upper case.
func Parse(s string) (SHA256, error) {
	var d SHA256
	b, err := hex.DecodeString(strings.TrimPrefix(s, prefix))
	if err != nil || len(b) != len(d) {
		return d, fmt.Errorf("%.80q: %w", s, ErrSyntax)
	}
	copy(d[:], b)
	return d, nil
}

// Of returns the digest of b.
func Of(b []byte) SHA256 { return sha256.Sum256(b) }

// IsZero reports whether d is unknown.
func (d SHA256) IsZero() bool { return d == SHA256{} }

// Hex returns the 64 digits without the prefix.
func (d SHA256) Hex() string { return hex.EncodeToString(d[:]) }

func (d SHA256) String() string { return prefix + d.Hex() }

// MarshalText makes d a JSON string.
func (d SHA256) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is Parse.
func (d *SHA256) UnmarshalText(b []byte) (err error) {
	*d, err = Parse(string(b))
	return err
}

// Sums are the hashes that a registry states about one file.
type Sums struct {
	SHA256    SHA256 `json:"checksum"`  // "sha256:<hex>"
	Integrity string `json:"integrity"` // "sha512-<base64>", the SRI form
	Shasum    string `json:"shasum"`    // SHA-1, 40 hex digits
}

// Hasher computes all Sums of the bytes written to it in one pass.
type Hasher struct {
	h256, h512, h1 hash.Hash
	size           int64
}

// NewHasher returns an empty Hasher.
func NewHasher() *Hasher {
	return &Hasher{h256: sha256.New(), h512: sha512.New(), h1: sha1.New()}
}

// Write adds bytes; it never fails.
func (h *Hasher) Write(p []byte) (int, error) {
	h.h256.Write(p)
	h.h512.Write(p)
	h.h1.Write(p)
	h.size += int64(len(p))
	return len(p), nil
}

// Size returns the number of bytes written.
func (h *Hasher) Size() int64 { return h.size }

// Sums returns the hashes of what was written so far.
func (h *Hasher) Sums() Sums {
	s := Sums{
		Integrity: sriPrefix + base64.StdEncoding.EncodeToString(h.h512.Sum(nil)),
		Shasum:    hex.EncodeToString(h.h1.Sum(nil)),
	}
	copy(s.SHA256[:], h.h256.Sum(nil))
	return s
}
