package auth

import (
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
)

const (
	maxUser     = 64
	maxEmail    = 254
	maxFullName = 256
	maxName     = 100
	minPassword = 8
	maxPassword = 1024
)

// validUser checks a user name by npm's rules (npm-user-validate), a little tighter: lower case,
// nothing that a URL escapes, no period at the beginning.
func validUser(name string) error {
	rule := ""
	switch {
	case name == "" || len(name) > maxUser:
		rule = "it has 1 to 64 characters"
	case name[0] == '.':
		rule = `it can't begin with "."`
	case strings.ContainsFunc(name, notInUser):
		rule = `only a-z, 0-9, "-", ".", "_" and "~" are allowed`
	case slices.Contains([]string{"__proto__", "constructor", "prototype"}, name):
		rule = "this name is reserved"
	default:
		return nil
	}
	return fault.New(fault.Invalid, "user name %.80q is not valid: %s", name, rule).WithCode("invalid_user")
}

func notInUser(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~", r))
}

// validAccount is validUser for what becomes an account: the names of principals that have none are taken.
func validAccount(name string) error {
	if reserved(name) {
		return fault.New(fault.Invalid, "user name %q is reserved; choose another", name).WithCode("reserved_user")
	}
	return validUser(name)
}

func reserved(name string) bool {
	return slices.Contains([]string{localUser, rootUser, operatorUser, StockUser, "anonymous"}, name)
}

func validEmail(email string) error {
	a, err := mail.ParseAddress(email[:min(len(email), maxEmail+1)])
	if err != nil || a.Address != email || len(email) > maxEmail || !printable(email) {
		return fault.New(fault.Invalid, "%.80q is no e-mail address; write it as name@example.com", email).WithCode("invalid_email")
	}
	return nil
}

func validFullName(name string) error {
	if utf8.RuneCountInString(name) > maxFullName || !printable(name) {
		return fault.New(fault.Invalid, "a full name has at most %d printable characters", maxFullName)
	}
	return nil
}

func validTokenName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > maxName || !printable(name) {
		return fault.New(fault.Invalid, "a token has a name of 1 to %d printable characters, for its list; this one is %.120q", maxName, name).WithCode("invalid_name")
	}
	return nil
}

func validPassword(password string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < minPassword || n > maxPassword:
		return fault.New(fault.Invalid, "a password has %d to %d characters, this one has %d", minPassword, maxPassword, n).WithCode("invalid_password")
	case looksLikeToken(password):
		return fault.New(fault.Invalid, "this is a token, or looks like one; a password must not begin with %s", tokenPrefix).WithCode("invalid_password")
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
