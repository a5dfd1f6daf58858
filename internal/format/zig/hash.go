package zig

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"math"
	"strings"

	"github.com/org/registry-action/internal/format/digest"
)

// Hashes are the names that compilers have for a package's content.
type Hashes struct {
	Digest digest.SHA256 `json:"-"`
	Size   int64         `json:"-"` // bytes of all files; links count nothing
	// Hash is name-version-…, of Zig 0.14 and later; "" if none of these reads the manifest, for its name is no bare
	// identifier, its name or version is longer than 32 bytes, or its fingerprint doesn't fit the name.
	Hash   string `json:"hash"`
	Legacy string `json:"legacyHash"` // 1220…, of Zig 0.11 to 0.15
}

const (
	legacyPrefix = "1220" // of a multihash: SHA-256, 32 bytes
	legacyLength = len(legacyPrefix) + 64
	tailLength   = 44 // of the base64 of 33 bytes
	tailDigest   = 25 // bytes of the digest in them
	nakedID      = 0xffff
)

// hashesOf names a content. m is nil for a package without a manifest.
func hashesOf(m *Manifest, d digest.SHA256, size int64) Hashes {
	h := Hashes{Digest: d, Size: size, Legacy: legacyPrefix + d.Hex()}
	switch {
	case m == nil:
		h.Hash = newHash("N", "V", nakedID, d, size)
	case hasNewHash(*m):
		h.Hash = newHash(m.Name, m.Version, m.ID(), d, size)
	}
	return h
}

// hasNewHash reports whether some compiler from 0.14 on reads the manifest.
func hasNewHash(m Manifest) bool {
	return isBare(m.Name, latest) && len(m.Name) <= maxBareName && len(m.Version) <= maxBareVersion &&
		(m.Fingerprint == 0 || fingerprintFits(m.Fingerprint, m.Name))
}

func newHash(name, version string, id uint32, d digest.SHA256, size int64) string {
	tail := binary.LittleEndian.AppendUint32(make([]byte, 0, 33), id)
	tail = binary.LittleEndian.AppendUint32(tail, uint32(min(size, math.MaxUint32)))
	tail = append(tail, d[:tailDigest]...)
	return name + "-" + version + "-" + base64.RawURLEncoding.EncodeToString(tail)
}

// hashParts are what a hash of Zig 0.14 and later says.
type hashParts struct {
	Name    string // "N" without a manifest
	Version string // "V" without a manifest
	ID      uint32 // of the fingerprint; 0: none
	Size    uint32 // bytes of all files, at most 2³²-1
	Digest  [tailDigest]byte
}

// parseHash takes apart a hash of Zig 0.14 and later. ok is false for all that a compiler wouldn't print, some of which
// makes one crash.
func parseHash(s string) (p hashParts, ok bool) {
	if len(s) < tailLength || len(s) > maxHash {
		return p, false
	}
	front, tail := s[:len(s)-tailLength], s[len(s)-tailLength:]
	b, err := base64.RawURLEncoding.DecodeString(tail)
	if err != nil || len(b) != 8+tailDigest { // line breaks in base64 are skipped by Go
		return p, false
	}
	front, ok = strings.CutSuffix(front, "-")
	name, version, cut := strings.Cut(front, "-")
	if !ok || !cut {
		return p, false
	}
	p = hashParts{Name: name, Version: version, ID: binary.LittleEndian.Uint32(b), Size: binary.LittleEndian.Uint32(b[4:])}
	copy(p.Digest[:], b[8:])
	naked := name == "N" && version == "V" && p.ID == nakedID
	ok = naked || isBare(name, latest) && len(name) <= maxBareName && len(version) <= maxBareVersion && validVersion(version)
	return p, ok
}

// ValidHash reports whether s has the form of either hash.
func ValidHash(s string) bool {
	_, ok := parseHash(s)
	return ok || isLegacy(s)
}

// isLegacy reports whether s is a hash of Zig 0.11 to 0.15.
func isLegacy(s string) bool {
	digits, ok := strings.CutPrefix(s, legacyPrefix)
	_, err := hex.DecodeString(digits)
	return ok && len(s) == legacyLength && err == nil && strings.ToLower(digits) == digits
}

// fingerprintFits reports whether a manifest with this fingerprint may have this name: its high half is the name's CRC-32,
// its low half, the id, is neither 0 nor all ones.
func fingerprintFits(fingerprint uint64, name string) bool {
	id := uint32(fingerprint)
	return id != 0 && id != math.MaxUint32 && uint32(fingerprint>>32) == crc32.ChecksumIEEE([]byte(name))
}

// SuggestFingerprint is a fingerprint that fits a name, with an id of the caller's choice: random, for it must be nobody else's.
func SuggestFingerprint(name string, id uint32) uint64 {
	return uint64(crc32.ChecksumIEEE([]byte(name)))<<32 | uint64(min(max(id, 1), math.MaxUint32-1))
}
