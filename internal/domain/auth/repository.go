package auth

import (
	"regexp"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// A pattern of repositories is a repository as owner/repo or https://host/owner/repo, or its
// beginning, the owner at least, with a * at its end: "acme/*" is all of an owner, "*" is everything.
// Without a host it is one of GitHub's, as everywhere else. The case does not matter, as on forges.
var repositoryPattern = regexp.MustCompile(`^(https://[a-z0-9.-]{1,253}(:[0-9]{1,5})?/)?([a-z0-9_.-]{1,100}/){1,5}([a-z0-9_.-]{1,100}\*?|\*)$`)

const defaultForge = "https://github.com/"

func validRepositories(patterns []string) error {
	if len(patterns) > maxPatterns {
		return fault.New(fault.Invalid, "%d repositories are more than the %d that a token may name; use a pattern such as acme/*", len(patterns), maxPatterns)
	}
	for _, p := range patterns {
		if p != "*" && !repositoryPattern.MatchString(strings.ToLower(p)) {
			return fault.New(fault.Invalid, "%.230q is no pattern of repositories; write owner/repo or https://host/owner/repo, or the beginning of it with a * at the end, such as acme/*", p).WithCode("invalid_pattern")
		}
	}
	return nil
}

// Repositories are patterns of repositories, for options of the server.
type Repositories []string

// ParseRepositories reads patterns as tokens name them.
func ParseRepositories(patterns []string) (Repositories, error) {
	return patterns, validRepositories(patterns)
}

// Cover reports whether one of the patterns matches a repository (its URL).
func (r Repositories) Cover(repository string) bool { return coversRepository(r, repository) }

// coversRepository reports whether one of the patterns matches the repository, or all that it
// matches if it is a pattern itself. "", no repository, is matched by * alone.
func coversRepository(patterns []string, repository string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if p == "*" || repository == "" {
			return p == "*"
		}
		full := withForge(repository)
		begin, open := strings.CutSuffix(withForge(p), "*")
		return open && strings.HasPrefix(full, begin) || full == withForge(p)
	})
}

// withForge writes a repository or a pattern in the one form in which they are compared.
func withForge(pattern string) string {
	pattern = strings.ToLower(pattern)
	if pattern == "*" || strings.HasPrefix(pattern, "https://") {
		return pattern
	}
	return defaultForge + pattern
}
