package zig

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

// show writes a value without its layout.
func (r *zonReader) show(b *strings.Builder, n zonNode) {
	switch n.kind {
	case zonEmpty, zonStruct, zonList:
		b.WriteString(".{")
		for i, item := range n.nodes {
			if i > 0 {
				b.WriteByte(',')
			}
			if n.kind == zonStruct {
				fmt.Fprintf(b, ".%s=", r.text[item.key.at:item.key.end])
			}
			r.show(b, item)
		}
		b.WriteByte('}')
	case zonEnum:
		fmt.Fprintf(b, ".%s", r.text[n.at:n.end])
	default:
		fmt.Fprintf(b, "<%s>", r.text[n.at:n.end])
	}
}

func TestReadZON(t *testing.T) {
	tests := []struct{ text, want string }{
		{`.{}`, `.{}`},
		{"\xef\xbb\xbf // c\r\n .{ 1, .{2,}, .{ .a = 3, .@\"b c\" = .{}, }, }\t// end", `.{<1>,.{<2>},.{.a=<3>,.@"b c"=.{}}}`},
		{`. { . a = . b }`, `.{.a=.b}`},
		{".//x\n{.//y\na=.\n@\"b\"}", `.{.a=.@"b"}`},
		{`.{ .a, .b }`, `.{.a,.b}`},
		{`.{ .a = -0x1.8p-3, .b = 1e+5, .c = - inf, .d = nan }`, `.{.a=<-0x1.8p-3>,.b=<1e+5>,.c=<- inf>,.d=<nan>}`},
		{`.{ "a\"b", 'x', '\'', true, null }`, `.{<"a\"b">,<'x'>,<'\''>,<true>,<null>}`},
		{".{ .a =\n  \\\\one \"\n  // between\n  \\\\two\n, .b = 1 }", ".{.a=<\\\\one \"\n  // between\n  \\\\two>,.b=<1>}"},
		{`.{ .async = 1 }`, `.{.async=<1>}`},
		{`////` + "\n.{}", `.{}`},
	}
	for _, tt := range tests {
		r, root, err := readZON([]byte(tt.text))
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		var b strings.Builder
		r.show(&b, root)
		if b.String() != tt.want {
			t.Errorf("%q = %s, want %s", tt.text, b.String(), tt.want)
		}
	}
}

// TestReadZONRefuses checks that refusals name the place and what was expected there.
func TestReadZONRefuses(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "build.zig.zon:1:1: expected a value, found the end of the file"},
		{".{\n  .a = 1\n  .b = 2\n}", `:3:3: expected ',' or '}', found "."`},
		{".{ .a = 1, 2 }", ":1:12: a struct's fields and a list's items can't be mixed"},
		{".{ 1, .a = 2 }", ":1:12: a struct's fields"},
		{".{ .test = 1 }", `:1:5: expected a name that is no keyword, such as .@"test", found "test"`},
		{".{} .{}", `:1:5: expected the end of the file, found "."`},
		{".{ ,}", `expected a value, found ","`},
		{".{ .a = , }", `expected a value, found ","`},
		{".{ .a = - }", `expected a number, found "}"`},
		{".{ .1 }", "expected '{' or a name"},
		{".{ fn }", `expected a value, found "fn"`},
		{".{ \"a\nb\" }", ":1:4: this literal isn't closed on its line"},
		{".{ \"a", ":1:4: this literal isn't closed"},
		{".{ \"a\\", ":1:4: this literal isn't closed"},
		{".{ \"a\tb\" }", ":1:6: the byte 0x09 can't be in a literal"},
		{".{ \"a\\\x00\" }", "the byte 0x00 can't be in a literal"},
		{".{ // \x01\n }", "the byte 0x01 can't be in a comment"},
		{".{ // \r }", "the byte 0x0d can't be in a comment"},
		{".{ /// doc\n .a = 1 }", ":1:4: a doc comment can't be here"},
		{"//! doc\n.{}", ":1:1: a doc comment can't be here"},
		{".{ # }", `'#' can't begin anything in ZON`},
		{".{ \x00 }", "the byte 0x00 can't begin anything"},
		{".{ é }", "the byte 0xc3 can't begin anything"},
		{".{ \\ a }", `'\\' can't begin anything`},
		{strings.Repeat(".{", maxDepth+1), fmt.Sprintf(":1:%d: nested more than 128 deep", 2*maxDepth+2)},
		{strings.Repeat(".{.a=", 10000), "nested more than 128 deep"},
		{".{" + strings.Repeat("1,", maxNodes) + "}", "more than 100000 values"},
	}
	for _, tt := range tests {
		_, _, err := readZON([]byte(tt.text))
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60q: %v, want %s", tt.text, err, tt.want)
		}
	}
	if _, _, err := readZON(bytes.Repeat([]byte{' '}, maxManifest+1)); !errors.Is(err, fault.TooLarge) {
		t.Errorf("a text over the limit: %v", err)
	}
	deepest := strings.Repeat(".{", maxDepth) + strings.Repeat("}", maxDepth)
	if _, _, err := readZON([]byte(deepest)); err != nil {
		t.Errorf("a text of the greatest depth: %v", err)
	}
}

