package markup

import (
	"regexp"

	"github.com/microcosm-cc/bluemonday"
)

// newPolicy lets pass what READMEs are made of. It has the last word: whatever came before, no script, style,
// form, frame, class or foreign id gets through it.
func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "ul", "ol", "li", "dl", "dt", "dd",
		"strong", "b", "em", "i", "del", "ins", "s", "code", "pre", "kbd", "samp", "var", "sub", "sup", "mark", "q", "cite", "abbr", "small",
		"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "details", "summary", "div", "span", "figure", "figcaption")
	p.AllowAttrs("id").Matching(regexp.MustCompile(`^readme-[\p{L}\p{N}_-]*$`)).OnElements("h2", "h3", "h4", "h5", "h6")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|center|right)$`)).OnElements("p", "div", "h2", "h3", "h4", "h5", "h6", "td", "th", "img")
	p.AllowAttrs("tabindex").Matching(regexp.MustCompile(`^0$`)).OnElements("pre", "table")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[1-9][0-9]?$`)).OnElements("td", "th")
	p.AllowAttrs("open").Matching(regexp.MustCompile(`^(open)?$`)).OnElements("details")
	p.AllowAttrs("title").Matching(bluemonday.Paragraph).OnElements("a", "abbr", "img")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile("^" + rel + "$")).OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowAttrs("loading").Matching(regexp.MustCompile(`^lazy$`)).OnElements("img")
	p.AllowAttrs("width", "height").Matching(bluemonday.NumberOrPercent).OnElements("img")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	return p
}

// maxID is the longest id of a heading, in bytes.
const maxID = 100

func shortID(id string) string {
	if len(id) <= maxID {
		return id
	}
	runes := []rune(id)
	return string(runes[:min(len(runes), maxID/4)])
}
