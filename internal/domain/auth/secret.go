package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"strings"
)

// The text of a token is tokenPrefix, 27 random characters (160 bits) and the CRC-32 of all that in 6:
// scanners find it by its form alone, and a mistyped or made-up one never reaches the store. It has
// only letters, digits and "_", since yarn 1 puts it into a URL as it is.
const (
	tokenPrefix = "regact_"
	randomChars = 27
	sumChars    = 6
	tokenChars  = len(tokenPrefix) + randomChars + sumChars
	hintChars   = len(tokenPrefix) + 4
	keyDigits   = 16
	base62      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// newSecret makes the text of a token.
func newSecret() string {
	text := tokenPrefix + randomText()
	return text + checksum(text)
}

// randomText returns randomChars characters of base62, all equally likely.
func randomText() string {
	const fair = 256 - 256%len(base62)
	out := make([]byte, 0, randomChars)
	var buf [2 * randomChars]byte
	for {
		rand.Read(buf[:])
		for _, b := range buf {
			if int(b) >= fair {
				continue
			}
			if out = append(out, base62[int(b)%len(base62)]); len(out) == randomChars {
				return string(out)
			}
		}
	}
}

func checksum(text string) string {
	var out [sumChars]byte
	sum := crc32.ChecksumIEEE([]byte(text))
	for i := range out {
		out[sumChars-1-i] = base62[sum%uint32(len(base62))]
		sum /= uint32(len(base62))
	}
	return string(out[:])
}

// looksLikeToken reports whether the text has a token's beginning; it is then never taken for a password.
func looksLikeToken(text string) bool { return strings.HasPrefix(text, tokenPrefix) }

// wellFormed reports whether the text can be that of a token.
func wellFormed(text string) bool {
	if len(text) != tokenChars || !looksLikeToken(text) {
		return false
	}
	body := text[:tokenChars-sumChars]
	return checksum(body) == text[len(body):] && strings.Trim(body[len(tokenPrefix):], base62) == ""
}

// hashOf is what is stored of a token.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
