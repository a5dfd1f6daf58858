package lumen

import (
	"regexp"
	"strings"
)

const maxName = 64 // bytes, the client's own limit

var namePart = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// ValidName returns nil for "@scope/name" as the client's rule has it (each part [a-z0-9]+(-[a-z0-9]+)*, 64 bytes in
// all); for "name" too if unscoped is set. Refusals are fault.Invalid with the code "bad_name".
func ValidName(name string, unscoped bool) error {
	if len(name) > maxName {
		return refuse("bad_name", "the package name %.80q… has more than %d bytes; that is the limit of Lumen's client", name, maxName)
	}
	scope, rest, scoped := strings.Cut(name, "/")
	switch {
	case scoped && strings.HasPrefix(scope, "@") && namePart.MatchString(scope[1:]) && namePart.MatchString(rest):
		return nil
	case !scoped && namePart.MatchString(name):
		if unscoped {
			return nil
		}
		return refuse("bad_name", `the package name %q has no scope; this registry takes names such as "@scope/%[1]s"`, name)
	}
	return refuse("bad_name", `the package name %.80q is not "@scope/name" of lower-case letters, digits and single hyphens between them, such as "@acme/http-utils"`, name)
}
