package report_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/report"
)

var update = flag.Bool("update", false, "write the golden files")

const sha = "a832a551de9c0ffee00112233445566778899aab"

// base is a report without packages.
func base() report.Report {
	return report.Report{
		Repository: "acme/ws", SHA: sha, ServerURL: "https://github.com", RegistryURL: "https://pkg.acme.test",
		JobURL: "https://github.com/acme/ws/actions/runs/1/attempts/2", PR: 7, Tag: "pr-7",
		ExpiresAt: time.Date(2027, 2, 19, 23, 30, 0, 0, time.FixedZone("", -5*3600)),
	}
}

func pkg(name string, size int64) report.Package {
	return report.Package{
		Name: name, Version: "0.0.0-commit.ga832a551de", Size: size,
		URL:        "https://pkg.acme.test/commits/" + sha + "/" + name + "/tarball",
		InstallURL: "https://pkg.acme.test/acme/ws/" + name + "@" + sha,
	}
}

func zigPackage(name, version string, compilers ...string) report.Package {
	p := pkg("zig:"+name, 2_345)
	p.Version = version
	p.Zig = &report.Zig{Name: name, Hash: name + "-" + version + "-eFY0EmoAAAB6m45I-_3v_f-Q9WFeN_IP_XaRyMD-MHnA",
		Legacy: "12207a9b8e48fbfdeffdff90f5615e37f20ffd7691c8c0fe3079c0ea2436045c2715", Compilers: compilers}
	return p
}

func lumenPackage(name, version string) report.Package {
	p := pkg("lumen:"+name, 10_240)
	p.Version = version
	p.Lumen = &report.Lumen{Name: name, Hash: "sha256:" + strings.Repeat("a1", 32), ContentHash: "sha256:" + strings.Repeat("c0", 32)}
	return p
}

