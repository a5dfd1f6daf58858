package digest

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

const sriPrefix = "sha512-"

// Packed is Sums in their fewest bytes: SHA-256, SHA-512, SHA-1.
type Packed [sha256.Size + sha512.Size + sha1.Size]byte

// Pack fails if a sum is none.
func (s Sums) Pack() (p Packed, err error) {
	long, ok := strings.CutPrefix(s.Integrity, sriPrefix)
	b512, errLong := base64.StdEncoding.DecodeString(long)
	b1, errShort := hex.DecodeString(s.Shasum)
	if !ok || errLong != nil || errShort != nil || len(b512) != sha512.Size || len(b1) != sha1.Size {
		return p, fmt.Errorf("the sums %.100q and %.50q are not those of a file", s.Integrity, s.Shasum)
	}
	copy(p[:], s.SHA256[:])
	copy(p[sha256.Size:], b512)
	copy(p[sha256.Size+sha512.Size:], b1)
	return p, nil
}

// Sums is the inverse of Pack.
func (p Packed) Sums() (s Sums) {
	copy(s.SHA256[:], p[:])
	s.Integrity = sriPrefix + base64.StdEncoding.EncodeToString(p[sha256.Size:sha256.Size+sha512.Size])
	s.Shasum = hex.EncodeToString(p[sha256.Size+sha512.Size:])
	return s
}