func TestUnquote(t *testing.T) {
	tests := []struct {
		literal, want string
		ok            bool
	}{
		{`""`, "", true},
		{`"\n\r\t\\\'\"\x41\u{e9}\u{1F600}\u{0000000000000000041}"`, "\n\r\t\\'\"Aé😀A", true},
		{`"\xc3\xa9"`, "é", true},
		{`"\xff"`, "", false},
		{`"\q"`, "", false}, {`"\x4"`, "", false}, {`"\x4g"`, "", false}, {`"\x"`, "", false}, {`"\u"`, "", false}, {`"\u{}"`, "", false}, {`"\u{41"`, "", false},
		{`"\u{d800}"`, "", false}, {`"\u{110000}"`, "", false}, {`"\u{100000041}"`, "", false}, {`"\u{-1}"`, "", false}, {`"\u{4_1}"`, "", false}, {`"\u41}"`, "", false},
		{`"\U{41}"`, "", false}, {`"\0"`, "", false},
	}
	for _, tt := range tests {
		r := &zonReader{lexer: newLexer([]byte(tt.literal))}
		got, err := r.unquote(0, len(tt.literal))
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%s = %q, %v, want %q", tt.literal, got, err, tt.want)
		}
	}
}

func TestParseUint(t *testing.T) {
	good := map[string]uint64{"0": 0, "1": 1, "1_0": 10, "0x0": 0, "0xfF": 255, "0b1_01": 5, "0o17": 15, "18446744073709551615": 1<<64 - 1, "0xffff_ffff_ffff_ffff": 1<<64 - 1}
	for s, want := range good {
		if got, ok := parseUint(s); !ok || got != want {
			t.Errorf("%s = %d, %v, want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "-1", "+1", "01", "00", "0_1", "_1", "1_", "1__0", "0x", "0x_1", "0X1", "0B1", "0b2", "0o8", "1.0", "1e5", "18446744073709551616", "0x10000000000000000", "a", "0xg"} {
		if got, ok := parseUint(s); ok {
			t.Errorf("%s = %d", s, got)
		}
	}
}

// FuzzZON checks that no text makes the reader panic, and that what it reads is read the same without its layout.
func FuzzZON(f *testing.F) {
	for _, c := range judgedManifests(f) {
		f.Add([]byte(c.text))
	}
	f.Add([]byte(".{ .a = \\\\x\n\\\\y\n, }"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, root, err := readZON(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.TooLarge) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		var b strings.Builder
		r.show(&b, root)
		if strings.ContainsAny(b.String(), "<>\\") {
			return // literals are marked
		}
		again, root, err := readZON([]byte(b.String()))
		if err != nil {
			t.Fatalf("%q became %q: %v", text, b.String(), err)
		}
		var c strings.Builder
		again.show(&c, root)
		if b.String() != c.String() {
			t.Fatalf("%q became %q", b.String(), c.String())
		}
	})
}
