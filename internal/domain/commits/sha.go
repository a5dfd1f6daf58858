package commits

import (
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// The lengths of a commit's SHA, in hex digits.
const (
	minSHA    = 7
	sha1Len   = 40
	sha256Len = 64
)

// ParseSHA folds a commit's SHA to lower case. It takes whole SHAs (40 or 64
// hex digits) and prefixes of at least 7.
func ParseSHA(s string) (string, error) {
	sha := strings.ToLower(s)
	if !isHex(sha) || len(sha) < minSHA || (len(sha) > sha1Len && len(sha) != sha256Len) {
		return "", fault.New(fault.Invalid, "%.80q is not a commit: expected 40 or 64 hex digits, or the first 7 or more of a 40-digit one", s).WithCode("invalid_sha")
	}
	return sha, nil
}

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdef") == ""
}

// isWhole reports whether sha is a whole SHA rather than a prefix.
func isWhole(sha string) bool { return len(sha) == sha1Len || len(sha) == sha256Len }
