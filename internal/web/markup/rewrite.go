package markup

import (
	"bytes"
	"io"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// rewriter goes over HTML that nobody has checked and makes its links, images and headings fit the page.
// What it leaves of the rest is the policy's to judge.
type rewriter struct {
	links  Links
	out    bytes.Buffer
	inLink int
	text   bool // the link has shown something
}

func rewrite(r io.Reader, links Links) (io.Reader, error) {
	balanced, err := balance(r)
	if err != nil {
		return nil, err
	}
	w := &rewriter{links: links}
	for tokens := html.NewTokenizer(balanced); ; {
		switch kind := tokens.Next(); kind {
		case html.ErrorToken: // the end
			w.closeLink()
			return &w.out, nil
		case html.CommentToken, html.DoctypeToken:
		default:
			w.token(tokens.Token())
		}
	}
}

// balance closes what is open and drops what closes too much, so that nothing ends an element of the page around it.
// The parser refuses what is nested too deep.
func balance(r io.Reader) (io.Reader, error) {
	nodes, err := html.ParseFragment(r, &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, n := range nodes {
		if err := html.Render(&out, n); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// token writes a token, or what takes its place.
func (w *rewriter) token(t html.Token) {
	start := t.Type == html.StartTagToken || t.Type == html.SelfClosingTagToken
	switch {
	case t.Type == html.TextToken:
		w.text = w.text || strings.TrimSpace(t.Data) != ""
	case t.DataAtom == atom.Img && start:
		w.image(t)
		return
	case t.DataAtom == atom.Input && start:
		w.box(t)
		return
	case t.DataAtom == atom.A && start:
		w.closeLink()
		w.link(&t)
		w.inLink, w.text = 1, false
	case t.DataAtom == atom.A:
		w.closeLink()
		return
	case len(t.Data) == 2 && t.Data[0] == 'h' && '1' <= t.Data[1] && t.Data[1] <= '6':
		t.Data = "h" + string(min(t.Data[1]+1, '6'))
		t.DataAtom = 0
	case (t.DataAtom == atom.Pre || t.DataAtom == atom.Table) && start:
		t.Attr = append(t.Attr, html.Attribute{Key: "tabindex", Val: "0"}) // it may have to be scrolled
	}
	w.out.WriteString(t.String())
}

// closeLink ends a link; one that shows nothing has no name for who can't see it.
func (w *rewriter) closeLink() {
	if w.inLink == 0 {
		return
	}
	if !w.text {
		w.out.WriteString("link")
	}
	w.out.WriteString("</a>")
	w.inLink = 0
}

func attribute(t html.Token, key string) string {
	for _, a := range t.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// link sets the target of a link.
func (w *rewriter) link(t *html.Token) {
	href, title := attribute(*t, "href"), attribute(*t, "title")
	t.Attr = nil
	if title != "" {
		t.Attr = append(t.Attr, html.Attribute{Key: "title", Val: title})
	}
	to, foreign := w.target(href)
	if to == "" {
		return
	}
	t.Attr = append(t.Attr, html.Attribute{Key: "href", Val: to})
	if foreign {
		t.Attr = append(t.Attr, html.Attribute{Key: "rel", Val: rel})
	}
}

// target is where a link leads; empty: nowhere.
func (w *rewriter) target(href string) (to string, foreign bool) {
	if fragment, ok := strings.CutPrefix(href, "#"); ok {
		if plain, err := url.PathUnescape(fragment); err == nil {
			fragment = plain
		}
		return "#" + url.PathEscape(idPrefix+strings.TrimPrefix(strings.ToLower(fragment), idPrefix)), false
	}
	u, err := url.Parse(strings.TrimSpace(href))
	switch {
	case err != nil || href == "":
		return "", false
	case u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "" && u.Host != "":
		if u.Scheme == "" {
			u.Scheme = "https"
		}
		if u.Host == "" {
			return "", false
		}
		return u.String(), true
	case u.Scheme == "mailto":
		return u.String(), true
	case u.Scheme != "" || u.Opaque != "" || w.links.File == nil:
		return "", false
	}
	inside, ok := w.inside(u.Path)
	if !ok {
		return "", false
	}
	return w.links.File(inside), false
}

// inside is the path of a file of the package that the README refers to.
func (w *rewriter) inside(ref string) (string, bool) {
	if ref == "" || strings.ContainsAny(ref, "\\\x00") {
		return "", false
	}
	if strings.HasPrefix(ref, "/") { // as forges have it: from the root
		ref = strings.TrimLeft(ref, "/")
	} else {
		ref = path.Join(w.links.Dir, ref)
	}
	ref = path.Clean(ref)
	return ref, ref != "." && ref != ".." && !strings.HasPrefix(ref, "../")
}

// image writes an image of the package, or a link in the place of one of another host.
func (w *rewriter) image(t html.Token) {
	alt, src := strings.TrimSpace(attribute(t, "alt")), attribute(t, "src")
	u, err := url.Parse(strings.TrimSpace(src))
	if err == nil && u.Scheme == "" && u.Host == "" && u.Opaque == "" && w.links.Image != nil {
		if inside, ok := w.inside(u.Path); ok {
			if own := w.links.Image(inside); own != "" {
				w.ownImage(t, own, alt)
				return
			}
		}
	}
	name := alt
	if name == "" {
		name = "image"
	}
	to, foreign := w.target(src)
	w.text = true
	if w.inLink > 0 || !foreign || strings.HasPrefix(to, "mailto:") {
		w.out.WriteString(html.EscapeString(name))
		return
	}
	w.out.WriteString(`<a href="` + html.EscapeString(to) + `" rel="` + rel + `">` + html.EscapeString(name) + `</a>`)
}

func (w *rewriter) ownImage(t html.Token, src, alt string) {
	if alt == "" && w.inLink > 0 {
		alt = "image"
	}
	w.text = true
	kept := []html.Attribute{{Key: "src", Val: src}, {Key: "alt", Val: alt}, {Key: "loading", Val: "lazy"}}
	for _, key := range []string{"width", "height", "align", "title"} {
		if value := attribute(t, key); value != "" {
			kept = append(kept, html.Attribute{Key: key, Val: value})
		}
	}
	t.Type, t.Attr = html.StartTagToken, kept
	w.out.WriteString(t.String())
}

// box writes the sign of a task in place of a checkbox, which nobody could tick.
func (w *rewriter) box(t html.Token) {
	if !strings.EqualFold(attribute(t, "type"), "checkbox") {
		return
	}
	for _, a := range t.Attr {
		if a.Key == "checked" {
			w.out.WriteString("☑ ")
			return
		}
	}
	w.out.WriteString("☐ ")
}
