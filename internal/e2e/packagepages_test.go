package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/org/registry-action/internal/domain/domaintest"
)

// publishFiles publishes a version of a package with files, as the operator.
func publishFiles(t *testing.T, s *server, name, version, manifest string, content map[string]string) {
	t.Helper()
	all := map[string]string{"package/package.json": manifest}
	for path, text := range content {
		all["package/"+path] = text
	}
	tgz := domaintest.Gzip(t, domaintest.Tar(t, all))
	body := map[string]any{
		"_id": name, "name": name, "dist-tags": map[string]string{"latest": version},
		"versions":     map[string]any{version: json.RawMessage(manifest)},
		"_attachments": map[string]any{name + "-" + version + ".tgz": map[string]any{"data": tgz, "length": len(tgz)}},
	}
	if a := sendAs(t, operatorToken, http.MethodPut, s.url+"/"+name, body); a.status != http.StatusCreated {
		t.Fatalf("publishing answers %d %s %v", a.status, a.body, a.err)
	}
}

// publishRoom publishes two versions of a package with a README, a picture and code.
func publishRoom(t *testing.T, s *server) {
	t.Helper()
	picture := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"
	readme := "# Room\n\nA [link](lib/index.js), ![a picture](logo.png) and ![one of elsewhere](https://far.example/x.png).\n\n## Use\n\n```js\nconst room = require('@acme/room')\n```\n\n| a | b |\n|--|--|\n| 1 | " + strings.Repeat("wide", 60) + " |\n\n- [x] done\n"
	publishFiles(t, s, "@acme/room", "1.0.0", `{"name":"@acme/room","version":"1.0.0","description":"A room.","dependencies":{"@acme/door":"^1.0.0"}}`,
		map[string]string{"README.md": readme, "lib/index.js": "one\ntwo\nthree\n", "logo.png": picture})
	publishFiles(t, s, "@acme/room", "1.1.0", `{"name":"@acme/room","version":"1.1.0","description":"A room.","license":"MIT","keywords":["room","house"],"dependencies":{"@acme/door":"^1.1.0"},"devDependencies":{"@acme/window":"*"}}`,
		map[string]string{"README.md": readme, "lib/index.js": "one\n2\nthree\n" + strings.Repeat("long line ", 40), "logo.png": picture, "data.bin": "\x00\x01", "code.ts": "// A comment\nexport const two: number = 2; /* and\nmore */ const text = `of\nlines ${two}`;\n"})
}

// All pages of a package are what pages must be, with and without scripts, wide and narrow, light and dark.
func TestPackagePages(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	publishRoom(t, s)
	publishManifest(t, s, "@acme/house", `{"name":"@acme/house","version":"1.0.0","description":"Has rooms.","peerDependencies":{"@acme/room":"^1.0.0"}}`)
	b := newTab(t, s.url)
	b.shows(s.url+"/packages/@acme/room/1.1.0/dependencies", "@acme/door", "@acme/house", "Has rooms.")
	b.shows(s.url+"/search?q=depends:@acme/room", "@acme/house")
	for _, path := range []string{"", "/versions", "/1.1.0/dependencies", "/1.1.0/files", "/1.1.0/files/lib/index.js", "/1.1.0/files/code.ts", "/1.1.0/files/logo.png", "/1.1.0/files/data.bin", "/1.1.0/diff/1.0.0", "/1.1.0/diff/1.0.0?file=lib%2Findex.js"} {
		b.holds(s.url + "/packages/@acme/room" + path)
	}
	b.expect("status of 404")
	b.holdsWith(s.url+"/packages/@acme/none", http.StatusNotFound)
	b.expect()
}

