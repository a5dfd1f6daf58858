package lumen

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxReason = 500 // characters

// CleanReason trims the reason of a yank, which may be empty. Refusals are fault.Invalid with the code "text_too_long" or
// "invalid_text".
func CleanReason(text string) (string, error) {
	text = strings.TrimSpace(text)
	switch n := utf8.RuneCountInString(text); {
	case n > maxReason:
		return "", refuse("text_too_long", "the reason has %d characters, at most %d are allowed; shorten it", n, maxReason)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, isHidden):
		return "", refuse("invalid_text", "the reason holds control characters, or is not UTF-8; send plain text")
	}
	return text, nil
}

func isHidden(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }
