package npm

import (
	"errors"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm/npmtest"
	"github.com/org/registry-action/internal/format/semver"
)

func names() []string {
	return []string{
		"a", "some-package", "example.com", "under_score", "123numeric", "@npm/thingy", "@acme/a.b", "@a-b/c_d", "@s/_x", "@s/-x", "a--b", "a.",
		"", ".start", "_start", "-start", "@s/.x", " lead", "trail ", "in side", "a/b", "@a", "@a/", "@/b", "@a/b/c", "a@b", "@@a/b",
		"node_modules", "NODE_modules", "favicon.ico", "excited!", "tilde~1", "quo'te", "par(en)", "st*r", "s:c", "a%2fb", "é", "@é/b", "a\x00b", "a\\b", "@s/a!",
		"..", "a/../b", "@s/..", "@../b", strings.Repeat("a", 214), strings.Repeat("a", 215), "@s/" + strings.Repeat("a", 212),
		"Upper", "@Scope/Name", "http", "events", "constructor", "prototype", "__proto__", "@.s/x",
	}
}

// TestValidNameNPM compares with npm's own rules; ours differ where ValidName says.
func TestValidNameNPM(t *testing.T) {
	differs := map[string]bool{ // name: what we say
		"Upper": true, "@Scope/Name": true, "http": true, "events": true,
		"constructor": false, "prototype": false, "@.s/x": false, "@../b": false,
	}
	var want []bool
	npmtest.Run(t, `
		const validate = npmRequire("validate-npm-package-name");
		return input.map((n) => validate(n).validForNewPackages);`, names(), &want)
	for i, name := range names() {
		ours, ok := differs[name]
		if ok && ours == want[i] {
			t.Errorf("%q is listed as a difference, but npm says the same", name)
		} else if !ok {
			ours = want[i]
		}
		err := ValidName(name)
		if (err == nil) != ours {
			t.Errorf("ValidName(%.40q) = %v, want valid: %v", name, err, ours)
		}
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("ValidName(%q): %v is not fault.Invalid", name, err)
		}
	}
}

func TestValidNameSaysTheRule(t *testing.T) {
	for name, want := range map[string]string{
		"a b":          `package name "a b" is not valid: ' ' is not allowed; use letters, digits, "-", "_" and "."`,
		"@acme":        `package name "@acme" is not valid: a scoped name is written @scope/name`,
		"node_modules": `package name "node_modules" is not valid: this name is reserved`,
	} {
		if err := ValidName(name); err == nil || err.Error() != want {
			t.Errorf("ValidName(%q) = %v, want %s", name, err, want)
		}
	}
}

func TestSplitName(t *testing.T) {
	for name, want := range map[string][2]string{
		"a": {"", "a"}, "@s/a": {"@s", "a"}, "@s": {"", "@s"}, "@s/": {"", "@s/"}, "@/a": {"", "@/a"}, "a/b": {"", "a/b"},
	} {
		if s, b := SplitName(name); [2]string{s, b} != want {
			t.Errorf("SplitName(%q) = %q, %q, want %q", name, s, b, want)
		}
	}
}

func TestTarballName(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"a", "1.0.0"}:           "a-1.0.0.tgz",
		{"@acme/a", "1.0.0"}:     "acme-a-1.0.0.tgz",
		{"@acme/a", "1.0.0+b"}:   "acme-a-1.0.0+b.tgz",
		{"a-b", "0.0.0-rc.1"}:    "a-b-0.0.0-rc.1.tgz",
		{"@a/../x", "/../1.0.0"}: "a-..-x--..-1.0.0.tgz",
	} {
		if got := TarballName(in[0], in[1]); got != want {
			t.Errorf("TarballName(%q, %q) = %s, want %s", in[0], in[1], got, want)
		}
	}
}

func TestPreviewVersion(t *testing.T) {
	for sha, want := range map[string]string{
		"99BB961F0CFFEE00000000000000000000000000": "0.0.0-commit.g99bb961f0c",
		"0123456789012345678901234567890123456789": "0.0.0-commit.g0123456789",
		"99bb961": "0.0.0-commit.g99bb961",
	} {
		got := PreviewVersion(sha)
		if got != want {
			t.Errorf("PreviewVersion(%s) = %s, want %s", sha, got, want)
		}
		if _, err := semver.Parse(got); err != nil {
			t.Error(err)
		}
	}
}

func FuzzValidName(f *testing.F) {
	for _, n := range names() {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if ValidName(name) != nil {
			return
		}
		scope, base := SplitName(name)
		if strings.ContainsAny(base, `/\%?# `) || strings.Contains(name, "..") && strings.HasPrefix(base, ".") || scope != "" && scope+"/"+base != name {
			t.Errorf("ValidName allows %q", name)
		}
	})
}

func TestPreviewCommit(t *testing.T) {
	for version, want := range map[string]string{
		PreviewVersion("A832A551DE36a7c5f8ff20b7de5a37e6d2e0dd1b"): "a832a551de", "0.0.0-commit.g": "", "1.0.0": "", "": "",
	} {
		if got := PreviewCommit(version); got != want {
			t.Errorf("PreviewCommit(%q) = %q, want %q", version, got, want)
		}
	}
}