// Somebody installs with the copied line, looks at the code, and compares two versions, all by clicking.
func TestPackageClicks(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	publishRoom(t, s)
	b := newTab(t, s.url)
	b.open(s.url+"/packages/@acme/room", http.StatusOK)
	b.do(chromedp.Click(chromedp.CSS(".install details[open] [data-copy]")))
	b.await(`document.querySelector(".install details[open] [data-copy]").textContent === "Copied"`)
	if got, want := eval[string](b, "navigator.clipboard.readText()"), "npm install @acme/room --registry "+s.url+"/"; got != want {
		t.Errorf("the clipboard has %q, want %q", got, want)
	}
	b.do(chromedp.Click(chromedp.CSS(".install details:nth-of-type(2) summary")))
	if open := eval[int](b, `document.querySelectorAll(".install details[name=install][open]").length`); open != 1 {
		t.Errorf("%d ways to install are open, want the one that was chosen", open)
	}
	b.await(`document.querySelector(".readme img").naturalWidth === 1`)
	if images := eval[int](b, `document.querySelectorAll("img").length`); images != 1 {
		t.Errorf("%d pictures are shown, want only the one of the package", images)
	}
	b.follow(`.readme a[href$="lib/index.js"]`)
	if got := b.text(".source #L2"); !strings.Contains(got, "2") {
		t.Errorf("line 2 is %q", got)
	}
	b.follow(`.tabs a[href$="/versions"]`)
	const form = `document.querySelector("form[action*='/compare/']")`
	if tall, one := eval[float64](b, form+".offsetHeight"), eval[float64](b, form+".querySelector('select').offsetHeight"); tall > 1.5*one {
		t.Errorf("the form that compares is %v pixels high, a field %v: they don't stand in one row", tall, one)
	}
	b.follow(`form[action*="/compare/"] button`)
	if got := b.at(); got != "/packages/@acme%2Froom/1.1.0/diff/1.0.0" {
		t.Errorf("the form leads to %s", got)
	}
	if got := b.text(`.diff[aria-label$="lib/index.js"]`); !strings.Contains(got, "-two") || !strings.Contains(got, "+2") {
		t.Errorf("the difference is\n%s", got)
	}
}

// Whatever a package says, no script of it runs, and nothing of it is loaded from elsewhere.
func TestHostilePackagePages(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	evil := `<script>window.pwned=1</script><img src=x onerror="window.pwned=1"><svg onload="window.pwned=1"></svg><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>` +
		`<a href="javascript:window.pwned=1" id="main">x</a><img src="https://far.example/x.png"><style>@import url(https://far.example/x.css)</style></div></main><h1>Sign in again</h1><form action="https://far.example"><input name="password"></form>`
	quoted, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1.0.0", "1.1.0"} {
		manifest := strings.NewReplacer("EVIL", string(quoted), "VERSION", version).Replace(`{"name":"evil","version":"VERSION","description":EVIL,"license":EVIL,"homepage":"javascript:window.pwned=1","keywords":[EVIL],"dependencies":{EVIL:EVIL},"scripts":{"x":EVIL}}`)
		publishFiles(t, s, "evil", version, manifest, map[string]string{"README.md": evil + "\n\n[x](javascript:window.pwned=1) ![x](data:text/html,x)\n" + version, "a\"><b>.js": evil + version, "x.svg": `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>window.pwned=1;parent.pwned=1</script></svg>`})
	}
	b := newTab(t, s.url)
	for _, path := range []string{"", "/versions", "/1.1.0/dependencies", "/1.1.0/files", "/1.1.0/files/a%22%3E%3Cb%3E.js", "/1.1.0/files/x.svg", "/1.1.0/diff/1.0.0"} {
		b.holds(s.url + "/packages/evil" + path)
	}
	b.open(s.url+"/packages/evil", http.StatusOK)
	eval[string](b, `(() => { for (const a of document.querySelectorAll("main .readme a:not([href^=http])")) a.click(); return "" })()`)
	if eval[bool](b, "'pwned' in window") {
		t.Error("a link of the README runs a script")
	}
	// The picture by itself is a document of its own.
	b.expect("Content Security Policy", "sandboxed")
	b.do(chromedp.Navigate(s.url + "/-/web/raw/packages/evil/1.1.0/x.svg"))
	if eval[bool](b, "'pwned' in window") {
		t.Error("a script in a picture runs")
	}
}
