package webui

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// asked is an index that keeps what it was asked for last.
type asked struct {
	nowhere
	text string
}

func (a *asked) Search(_ context.Context, text string, _, _ int) ([]Found, int, error) {
	a.text = text
	return nil, 0, nil
}

func (a *asked) Suggest(_ context.Context, text string, _ int) ([]Found, error) {
	a.text = text
	return nil, nil
}

// No text is an error: what is behind 256 characters, not bytes, is not looked at.
func TestLongSearches(t *testing.T) {
	s := newShelf(t, false)
	index := &asked{}
	s.Search = index
	for _, c := range []struct{ text, want string }{
		{" " + strings.Repeat("字", 90) + " ", strings.Repeat("字", 90)},
		{strings.Repeat("字", 300), strings.Repeat("字", 256)},
		{"tool " + strings.Repeat("x", 100_000), "tool " + strings.Repeat("x", 251)},
		{"broken \xff", "broken \uFFFD"},
		{strings.Repeat("x", 255) + " behind", strings.Repeat("x", 255)},
	} {
		for _, path := range []string{"/search?q=", "/-/web/suggest?q="} {
			index.text = ""
			if s.shows(path+url.QueryEscape(c.text), http.StatusOK); index.text != c.want {
				t.Errorf("%s%.20q… asks for %.40q with %d bytes, want %.40q with %d", path, c.text, index.text, len(index.text), c.want, len(c.want))
			}
		}
	}
}