func reports() map[string]report.Report {
	one := base()
	one.Packages = []report.Package{pkg("left-pad", 999)}

	siblings := base()
	siblings.Managers = []string{"npm", "pnpm", "yarn", "bun"}
	siblings.Repository = "group/sub/proj"
	own := pkg("own-version", 5)
	own.Version = "1.2.3"
	tool := pkg("@acme/cli", 12_345_678)
	tool.Needs, tool.Bins = []string{"@acme/core"}, []string{"acme"}
	siblings.Packages = []report.Package{pkg("@acme/core", 41_234), tool, own}

	exact := base()
	exact.RegistryURL, exact.Tag, exact.PR = "http://localhost:3000/", "", 0
	exact.Managers = []string{"yarn", "bun"}
	exact.Packages = []report.Package{pkg("acme-cli", 1), pkg("@acme/core", 1), pkg("@other/x", 1)}

	linked := base()
	linked.Managers = []string{"npm", "pnpm", "yarn", "bun", "pnpm", "cargo"}
	linked.MergeSHA = "9c1f000000000000000000000000000000000000"
	core, cli, old := pkg("@acme/core", 41_234), pkg("@acme/cli", 12_345_678), pkg("@acme/old", 1_000)
	cli.Linked, cli.Bins = true, []string{"acme", "acme-dev"}
	old.Unchanged = true
	linked.Packages = []report.Package{old, core, cli}

	many := base()
	many.Managers = []string{"pnpm", "yarn"}
	many.RegistryURL = "http://127.0.0.1:3000"
	many.JobURL, many.ExpiresAt = "", time.Time{}
	for i := range 6 {
		p := pkg(fmt.Sprintf("p%d", i), int64(i)*1_000_000)
		p.Unchanged = i%2 == 1
		many.Packages = append(many.Packages, p)
	}

	hostile := base()
	hostile.Managers = []string{"npm", "yarn", "bun"}
	hostile.Packages = []report.Package{
		{Name: "@octocat", Version: "1.0.0", URL: "javascript:alert(1)"},
		{Name: "a`|<!-- x -->\n# @octocat", Version: "<img src=x onerror=alert(1)>", URL: "https://h.test/a) [x](http://evil.test/@octocat <b>"},
		{Name: "$(rm -rf ~)'; echo \x1b[31m", Version: "", InstallURL: "https://h.test/```\n</details>", Bins: []string{"a b", "```"}},
		{Name: "", Version: "\u202etxt.exe", Unchanged: true},
	}

	native := base()
	native.Packages = []report.Package{zigPackage("clap", "0.11.0", "0.14", "0.15", "0.16", "0.17"), zigPackage("old-lib", "1.0.0-rc.1", "0.11", "0.12", "0.13", "0.14", "0.15"),
		zigPackage("both", "2.0.0", "0.12", "0.14", "0.15", "0.16", "0.17")}

	dev := base()
	dev.Managers, dev.Dev = []string{"npm", "pnpm", "yarn", "bun"}, true
	dev.Packages = []report.Package{pkg("left-pad", 999)}

	mixed := base()
	mixed.Packages = []report.Package{pkg("left-pad", 999), zigPackage("clap", "0.11.0", "0.17")}

	monorepo := base()
	for i := range 6 {
		monorepo.Packages = append(monorepo.Packages, zigPackage(fmt.Sprintf("lib%d", i), "0.1.0", "0.16", "0.17"))
	}

	hostileZig := base()
	evil := zigPackage("x; rm -rf ~", "1")
	evil.Zig.Hash, evil.Zig.Legacy, evil.Zig.Compilers = "```\n@octocat </details>", "`|<b>\x1b[31m", []string{"0.17", "<b>@octocat"}
	evil.Zig.Name, evil.URL = "`\"},\n.evil = .{ @octocat", "https://h.test/```\n</details>"
	hostileZig.Packages = []report.Package{evil}

	lumen := base()
	lumen.Packages = []report.Package{pkg("left-pad", 999), zigPackage("clap", "0.11.0", "0.17"), lumenPackage("@acme/utils", "1.0.0"), lumenPackage("@other/utils", "0.2.0-rc.1+5"), lumenPackage("old", "0.1.0")}

	manyLumen := base()
	for i := range 6 {
		manyLumen.Packages = append(manyLumen.Packages, lumenPackage(fmt.Sprintf("@acme/lib%d", i), "0.1.0"))
	}

	hostileLumen := base()
	for _, name := range []string{"@x/..", "`\"] }\n[evil] @octocat", "$(rm -rf ~)/-rf", "", "@acme/.git", "@acme/ü '"} {
		p := lumenPackage(name, "</details>")
		p.URL, p.Lumen.ContentHash, p.Lumen.Hash = "https://h.test/'; rm -rf ~ ```\n</details>", "```\n@octocat", "`|<b>\x1b[31m"
		hostileLumen.Packages = append(hostileLumen.Packages, p)
	}

	none := base()
	all := map[string]report.Report{"one": one, "linked": linked, "many": many, "hostile": hostile, "none": none, "siblings": siblings, "exact": exact,
		"dev": dev, "zig": native, "mixed": mixed, "zig-many": monorepo, "zig-hostile": hostileZig,
		"lumen": lumen, "lumen-many": manyLumen, "lumen-hostile": hostileLumen}
	maps.Copy(all, changeReports())
	return all
}

