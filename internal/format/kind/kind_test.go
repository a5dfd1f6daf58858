package kind

import "testing"

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		name  string
		kind  Kind
		plain string
	}{
		{"core", NPM, "core"}, {"@acme/core", NPM, "@acme/core"}, {"zig", NPM, "zig"}, {"", NPM, ""}, {"npm:core", NPM, "npm:core"},
		{"zig:my_lib", Zig, "my_lib"}, {"zig:*", Zig, "*"}, {"lumen:@acme/utils", Lumen, "@acme/utils"}, {"ZIG:x", NPM, "ZIG:x"},
	} {
		k, plain := Of(tt.name)
		if k != tt.kind || plain != tt.plain {
			t.Errorf("Of(%q) = %s, %q, want %s, %q", tt.name, k, plain, tt.kind, tt.plain)
		}
		if got := k.Name(plain); got != tt.name {
			t.Errorf("%s.Name(%q) = %q, want %q", k, plain, got, tt.name)
		}
	}
}
