package commits

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/org/registry-action/internal/fault"
)

// RefKind is what a ref names. Kinds never mix: branch 7 is not PR 7.
type RefKind string

// The kinds of refs.
const (
	PR     RefKind = "pr"
	Branch RefKind = "branch"
	Tag    RefKind = "tag"
)

// Ref is a named pointer to a commit publish.
type Ref struct {
	Kind RefKind
	Name string // "7", "main", "v1"
}

// String gives the canonical form, "pr/7".
func (r Ref) String() string { return string(r.Kind) + "/" + r.Name }

func refNames(refs []Ref) []string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.String()
	}
	return names
}

var prNumber = regexp.MustCompile(`^[1-9][0-9]{0,9}$`)

// maxRef bounds a ref's name, in bytes; git's own bound is a file name's.
const maxRef = 250

// ParseRef reads a typed ref: "pr/7", "branch/main", "tag/v1". A "-" or ":" in
// the place of the first "/" is the same.
func ParseRef(s string) (Ref, error) {
	if r, ok := typed(s); ok {
		return r, r.check(s)
	}
	return Ref{}, fault.New(fault.Invalid, "%.200q is not a ref: expected pr/7, branch/main or tag/v1", s).WithCode("invalid_ref")
}

func typed(s string) (Ref, bool) {
	for _, k := range []RefKind{PR, Branch, Tag} {
		rest, ok := strings.CutPrefix(s, string(k))
		if ok && len(rest) > 1 && strings.ContainsRune("/-:", rune(rest[0])) {
			return Ref{Kind: k, Name: rest[1:]}, true
		}
	}
	return Ref{}, false
}

func (r Ref) check(s string) error {
	bad := len(r.Name) > maxRef || strings.ContainsFunc(r.Name, unicode.IsControl) || !strings.EqualFold(strings.ToValidUTF8(r.Name, ""), r.Name)
	if bad || (r.Kind == PR && !prNumber.MatchString(r.Name)) {
		return fault.New(fault.Invalid, "%.300q is not a ref: a pull request has a number, other names have at most %d bytes and no control characters", s, maxRef).WithCode("invalid_ref")
	}
	return nil
}

// Pointer is what stands behind "@" in an install URL: refs to try in order, and then a commit.
type Pointer struct {
	Refs []Ref
	SHA  string // whole or a prefix; empty if Refs alone are meant
}

// ParsePointer reads what stands behind "@": a typed ref ("pr-7",
// "branch:main"), a bare number (the pull request and nothing else; of 7 digits
// and more, as short SHAs have them, else a commit), hex digits (a commit and
// nothing else), or a bare name (the branch, else the tag).
func ParsePointer(s string) (Pointer, error) {
	if r, ok := typed(s); ok {
		return Pointer{Refs: []Ref{r}}, r.check(s)
	}
	lower := strings.ToLower(s)
	switch {
	case isHex(lower) && isWhole(lower):
		return Pointer{SHA: lower}, nil
	case s != "" && strings.Trim(s, "0123456789") == "":
		sha, err := ParseSHA(s)
		if err != nil {
			sha = ""
		}
		return Pointer{Refs: []Ref{{PR, s}}, SHA: sha}, nil
	case isHex(lower) && len(lower) >= minSHA:
		sha, err := ParseSHA(s)
		return Pointer{SHA: sha}, err
	}
	p := Pointer{Refs: []Ref{{Branch, s}, {Tag, s}}}
	if s == "" {
		return p, fault.New(fault.Invalid, "nothing stands behind the @: expected a commit, pr-7, branch:main or tag:v1").WithCode("invalid_ref")
	}
	return p, p.Refs[0].check(s)
}
