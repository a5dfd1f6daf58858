// Package domaintest gives the tests of domains their callers, and a look at how they are refused.
package domaintest

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
)

// User is a caller as domain/auth has them, without its accounts and tokens. The zero value is anonymous.
type User struct {
	Name   string
	Admin  bool
	Only   []string          // patterns its token is limited to
	Grants []string          // patterns it was granted
	Run    *provenance.Proof // of the CI run that it is; nil: it is none
}

func (u User) String() string { return "the test's " + u.Name }

// User is the name.
func (u User) User() string { return u.Name }

// IsAdmin reports whether u may do everything.
func (u User) IsAdmin() bool { return u.Admin }

// MayRelease refuses who is anonymous, and names that Only does not cover.
func (u User) MayRelease(name string) error {
	switch {
	case u.Name == "":
		return fault.New(fault.Unauthenticated, "who are you?")
	case len(u.Only) > 0 && !covers(u.Only, name):
		return fault.New(fault.Forbidden, "this token may not write to %s", name)
	}
	return nil
}

// Proof is that of Run.
func (u User) Proof() *provenance.Proof { return u.Run }

// Granted reports whether Grants cover the name.
func (u User) Granted(name string) bool { return u.Admin || covers(u.Grants, name) }

// covers reports whether a pattern is the name, or its beginning with a * at the end. Only "*" covers names of every
// kind. Zig's names differ by more than case, and "_" from "-".
func covers(patterns []string, name string) bool {
	kind, name := cut(name)
	return slices.ContainsFunc(patterns, func(p string) bool {
		of, plain := cut(p)
		begin, open := strings.CutSuffix(plain, "*")
		return p == "*" || of == kind && (plain == name || open && strings.HasPrefix(name, begin))
	})
}

// cut parts "zig:name" after the colon; npm's names have none.
func cut(name string) (kind, plain string) {
	kind, plain, ok := strings.Cut(name, ":")
	if !ok {
		return "", name
	}
	if kind == "zig" {
		plain = strings.ReplaceAll(strings.ToLower(plain), "_", "-")
	}
	return kind, plain
}

// Refused fails the test unless err is of the kind, with the code if one is given, and returns what it says to callers;
// "" if there is nothing.
func Refused(t testing.TB, what string, err error, kind fault.Kind, code string) (message string) {
	t.Helper()
	e, ok := fault.Public(err)
	if !ok || e.Kind != kind || code != "" && e.Code != code {
		t.Errorf("%s: %v, want %s %s", what, err, kind, code)
		return ""
	}
	return e.Message
}
