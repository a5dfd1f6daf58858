package semver

import (
	"errors"
	"testing"
)

func TestStringKeepsTheText(t *testing.T) {
	for _, s := range []string{"1.2.3", "0.0.0-commit.g0123456789", "1.0.0-rc.1+build.5", "1.0.0+001"} {
		v, err := Parse(s)
		if err != nil || v.String() != s {
			t.Errorf("Parse(%q) = %q, %v", s, v, err)
		}
	}
}

func TestSyntaxErrorNamesTheText(t *testing.T) {
	_, err := ParseRange("not a range")
	if _, ok := errors.AsType[*SyntaxError](err); !ok || err.Error() != `"not a range" is not a semantic range` {
		t.Errorf("ParseRange = %v", err)
	}
	if _, err = Parse("v1.0.0"); err == nil || err.Error() != `"v1.0.0" is not a semantic version` {
		t.Errorf("Parse = %v", err)
	}
}

func TestZeroRangeIsEmpty(t *testing.T) {
	if (Range{}).Contains(Version{Major: 1}, true) {
		t.Error("the zero Range contains 1.0.0")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.2.3", "1.0.0-rc.1+b", " =v1.2.3", "99999999999999999999.0.0", "1.2.3-01", "1.2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse(s)
		if err != nil {
			return
		}
		if v.String() != s {
			t.Errorf("Parse(%q).String() = %q", s, v)
		}
		if c, err := Clean(s); err != nil || Compare(c, v) != 0 {
			t.Errorf("Clean(%q) = %v, %v", s, c, err)
		}
	})
}

func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"", "^1.2.3", "~0.1", "1 - 2.x", ">= 1.2 <3 || *", "=v1.x", "1.x.3", "+b", "<0.0.0-0"} {
		f.Add(s)
	}
	one := Version{Major: 1}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRange(s)
		if err != nil {
			return
		}
		if r.Contains(one, false) && !r.Contains(one, true) {
			t.Errorf("%q holds 1.0.0 only without prereleases", s)
		}
	})
}
