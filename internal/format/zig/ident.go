package zig

// keywords of the language, by the last minor version that has them: 0.15 gave up three.
var keywords = map[string]int{
	"async": 14, "await": 14, "usingnamespace": 14,

	"addrspace": latest, "align": latest, "allowzero": latest, "and": latest, "anyframe": latest, "anytype": latest, "asm": latest,
	"break": latest, "callconv": latest, "catch": latest, "comptime": latest, "const": latest, "continue": latest, "defer": latest,
	"else": latest, "enum": latest, "errdefer": latest, "error": latest, "export": latest, "extern": latest, "fn": latest, "for": latest,
	"if": latest, "inline": latest, "linksection": latest, "noalias": latest, "noinline": latest, "nosuspend": latest, "opaque": latest,
	"or": latest, "orelse": latest, "packed": latest, "pub": latest, "resume": latest, "return": latest, "struct": latest,
	"suspend": latest, "switch": latest, "test": latest, "threadlocal": latest, "try": latest, "union": latest,
	"unreachable": latest, "var": latest, "volatile": latest, "while": latest,
}

// The minor versions that keywords tells apart.
const (
	oldest = 11
	latest = 17
)

// isKeyword reports whether s is a keyword of Zig 0.minor.
func isKeyword(s string, minor int) bool { return keywords[s] >= minor }

// isBare reports whether Zig 0.minor reads s as an identifier without quotes: letters, digits and '_', no digit first, no
// keyword.
func isBare(s string, minor int) bool {
	if s == "" || isDigit(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isWordByte(s[i]) {
			return false
		}
	}
	return !isKeyword(s, minor)
}

func isLetter(c byte) bool   { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isWordByte(c byte) bool { return isLetter(c) || isDigit(c) }
