package webui

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/format/npm"
)

// drawn is the picture of a chart.
func drawn(label string, total int) string {
	return fmt.Sprintf(`<svg class="chart" viewBox="0 0 300 60" role="img" aria-label="%s in the last 30 days: %d"`, label, total)
}

// charts fails the test unless a page has these pictures, each with a bar, and no others.
func (p *previews) charts(path string, want ...string) {
	p.t.Helper()
	body := p.shows(path, http.StatusOK, want...)
	if pictures, bars := strings.Count(body, `<svg class="chart"`), strings.Count(body, `<rect `); pictures != len(want) || bars != len(want) {
		p.t.Errorf("%s has %d charts with %d bars of one day, want %d: %s", path, pictures, bars, len(want), body)
	}
}

// The page of a package shows what was downloaded of it, and of the version that it shows.
func TestChartsOfPackages(t *testing.T) {
	s := newShelf(t, false)
	s.acme()
	s.charts("/packages/@acme/core")
	s.counted(stats.NPM, "@acme/core", "1.1.0", 3)
	s.counted(stats.NPM, "@acme/core", "1.0.0", 1)
	s.charts("/packages/@acme/core", drawn("Downloads of all versions", 4), drawn("Downloads of 1.1.0", 3))
	s.charts("/packages/@acme/core/1.0.0", drawn("Downloads of all versions", 4), drawn("Downloads of 1.0.0", 1))

	p := newPreviews(t, false)
	p.zigPackage("my_lib", "1.0.0", "", "")
	p.zigPackage("my_lib", "1.1.0-rc.1+b", "", "")
	p.charts("/zig/packages/my_lib")
	p.counted(stats.Zig, "my_lib", "1.1.0-rc.1+b", 2)
	p.charts("/zig/packages/my_lib/1.1.0-rc.1+b", drawn("Downloads of all versions", 2), drawn("Downloads of 1.1.0-rc.1&#43;b", 2))
	p.charts("/zig/packages/my_lib", drawn("Downloads of all versions", 2))

	p.lumenPackage("[package]\nname = \"@acme/http\"\nversion = \"1.0.0\"\n", "")
	p.charts("/lumen/packages/@acme/http")
	p.counted(stats.Lumen, "@acme/http", "1.0.0", 5)
	p.charts("/lumen/packages/@acme/http", drawn("Downloads of all versions", 5), drawn("Downloads of 1.0.0", 5))

	p.world()
	sha := commitNo(2)
	p.charts("/commits/" + sha + "/@acme/a")
	p.counted(stats.Commit, "@acme/a", npm.PreviewVersion(sha), 6)
	p.counted(stats.Commit, "@acme/a", npm.PreviewVersion(commitNo(1)), 1)
	p.charts("/commits/"+sha+"/@acme/a", drawn("Downloads of @acme/a", 6))
}
