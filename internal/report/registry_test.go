package report_test

import (
	"testing"

	"github.com/org/registry-action/internal/report"
)

func TestPreviewRegistry(t *testing.T) {
	for _, tt := range []struct{ registry, repository, want string }{
		{"https://pkg.acme.test", "acme/ws", "https://pkg.acme.test/~/acme/ws"},
		{"https://pkg.acme.test/", "Acme/WS.js", "https://pkg.acme.test/~/Acme/WS.js"},
		{"https://acme.test/pkg", "group/sub/deep/proj", "https://acme.test/pkg/~/group%2Fsub%2Fdeep/proj"},
		{"https://pkg.acme.test", "a b/c#d", "https://pkg.acme.test/~/a%20b/c%23d"},
		{"https://pkg.acme.test", "", ""},
		{"https://pkg.acme.test", "ws", ""},
		{"https://pkg.acme.test", "acme/", ""},
		{"https://pkg.acme.test", "/ws", ""},
		{"", "acme/ws", ""},
	} {
		r := report.Report{RegistryURL: tt.registry, Repository: tt.repository}
		if got := r.PreviewRegistry(); got != tt.want {
			t.Errorf("the preview registry of %q at %q = %q, want %q", tt.repository, tt.registry, got, tt.want)
		}
	}
	r := report.Report{RegistryURL: "https://pkg.acme.test", Repository: "acme/ws"}
	for previews, want := range map[string]string{
		"https://pkg.acme.test/~/acme/ws/-/pr/7/": "https://pkg.acme.test/~/acme/ws/-/pr/7", // of a fork
		"javascript:alert(1)":                     "https://pkg.acme.test/~/acme/ws",
		"/~/acme/ws/":                             "https://pkg.acme.test/~/acme/ws",
	} {
		if r.Previews = previews; r.PreviewRegistry() != want {
			t.Errorf("where the server says %q, the preview registry is %q, want %q", previews, r.PreviewRegistry(), want)
		}
	}
}

func TestSpec(t *testing.T) {
	const version = "0.0.0-commit.ga832a551de"
	for name, tt := range map[string]struct {
		change func(*report.Report, *report.Package)
		want   string
	}{
		"a pull request":                  {func(*report.Report, *report.Package) {}, "@acme/a@pr-7"},
		"no ref":                          {func(r *report.Report, _ *report.Package) { r.Tag = "" }, "@acme/a@" + version},
		"no repository":                   {func(r *report.Report, _ *report.Package) { r.Repository = "" }, ""},
		"its own version":                 {func(_ *report.Report, p *report.Package) { p.Version = "1.0.0" }, ""},
		"the preview of another commit":   {func(r *report.Report, _ *report.Package) { r.SHA = "b" + sha[1:] }, ""},
		"siblings by URL":                 {func(_ *report.Report, p *report.Package) { p.Linked = true }, ""},
		"a name that is none":             {func(_ *report.Report, p *report.Package) { p.Name = "@a:registry=https://evil.test/b" }, ""},
		"a name with a line of an .npmrc": {func(_ *report.Report, p *report.Package) { p.Name = "@a/b\nregistry=https://evil.test/" }, ""},
	} {
		r, p := base(), report.Package{Name: "@acme/a", Version: version}
		tt.change(&r, &p)
		if got := r.Spec(p); got != tt.want {
			t.Errorf("%s: Spec = %q, want %q", name, got, tt.want)
		}
	}
}
