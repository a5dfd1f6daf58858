// Package markup makes HTML of the READMEs of packages, which anybody can have
// written: GitHub's Markdown with raw HTML, of which only what is harmless is left.
//
// Nothing in the result loads anything from another host: an image of the package
// is shown, one of another host becomes a link. Links to other hosts carry no
// weight and tell them nothing. The ids of headings have a prefix, so that they
// can't take the place of the page's own, and headings are one level lower: the
// page has its own first one.
package markup

import (
	"bytes"
	"html/template"
	"regexp"
	"strconv"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
)

const (
	idPrefix = "readme-"
	rel      = "nofollow noopener noreferrer ugc"
)

// Links says where the files are that a README refers to, by their paths below the package's
// root. An empty answer means that there is no such file.
type Links struct {
	Dir   string                   // the README's own folder; empty: the root
	File  func(path string) string // the page that shows a file
	Image func(path string) string // the bytes of an image
}

// Renderer renders READMEs. It is safe for concurrent use.
type Renderer struct {
	markdown goldmark.Markdown
	policy   *bluemonday.Policy
}

// New returns a Renderer.
func New() *Renderer {
	return &Renderer{policy: newPolicy(), markdown: goldmark.New(
		goldmark.WithExtensions(
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
			extension.Strikethrough, extension.Linkify, extension.TaskList,
		),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(html.WithUnsafe()), // the policy comes after it
	)}
}

// Render makes HTML of Markdown, of at most max bytes; cut says that the README goes on.
func (r *Renderer) Render(source []byte, links Links, max int) (out template.HTML, cut bool) {
	source = bytes.ToValidUTF8(source, []byte("\uFFFD"))
	if len(source) > max { // its HTML is longer still
		source, cut = shorter(source, max), true
	}
	for len(source) > 0 {
		var b bytes.Buffer
		context := parser.NewContext(parser.WithIDs(&ids{taken: map[string]int{}}))
		if costly(source) || r.markdown.Convert(source, &b, parser.WithContext(context)) != nil {
			return Plain(source, max)
		}
		fitting, err := rewrite(&b, links)
		if err != nil {
			return Plain(source, max)
		}
		text := r.policy.SanitizeReader(fitting).Bytes()
		if len(text) <= max {
			return template.HTML(text), cut // the policy has seen it
		}
		source, cut = shorter(source, len(source)*max/len(text)*9/10), true
	}
	return "", cut
}

// Plain makes HTML of a README that is plain text.
func Plain(source []byte, max int) (out template.HTML, cut bool) {
	source = bytes.ToValidUTF8(source, []byte("\uFFFD"))
	for len(source) > 0 {
		text := `<pre tabindex="0">` + template.HTMLEscapeString(string(source)) + "</pre>"
		if len(text) <= max {
			return template.HTML(text), cut // it is escaped
		}
		source, cut = shorter(source, len(source)/2), true
	}
	return "", cut
}

// shorter cuts a text at the end of a line, if there is one near.
func shorter(source []byte, n int) []byte {
	source = source[:n]
	if end := bytes.LastIndexByte(source, '\n'); end > n/2 {
		source = source[:end+1]
	}
	return bytes.ToValidUTF8(source, nil)
}

const (
	maxNesting    = 64   // quotes and list items that a line may be in
	maxDelimiters = 4000 // marks of emphasis and links in lines without an empty one between them
)

var marker = regexp.MustCompile(`^(?:>|[-+*]|[0-9]{1,9}[.)])`)

// costly reports whether a text is one that parsers need very long for, and nobody writes.
func costly(source []byte) bool {
	delimiters := 0
	for line := range bytes.Lines(source) {
		if len(bytes.TrimSpace(line)) == 0 {
			delimiters = 0
		}
		for _, c := range line {
			if c == '*' || c == '_' || c == '[' || c == '~' {
				delimiters++
			}
		}
		if delimiters > maxDelimiters || len(line) > maxNesting && nesting(line) > maxNesting {
			return true
		}
	}
	return false
}

// nesting is how many blocks a line lies in at most, by what it begins with.
func nesting(line []byte) (n int) {
	for rest := bytes.TrimLeft(line, " \t"); ; n++ {
		at := marker.FindIndex(rest)
		if at == nil {
			return n
		}
		if rest = bytes.TrimLeft(rest[at[1]:], " \t"); len(bytes.Trim(rest, "-*+_ \t\r\n")) == 0 {
			return n // a rule
		}
	}
}

// ids names headings as GitHub does, with our prefix.
type ids struct{ taken map[string]int }

var notInID = regexp.MustCompile(`[^\p{L}\p{N}_-]+`)

// Generate implements parser.IDs.
func (s *ids) Generate(value []byte, _ ast.NodeKind) []byte {
	base := anchor(string(value))
	id := base
	for s.taken[id] > 0 {
		id = base + "-" + strconv.Itoa(s.taken[base])
		s.taken[base]++
	}
	s.taken[id]++
	return []byte(id)
}

// Put implements parser.IDs.
func (s *ids) Put(value []byte) { s.taken[string(value)]++ }

// anchor is the id of a heading with a text.
func anchor(text string) string {
	text = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(text)), " ", "-")
	return idPrefix + shortID(notInID.ReplaceAllString(text, ""))
}
