// Package npm holds the naming rules of the npm registry: package names,
// tarball file names and the versions of previews.
package npm

import (
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// MaxName is the longest package name, in characters, scope included.
const MaxName = 214

// ValidName checks a package name by npm's rules for new packages
// (validate-npm-package-name), with these differences: upper case and the names
// of Node's core modules are allowed, since older packages have them; names that
// are properties of every JavaScript object, and scopes that begin with a
// period, are refused. The error is a *fault.Error of kind Invalid that says
// which rule the name breaks.
func ValidName(name string) error {
	if rule := brokenRule(name); rule != "" {
		return fault.New(fault.Invalid, "package name %.230q is not valid: %s", name, rule)
	}
	return nil
}

func brokenRule(name string) string {
	switch {
	case name == "":
		return "a name can't be empty"
	case len(name) > MaxName:
		return fmt.Sprintf("a name has at most %d characters", MaxName)
	}
	switch strings.ToLower(name) {
	case "node_modules", "favicon.ico", "__proto__", "constructor", "prototype":
		return "this name is reserved"
	}
	scope, base := SplitName(name)
	if scope == "" && strings.HasPrefix(name, "@") {
		return "a scoped name is written @scope/name"
	}
	if scope == "" && (base[0] == '_' || base[0] == '-') {
		return `a name can't begin with "_" or "-"`
	}
	for _, part := range []string{strings.TrimPrefix(scope, "@"), base} {
		if strings.HasPrefix(part, ".") {
			return `a name can't begin with "."`
		}
		if i := strings.IndexFunc(part, forbidden); i >= 0 {
			return fmt.Sprintf("%q is not allowed; use letters, digits, \"-\", \"_\" and \".\"", []rune(part[i:])[0])
		}
	}
	return ""
}

func forbidden(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
}

// SplitName splits "@scope/base" into "@scope" and "base". A name without a
// scope, or with half of one, has the scope "".
func SplitName(name string) (scope, base string) {
	if strings.HasPrefix(name, "@") {
		if scope, base, ok := strings.Cut(name, "/"); ok && len(scope) > 1 && base != "" {
			return scope, base
		}
	}
	return "", name
}

// TarballName is the file that `npm pack` writes for a package:
// "@acme/a" 1.0.0 becomes "acme-a-1.0.0.tgz".
func TarballName(name, version string) string {
	return strings.NewReplacer("/", "-", `\`, "-").Replace(strings.TrimPrefix(name, "@")+"-"+version) + ".tgz"
}

// PreviewVersion is the version that a commit's packages have in registry mode:
// "0.0.0-commit.g" and the first 10 hex digits of the commit's hash, in lower
// case. The "g" keeps a hash of only digits from being read as a number.
func PreviewVersion(sha string) string {
	return previewPrefix + strings.ToLower(sha[:min(10, len(sha))])
}

const previewPrefix = "0.0.0-commit.g"

// PreviewCommit is the inverse of PreviewVersion: the first digits of the commit's hash; "" of another version.
func PreviewCommit(version string) string {
	digits, _ := strings.CutPrefix(version, previewPrefix)
	if len(digits) == len(version) {
		return ""
	}
	return digits
}
