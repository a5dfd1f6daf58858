package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/pjbgf/sha1cd"

	"github.com/org/registry-action/internal/fault"
)

// maxCommit is how many bytes the object of a merge commit may have.
const maxCommit = 64 << 10

// headOf returns the head of the pull request that a merge commit merges, its second parent. The object proves it by its
// hash, which is what the token says: so no API need be asked, and a checkout of depth 1 has it.
func headOf(merge string, object []byte) (string, error) {
	bad := func(expected, got string) error {
		return refuse(fault.Invalid, "wrong_merge_commit", "mergeCommit", expected, got)
	}
	if len(object) > maxCommit {
		return "", bad(fmt.Sprintf("at most %d bytes", maxCommit), fmt.Sprintf("%d bytes", len(object)))
	}
	got, err := commitHash(len(merge), object)
	if err != nil {
		return "", bad("an object with one meaning", err.Error())
	}
	if got != merge {
		return "", bad("the commit "+merge+", which the token is about", got)
	}
	parents := parentsOf(object)
	if len(parents) != 2 {
		return "", bad("a merge of 2 parents", fmt.Sprintf("%d parents", len(parents)))
	}
	for _, p := range parents {
		if len(p) != len(merge) || !commitSHA.MatchString(p) {
			return "", bad("parents that are commits", p)
		}
	}
	return parents[1], nil
}

// commitHash is the name that git gives a commit, which has as many digits as its repository's names have.
func commitHash(digits int, object []byte) (string, error) {
	return gitHash(digits, fmt.Appendf(nil, "commit %d\x00%s", len(object), object))
}

// gitHash is SHA-256 for 64 digits, else SHA-1 that knows when its input was made to collide.
func gitHash(digits int, text []byte) (string, error) {
	if digits == hex.EncodedLen(sha256.Size) {
		sum := sha256.Sum256(text)
		return hex.EncodeToString(sum[:]), nil
	}
	sum, collides := sha1cd.Sum(text)
	if collides {
		return "", errors.New("one that was made to have the hash of another")
	}
	return hex.EncodeToString(sum[:]), nil
}

// parentsOf lists the parents in the header of a commit, in their order. What continues another line begins with a space.
func parentsOf(object []byte) []string {
	header, _, _ := bytes.Cut(object, []byte("\n\n"))
	var parents []string
	for line := range strings.SplitSeq(string(header), "\n") {
		if parent, ok := strings.CutPrefix(line, "parent "); ok {
			parents = append(parents, parent)
		}
	}
	return parents
}
