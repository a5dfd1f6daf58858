package upstream

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/packument"
)

// algorithms of Subresource Integrity, the strongest first, and npm's shasum.
var algorithms = []struct {
	name string
	new  func() hash.Hash
}{
	{"sha512", sha512.New},
	{"sha384", sha512.New384},
	{"sha256", sha256.New},
	{"sha1", sha1.New},
}

// integrity is what the bytes of a tarball must have: one of the digests.
type integrity struct {
	id      string // the first digest, in hex, with its algorithm in front
	new     func() hash.Hash
	digests [][]byte
}

// integrityOf takes the strongest algorithm that a ref has digests of. ok is
// false if it has none that can be read.
func integrityOf(ref packument.Ref) (want integrity, ok bool) {
	for _, a := range algorithms {
		size := a.new().Size()
		for entry := range strings.FieldsSeq(ref.Integrity) {
			entry, _, _ = strings.Cut(entry, "?") // options, of which there are none
			name, text, _ := strings.Cut(entry, "-")
			if d, err := base64.StdEncoding.DecodeString(text); name == a.name && err == nil && len(d) == size {
				want.digests = append(want.digests, d)
			}
		}
		if d, err := hex.DecodeString(ref.Shasum); a.name == "sha1" && err == nil && len(d) == size {
			want.digests = append(want.digests, d)
		}
		if len(want.digests) > 0 {
			want.id, want.new = a.name+"-"+hex.EncodeToString(want.digests[0]), a.new
			return want, true
		}
	}
	return want, false
}

func (want integrity) matches(h hash.Hash) bool {
	sum := h.Sum(nil)
	return slices.ContainsFunc(want.digests, func(d []byte) bool { return bytes.Equal(d, sum) })
}
