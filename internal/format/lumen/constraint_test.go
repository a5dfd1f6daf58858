package lumen

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func TestMatch(t *testing.T) {
	for _, test := range []struct{ constraint, yes, no string }{
		{"1.2.3", "1.2.3", "1.2.4 1.2.3-a 1.2.3+b"},
		{"=1.2.3", "1.2.3", "1.2.2"},
		{"= 1.2.3-a", "1.2.3-a", "1.2.3"},
		{"^1.2.3", "1.2.3 1.2.4 1.9.0 1.2.3+b", "1.2.2 2.0.0 0.9.0 1.3.0-a 2.0.0-a"},
		{"^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0 1.2.3 0.2.4-a"},
		{"^0.0.3", "0.0.3", "0.0.2 0.0.4 0.1.0"},
		{"^0.0.0", "0.0.0", "0.0.1"},
		{"^1.0.0-a.1", "1.0.0-a.1 1.0.0-b 1.0.0 1.5.0-z 1.2.0", "1.0.0-a.0 2.0.0"},
		{"~1.2.3", "1.2.3 1.2.99", "1.2.2 1.3.0 1.2.4-a"},
		{"~1.2.3-b", "1.2.3 1.2.3-a 1.2.4-a", "1.2.2 1.3.0"},
		{">1.2.3", "1.2.4 2.0.0 1.2.4-a 9.9.9-x", "1.2.3 1.2.3-a 1.2.3+b"},
		{">=1.2.3", "1.2.3 1.2.3+b 2.0.0-a", "1.2.3-a 1.2.2"},
		{"<1.2.3", "1.2.2 1.2.3-a 0.0.1", "1.2.3 1.2.3+b"},
		{"<=1.2.3", "1.2.3 1.2.3-a", "1.2.4"},
		{"!=1.2.3", "1.2.4 1.2.2", "1.2.3"},
		{"*", "0.0.0 1.2.3 1.2.3-a", "latest 1.2"},
		{"x", "1.2.3-a", ""},
		{"X", "1.2.3", ""},
		{"1.*", "1.0.0 1.9.9", "2.0.0 0.1.0 1.0.0-a"},
		{"1.x", "1.0.0", "2.0.0"},
		{"1.2.x", "1.2.0 1.2.9", "1.3.0 1.2.0-a"},
		{"1.2.X", "1.2.0", "2.2.0"},
		{">=1.0.0 <2.0.0", "1.0.0 1.9.9", "2.0.0 0.9.9 1.5.0-a 2.0.0-a"},
		{"<2.0.0 >=1.0.0", "1.0.0", "1.5.0-a"},
		{">=1.0.0<2.0.0", "1.0.0 1.9.9", "2.0.0"},
		{">=1.0.0-a <2.0.0", "1.0.0-b 1.5.0-z 1.0.0 2.0.0-a", "2.0.0"},
		{">= 1.0.0  < 2.0.0 !=1.5.0", "1.4.0 1.4.0-a", "1.5.0 2.0.0"},
		{"^1.0.0 ^1.2.0", "1.2.0", "1.1.0"},
		{"^1.2.3 || ^2.0.0", "1.2.3 2.5.0", "1.0.0 3.0.0"},
		{"1.0.0||2.0.0", "1.0.0 2.0.0", "1.5.0"},
		{"* ^1.0.0", "1.5.0", "2.0.0"},
		{" ^1.0.0 ", "1.5.0", "2.0.0"},
	} {
		c, err := ParseConstraint(test.constraint)
		if err != nil {
			t.Errorf("ParseConstraint(%q) = %v", test.constraint, err)
			continue
		}
		for v := range strings.FieldsSeq(test.yes) {
			if !c.Match(v) {
				t.Errorf("%q does not match %s, want a match", test.constraint, v)
			}
		}
		for v := range strings.FieldsSeq(test.no) {
			if c.Match(v) {
				t.Errorf("%q matches %s, want none", test.constraint, v)
			}
		}
	}
	if (Constraint{}).Match("1.0.0") {
		t.Error("the zero Constraint matches")
	}
}

func TestConstraintRefused(t *testing.T) {
	for text, hint := range map[string]string{
		"":                  `"*"`,
		" ":                 `"*"`,
		"^0.2":              `"^0.2.0"`,
		"1":                 `"1.0.0"`,
		">=1.0, <2.0":       "not a comma",
		">=0.1.0, <1.0.0":   "not a comma",
		"latest":            "no version",
		"^1.0.0 ||":         `"*"`,
		"|| ^1.0.0":         `"*"`,
		"1.0.0 2.0.0":       `"1.0.0 || 2.0.0"`,
		">=1.0.0 *":         "begins with an operator",
		"1.2.3 - 2.0.0":     "begins with an operator",
		"==1.2.3":           "no operator",
		"~>1.2.3":           "no operator",
		"^":                 "no version",
		"^1.x":              "no version",
		"1.x.x":             "no version",
		"v1.2.3":            "no version",
		"01.2.3":            "no version",
		"workspace:*":       "no version",
		"git+https://x.y/z": "no version",
		"^1.0.0\t<2.0.0":    "no version",
		"1.2.3-01":          "no version",
		strings.Repeat("1.0.0 || ", 40) + "1.0.0": "bytes",
	} {
		_, err := ParseConstraint(text)
		wantFault(t, err, fault.Invalid, "bad_constraint")
		if err != nil && !strings.Contains(err.Error(), hint) {
			t.Errorf("ParseConstraint(%q) = %v, want a hint with %s", text, err, hint)
		}
	}
}