func TestGolden(t *testing.T) {
	for name, r := range reports() {
		var text bytes.Buffer
		if err := report.Text(r, &text); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".md", report.Comment(r))
		golden(t, name+".txt", text.String())
		if got := report.Summary(r); got != report.Comment(r) {
			t.Errorf("%s: the summary differs from the comment, with room for both", name)
		}
	}
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestShortening(t *testing.T) {
	sized := func(n, nameLength int) report.Report {
		r := base()
		r.Managers = []string{"npm", "pnpm", "yarn", "bun"}
		for i := range n {
			p := pkg(fmt.Sprintf("@acme/%0*d", nameLength, i), 1234)
			p.Unchanged = i%2 == 1
			p.Bins = []string{"tool"}
			r.Packages = append(r.Packages, p)
		}
		return r
	}
	const (
		urls      = "<summary>Install by URL</summary>"
		config    = "<summary>Keep them in a project</summary>"
		single    = "<summary>Install one package</summary>"
		runs      = "without installing</summary>"
		all       = "<summary>Install all with bun</summary>"
		sizes     = "| packed size |"
		unchanged = " unchanged packages</summary>"
		more      = "There is more than fits here: see [all packages of this commit](https://pkg.acme.test/commits/" + sha + ")."
		rest      = "… and "
	)
	for _, tt := range []struct {
		n, nameLength int
		want          []string
	}{
		{10, 8, []string{urls, config, single, runs, all, sizes, unchanged}},
		{25, 8, []string{config, single, runs, all, sizes, unchanged, more}},
		{200, 8, []string{config, all, sizes, unchanged, more}},
		{250, 8, []string{sizes, unchanged, more}},
		{380, 8, []string{unchanged, more}},
		{600, 8, []string{more}},
		{1500, 8, []string{more, rest}},
		{200, 900, []string{more, rest}},
	} {
		got := report.Comment(sized(tt.n, tt.nameLength))
		for _, part := range []string{urls, config, single, runs, all, sizes, unchanged, more, rest} {
			want := false
			for _, w := range tt.want {
				want = want || w == part
			}
			if strings.Contains(got, part) != want {
				t.Errorf("%d packages: the comment of %d bytes has %q: %v, want %v", tt.n, len(got), part, !want, want)
			}
		}
		if !strings.Contains(got, fmt.Sprintf("%d packages", tt.n)) || !strings.Contains(got, "expires 2027-02-20 (UTC)") {
			t.Errorf("%d packages: the comment lost its head or its foot:\n%.300s", tt.n, got)
		}
	}
	if got := len(report.Summary(sized(1500, 8))); got > 900_000 {
		t.Errorf("a summary has %d bytes, want at most 900,000", got)
	}
	// What fits is used: the next row would not have fitted.
	if got := len(report.Comment(sized(1500, 8))); got < report.MaxComment-1000 {
		t.Errorf("a shortened comment has %d bytes, want nearly %d", got, report.MaxComment)
	}
}

// A repository without a remote has no name.
func TestTextWithoutRepository(t *testing.T) {
	var b strings.Builder
	if err := report.Text(report.Report{SHA: "abcdef0123", Packages: []report.Package{{Name: "a", URL: "https://r.example/a"}}}, &b); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "1 package at abcdef0\n") {
		t.Errorf("the text is %q", b.String())
	}
}

// Exact preview versions come from no registry: npm gets everything that is
// needed on one line, the others are told what would work.
func TestNeeds(t *testing.T) {
	r := report.Report{RegistryURL: "https://r.example", Managers: []string{"npm", "pnpm"}, Packages: []report.Package{
		{Name: "cli", URL: "https://r.example/cli", Needs: []string{"mid"}, Bins: []string{"acme"}},
		{Name: "mid", URL: "https://r.example/mid", Needs: []string{"core"}},
		{Name: "core", URL: "https://r.example/core"},
	}}
	got := report.Comment(r)
	for _, want := range []string{
		"npm i --allow-remote=root https://r.example/mid https://r.example/core\n",
		"npx -y --allow-remote=root -p https://r.example/cli -p https://r.example/mid -p https://r.example/core acme\n",
		"pnpm add https://r.example/core\n", "2 packages here refer to others of this commit by version", "`siblings: url`",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the comment lacks %q:\n%s", want, got)
		}
	}
	for _, not := range []string{"pnpm add https://r.example/mid", "pnpm dlx"} {
		if strings.Contains(got, not) {
			t.Errorf("the comment offers %q, which can't work", not)
		}
	}
}

func TestCompilers(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "0.14": "0.14", "0.11 0.12 0.13 0.14 0.15 0.16 0.17": "0.11 to 0.17", "0.12 0.14 0.15": "0.12, 0.14 to 0.15", "0.17 <b> 0.11": "0.11, 0.17",
	} {
		if got := report.Compilers(strings.Fields(in)); got != want {
			t.Errorf("Compilers(%s) = %q, want %q", in, got, want)
		}
	}
}
