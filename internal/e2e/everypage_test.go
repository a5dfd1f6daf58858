package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"github.com/org/registry-action/internal/clients"
)

// maxPage bounds what a page is, with its style and scripts and without pictures.
const maxPage = 100_000

// everyPage fails the test unless the page answers 200 and has what every page must have: see tab.holds.
func everyPage(t *testing.T, address string) {
	t.Helper()
	newTab(t, address).holds(address)
}

// look is how a page is looked at.
type look struct {
	name, scheme string
	width        int64
	check        bool // for what people with disabilities meet; it takes a second
}

func looks() []look {
	return []look{
		{"wide-light", "light", 1200, true},
		{"narrow-light", "light", 360, true},
		{"wide-dark", "dark", 1200, true},
		{"narrow-dark", "dark", 360, false},
	}
}

// holds opens a page in all looks. In each it is no wider than its window, axe-core finds nothing serious, nothing
// of it comes from elsewhere, and the console has no error; it is small, and no script of its content has run.
func (b *tab) holds(address string) {
	b.t.Helper()
	b.holdsWith(address, 200)
}

// holdsWith is holds for a page of another status.
func (b *tab) holdsWith(address string, status int64) {
	b.t.Helper()
	for _, l := range looks() {
		call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.width, Height: 800, DeviceScaleFactor: 1})
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		b.open(address, status)
		b.mu.Lock()
		if b.bytes > maxPage || b.bytes == 0 {
			b.t.Errorf("%s has %.0f bytes, want 1 to %d", address, b.bytes, maxPage)
		}
		b.mu.Unlock()
		b.fits(l)
		if eval[bool](b, "'pwned' in window || document.title === 'pwned'") {
			b.t.Errorf("%s: a script of its content has run", address)
		}
		if headings := eval[int](b, "document.querySelectorAll('h1').length"); headings != 1 {
			b.t.Errorf("%s has %d first headings", address, headings)
		}
		if l.check {
			b.axe(l)
		}
		b.shoot(strings.TrimPrefix(address, b.origin) + "-" + l.name)
	}
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1200, Height: 800, DeviceScaleFactor: 1})
}

// fits fails the test if the page is wider than its window, and names what makes it so.
func (b *tab) fits(l look) {
	b.t.Helper()
	const script = `(() => {
		const width = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= width) return "";
		return document.documentElement.scrollWidth + " pixels of " + width + ": " + [...document.querySelectorAll("main *, header *, footer *")]
			.filter(e => e.getBoundingClientRect().right > width + 1 && !e.parentElement.closest(".scroll, pre, .readme table"))
			.slice(0, 5).map(e => e.outerHTML.slice(0, 100)).join(" | ");
	})()`
	if wide := eval[string](b, script); wide != "" {
		b.t.Errorf("%s is too wide (%s): %s", b.at(), l.name, wide)
	}
}

// axe fails the test for each serious thing that axe-core finds.
func (b *tab) axe(l look) {
	b.t.Helper()
	source, err := os.ReadFile(client(b.t, clients.AxeCore).Path)
	if err != nil {
		b.t.Fatal(err)
	}
	const run = `axe.run(document, {resultTypes: ["violations"]}).then(result => result.violations
		.filter(v => v.impact === "serious" || v.impact === "critical")
		.map(v => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " " + n.failureSummary).join(" | ")))`
	for _, finding := range eval[[]string](b, fmt.Sprintf("(() => {%s\n;return %s})()", source, run)) {
		b.t.Errorf("%s (%s): %s", b.at(), l.name, finding)
	}
}
