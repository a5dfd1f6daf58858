package semver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/org/registry-action/internal/format/npm/npmtest"
)

// versions are texts for Parse and Clean, good and bad.
func versions() []string {
	long := strings.Repeat("a", 250)
	return []string{
		"0.0.0", "0.0.1", "0.0.2", "0.1.0", "0.1.2", "0.2.0", "1.0.0", "1.2.2", "1.2.3", "1.2.4", "1.3.0", "1.9.9",
		"2.0.0", "2.3.4", "3.0.0", "10.0.0",
		"0.0.0-0", "0.0.0-a", "0.0.1-beta", "0.1.0-rc.1", "1.0.0-0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
		"1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.2.3-beta", "1.2.3-beta.2", "1.2.3-pre.10", "1.2.3--", "1.3.0-0", "2.0.0-0", "2.0.0-rc",
		"2.0.0-rc.1+build.5", "1.2.3+b", "1.2.3+001", "1.2.3-01a", "0.0.0-commit.g0123456789", "1.2.3-9007199254740993",
		"9007199254740991.0.0", "9007199254740992.0.0", "99999999999999999999.0.0",
		"", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-01", "1.2.3-", "1.2.3+", "1.2.3-a..b", "1.2.3-a_b", "a.b.c", "1.2.x", "-1.2.3",
		"1.2.3-é", "1.2.3 4", "1.2.3+a+b", "latest",
		"v1.2.3", "=1.2.3", "==1.2.3", " 1.2.3 ", "vv1.2.3", "=v1.2.3", "v=1.2.3", "= v1.2.3", "V1.2.3", "> 1.2.3", "v 1.2.3",
		"1.0.0-" + long, "1.0.0-" + long + "a",
	}
}

func ranges() []string {
	list := []string{
		"", " ", "*", "x", "X", "||", "1 ||", "|| 1", "*.*", "x.x.x", "1.x.x", "1.*", "1.2.*", "v1", "v1.2.3", "=1.2", "==1.2", "==1.2.3", "v=1.2", "v=1.2.3",
		"1.x.3", "x.1", "*.1.2", "1.2.x-beta", "^1.2.x-beta", "^1.x.3", "~1.x.3", "^x.1", "1.2-beta", "1-2", "1.2.3 - 2.0.0", "1.2 - 2", "1.2.3 - 2.3", "* - 2", "1 - *", "1.2.3-beta - 2.0.0-rc",
		"1.2.3 -2.0.0", "1.2.3- 2.0.0", ">1 - 2", "1.2.3  -  2.0.0", "v1.0.0 - v2", "=1.2.3 - 2",
		"> 1.2.3", ">=  1.2.3   <2", "^ 1.2.3", "~ 1.2", "~> 1.2", "~>1.2.3", ">=v1.2.3", "^v1", "^=1.2.3", ">", "<", "^", "~", ">=", "> > 1", "> =1.2.3", "<>1", ">1.2.3<2.0.0",
		">*", "<*", ">=*", "<=*", "=*", ">x", "1.2.3 *", "* 1.2.3", ">=0.0.0", ">=0", ">=0.0.0-0", ">=0.0.0 *", "<0.0.0-0", "<0", "<0 || 1",
		"1.2.3 || * ", "1.2.3-beta || *", ">=0 || 1.2.3-beta", "1.2.3-beta || >=0.0.0-0", "<0.0.0 || 1.2.3-beta",
		"1.2.3+build", "^1.2.3+b.1 <2+x", "+b", "1.2.3+", "foo", "1.2.3 foo", "latest", "1.2.3.4", "01.2.3", "^01", "1.2.3-01", "^1.2.3-", ">=1.0.0 <2 || 3 - 4 || ~10",
		"^9007199254740991", "^9007199254740990.0.0", "9007199254740991.x", "~99999999999999999999", "x.99999999999999999999", "<=9007199254740991.9007199254740991.9007199254740991",
		"workspace:*", "npm:a@1", "file:..", "https://example.com/a.tgz", "1.2.3 |2", "1.2.3 ||| 2", "&1", "!1", ">=1.2.3-beta <1.3", ">1.2.3-alpha", "<1.2.3-z >1.2.3-a", "<=1.2.3-beta.2",
		"^" + strings.Repeat("1", 300), "1.0.0-" + strings.Repeat("a", 250), "^1.0.0-" + strings.Repeat("a", 251),
	}
	for _, op := range []string{"", "^", "~", "<", "<=", ">", ">=", "="} {
		for _, v := range []string{"0", "0.0", "0.0.0", "0.0.1", "0.1", "0.1.2", "1", "1.2", "1.2.3", "2.x", "1.2.3-beta", "0.0.1-beta", "0.1.0-rc.1", "1.0.0-beta.2"} {
			list = append(list, op+v)
		}
	}
	return list
}

