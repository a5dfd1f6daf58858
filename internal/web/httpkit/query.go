package httpkit

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// QueryNumber reads a number of a query, from least on; what is absent is missing.
func QueryNumber(q url.Values, name string, missing, least int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, fault.New(fault.Invalid, "%s %.40q is not a number from %d on", name, text, least).WithCode("invalid_number")
	}
	return n, nil
}

// QueryPage reads which part of a list a query asks for: at most limit entries, usual if that is absent and never more than
// most, from offset on.
func QueryPage(q url.Values, usual, most int) (offset, limit int, err error) {
	if limit, err = QueryNumber(q, "limit", usual, 1); err != nil {
		return 0, 0, err
	}
	offset, err = QueryNumber(q, "offset", 0, 0)
	return offset, min(limit, most), err
}

// QueryText reads what people have typed into a search, without the space around it.
func QueryText(q url.Values, name string) string {
	return strings.ToValidUTF8(strings.TrimSpace(q.Get(name)), "\uFFFD")
}

// maxWords is how many characters of a search are looked at.
const maxWords = 256

// QueryWords is QueryText of a search that takes every text: what is behind 256 characters is not looked at.
func QueryWords(q url.Values, name string) string {
	runes := []rune(QueryText(q, name))
	return strings.TrimSpace(string(runes[:min(len(runes), maxWords)]))
}
