package webui

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/web/httpkit"
)

// badgeAge is how long a badge is shown without asking again. Forges that keep images ask as seldom.
const badgeAge = "max-age=300"

// badgeLink is a badge with what a README needs to show it.
type badgeLink struct{ Image, Alt, Markdown string }

// badgeOf is the badge of a ref, or of the whole repository if it is zero.
func (u *UI) badgeOf(repository string, ref commits.Ref) badgeLink {
	page, image := repositoryPath(repository), repositoryPath(repository)+"/badge.svg"
	if ref.Name != "" {
		page = refPath(repository, ref)
		image += "?" + string(ref.Kind) + "=" + url.QueryEscape(ref.Name)
	}
	return badgeLink{Image: image, Alt: "Previews", Markdown: fmt.Sprintf("[![previews](%s)](%s)", u.BaseURL+markdownURL(image), u.BaseURL+markdownURL(page))}
}

// markdownURL escapes what would end a URL in Markdown.
func markdownURL(address string) string {
	return strings.NewReplacer("(", "%28", ")", "%29").Replace(address)
}

// badge is an image that says what can be installed: of the ref that the query names, else of the newest commit.
func (u *UI) badge(w http.ResponseWriter, r *http.Request) error {
	text, err := u.badgeText(r)
	here := err == nil
	switch {
	case isGone(err):
		text = "none"
	case err != nil:
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	cache := "public, " + badgeAge
	if u.Auth.ReadAuth() {
		cache = "private, " + badgeAge
	}
	image := drawBadge("previews", text, here)
	httpkit.Serve(w, r, httpkit.Content{
		Reader: strings.NewReader(image), Size: int64(len(image)), ETag: digest.Of([]byte(image)).Hex(), ContentType: "image/svg+xml; charset=utf-8", Cache: cache,
	})
	return nil
}

func (u *UI) badgeText(r *http.Request) (string, error) {
	query := r.URL.Query()
	for _, kind := range []commits.RefKind{commits.PR, commits.Branch, commits.Tag} {
		name := query.Get(string(kind))
		if name == "" {
			continue
		}
		ref, err := commits.ParseRef(string(kind) + "/" + name)
		if err != nil {
			return "", err
		}
		sha, err := u.Commits.OwnRef(r.Context(), repositoryOf(r), ref)
		return npm.PreviewTag(string(kind), name) + " · " + shortSHA(sha), err
	}
	o, err := u.Commits.Overview(r.Context(), repositoryOf(r), 0)
	if err != nil || len(o.Commits) == 0 {
		return "none", err
	}
	return npm.PreviewVersion(o.Commits[0].SHA), nil
}

// What a badge is made of, in pixels. Its letters are measured roughly; textLength makes them fit.
const (
	badgeHeight = 20
	badgePad    = 6
	maxBadge    = 60 // letters
)

// drawBadge makes an SVG of two words that needs nothing else.
func drawBadge(label, text string, here bool) string {
	if utf8.RuneCountInString(text) > maxBadge {
		text = string([]rune(text)[:maxBadge-1]) + "…"
	}
	color := "#6e7781"
	if here {
		color = "#0b57d0"
	}
	left, right := textWidth(label), textWidth(text)
	split := left + 2*badgePad
	width := split + right + 2*badgePad
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" role="img" aria-label="%s: %[4]s">`, width, badgeHeight, escapeXML(label), escapeXML(text))
	fmt.Fprintf(&b, `<title>%s: %s</title>`, escapeXML(label), escapeXML(text))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="3" fill="#3b424a"/>`, width, badgeHeight)
	fmt.Fprintf(&b, `<path d="M%d 0h%da3 3 0 0 1 3 3v%da3 3 0 0 1-3 3H%[1]dz" fill="%[4]s"/>`, split, width-split-3, badgeHeight-6, color)
	b.WriteString(`<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">`)
	fmt.Fprintf(&b, `<text x="%d" y="14" textLength="%d">%s</text>`, badgePad, left, escapeXML(label))
	fmt.Fprintf(&b, `<text x="%d" y="14" textLength="%d">%s</text></g></svg>`, split+badgePad, right, escapeXML(text))
	return b.String()
}

// textWidth is how wide a text is in an 11 pixel sans-serif, in pixels.
func textWidth(text string) int {
	tenths := 0
	for _, c := range text {
		switch {
		case strings.ContainsRune("ijl.,:;|!'()[] ·", c):
			tenths += 40
		case strings.ContainsRune("mwMW@%", c) || c > 0x2e80:
			tenths += 105
		case c >= 'A' && c <= 'Z':
			tenths += 80
		default:
			tenths += 68
		}
	}
	return tenths/10 + 1
}

func escapeXML(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}