// TestNode compares every version and every pair with the node-semver that npm ships.
func TestNode(t *testing.T) {
	in := map[string][]string{"versions": versions(), "ranges": ranges()}
	var want struct {
		Valid, Clean []string
		Order        []string // per version: -, 0 or + against every other
		Ranges       []struct {
			Valid       bool
			Stable, Pre string // per version: 1 if it satisfies
		}
	}
	npmtest.Run(t, `
		const semver = npmRequire("semver");
		const good = input.versions.filter((v) => semver.valid(v));
		const bits = (range, o) => good.map((v) => semver.satisfies(v, range, o) ? "1" : "0").join("");
		return {
			valid: input.versions.map((v) => semver.valid(v) || ""),
			clean: input.versions.map((v) => semver.clean(v) || ""),
			order: good.map((v) => good.map((w) => "-0+"[semver.compare(v, w) + 1]).join("")),
			ranges: input.ranges.map((r) => ({
				valid: semver.validRange(r) !== null,
				stable: bits(r, {}),
				pre: bits(r, { includePrerelease: true }),
			})),
		};`, in, &want)

	var good []Version
	for i, s := range in["versions"] {
		if want.Valid[i] != "" {
			v, err := Clean(s)
			if err != nil {
				t.Fatalf("Clean(%q) = %v, want %s", s, err, want.Valid[i])
			}
			good = append(good, v)
		}
		checkVersion(t, s, want.Valid[i], want.Clean[i])
	}
	for i, v := range good {
		if d := cmp.Diff(want.Order[i], order(v, good)); d != "" {
			t.Errorf("Compare(%s, all) (-node +ours)\n%s", v, d)
		}
	}
	for i, s := range in["ranges"] {
		r, err := ParseRange(s)
		if (err == nil) != want.Ranges[i].Valid {
			t.Errorf("ParseRange(%q) = %v, node says valid: %v", s, err, want.Ranges[i].Valid)
			continue
		}
		compareBits(t, s, good, want.Ranges[i].Stable, r, false)
		compareBits(t, s, good, want.Ranges[i].Pre, r, true)
	}
	t.Logf("%d versions, %d ranges, %d pairs", len(good), len(in["ranges"]), 2*len(good)*len(in["ranges"]))
}

// checkVersion: Parse is semver.org's strictness, so it refuses the "v" and the
// spaces that node-semver's valid forgives.
func checkVersion(t *testing.T, s, valid, clean string) {
	t.Helper()
	v, err := Parse(s)
	v.Build = ""
	strict := valid != "" && !strings.HasPrefix(s, "v") && strings.TrimSpace(s) == s
	if (err == nil) != strict || strict && v.String() != valid {
		t.Errorf("Parse(%q) = %s, %v, node says %q", s, v, err, valid)
	}
	c, err := Clean(s)
	if (err == nil) != (clean != "") || clean != "" && c.String() != clean {
		t.Errorf("Clean(%q) = %s, %v, node says %q", s, c, err, clean)
	}
}

func order(v Version, all []Version) string {
	var b strings.Builder
	for _, w := range all {
		b.WriteByte("-0+"[Compare(v, w)+1])
	}
	return b.String()
}

func compareBits(t *testing.T, text string, vs []Version, want string, r Range, pre bool) {
	t.Helper()
	for i, v := range vs {
		if got := fmt.Sprint(r.Contains(v, pre)); got != map[byte]string{'0': "false", '1': "true"}[want[i]] {
			t.Errorf("ParseRange(%q).Contains(%s, %v) = %s, node says otherwise", text, v, pre, got)
		}
	}
}
