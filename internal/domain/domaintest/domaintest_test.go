package domaintest

import "testing"

func TestCovers(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"*", "a", true}, {"*", "zig:a", true}, {"*", "lumen:@a/b", true},
		{"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"@a/*", "@a/b", true}, {"@a/*", "@ab/c", false}, {"A", "a", false},
		{"a", "zig:a", false}, {"zig:a", "a", false}, {"zig:*", "a", false}, {"zig:*", "lumen:a", false}, {"zig:*", "zig:a", true},
		{"zig:my_lib", "zig:My-Lib", true}, {"zig:my-*", "zig:my_lib", true}, {"lumen:my_lib", "lumen:my-lib", false},
	}
	for _, tt := range tests {
		if got := (User{Name: "u", Grants: []string{tt.pattern}}).Granted(tt.name); got != tt.want {
			t.Errorf("%q covers %q = %t, want %t", tt.pattern, tt.name, got, tt.want)
		}
		if err := (User{Name: "u", Only: []string{tt.pattern}}).MayRelease(tt.name); (err == nil) != tt.want {
			t.Errorf("a token for %q may write %q: %v, want %t", tt.pattern, tt.name, err, tt.want)
		}
	}
	if (User{}).MayRelease("a") == nil || (User{}).Granted("a") {
		t.Error("anonymous may write")
	}
	if !(User{Name: "u", Admin: true}).Granted("zig:a") {
		t.Error("an admin may not write")
	}
}
