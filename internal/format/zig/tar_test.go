package zig

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// raw is an entry of a tar with a header of our own, for what archive/tar does not write.
func raw(kind byte, name, body string) []byte {
	h := header(name, "", kind, int64(len(body)), 0o644)
	return append(append(h[:], body...), make([]byte, ustar.Padding(int64(len(body))))...)
}

func pax(records ...string) []byte {
	var text strings.Builder
	for i := 0; i < len(records); i += 2 {
		text.WriteString(record(records[i], records[i+1]))
	}
	return raw('x', "PaxHeader", text.String())
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestTar holds the reader to what std.tar of Zig does.
func TestTar(t *testing.T) {
	long := strings.Repeat("n/", 70) + "file"
	prefixed := header("name", "pre/fix", '0', 1, 0o644)
	old := bytes.Clone(raw('0', "name", "x"))
	h := (*block)(old)
	copy(h[ustar.OffMagic:], make([]byte, 8))
	copy(h[ustar.OffPrefix:], "not/a/prefix")
	h.seal()
	sparse := bytes.Clone(raw('S', "sparse", "x"))
	h = (*block)(sparse[:ustar.BlockSize])
	h[offSparse] = 1
	h.seal()
	sparse = join(sparse[:ustar.BlockSize], make([]byte, ustar.BlockSize), sparse[ustar.BlockSize:])
	base256 := bytes.Clone(raw('0', "base256", "x"))
	h = (*block)(base256)
	copy(h[ustar.OffSize:ustar.EndSize], "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	h.seal()

	file := func(name string, size int64) Entry { return Entry{Name: name, Size: size} }
	tests := map[string]struct {
		tar  []byte
		want []Entry
	}{
		"plain":                  {raw('0', "a", "x"), []Entry{file("a", 1)}},
		"old type":               {raw(0, "a", "x"), []Entry{file("a", 1)}},
		"prefix":                 {join(prefixed[:], []byte("x"), make([]byte, 511)), []Entry{file("pre/fix/name", 1)}},
		"prefix without ustar":   {old, []Entry{file("name", 1)}},
		"size in base 256":       {base256, []Entry{file("base256", 1)}},
		"GNU name":               {join(raw('L', "././@LongLink", long+"\x00"), raw('0', "short", "x")), []Entry{file(long, 1)}},
		"GNU link":               {join(raw('K', "././@LongLink", long+"\x00"), raw('2', "l", "")), []Entry{{Name: "l", Kind: Link, Link: long}}},
		"pax name":               {join(pax("path", long, "mtime", "1.5"), raw('0', "short", "x")), []Entry{file(long, 1)}},
		"pax link":               {join(pax("linkpath", "else"), raw('2', "l", "")), []Entry{{Name: "l", Kind: Link, Link: "else"}}},
		"pax size":               {join(pax("size", "1"), raw('0', "a", ""), []byte("x"), make([]byte, 511)), []Entry{file("a", 1)}},
		"pax drops GNU name":     {join(raw('L', "", long), pax("mtime", "1"), raw('0', "short", "")), []Entry{file("short", 0)}},
		"pax for one entry only": {join(pax("path", "b"), raw('0', "a", ""), raw('0', "a", "")), []Entry{file("b", 0), file("a", 0)}},
		"global pax":             {join(raw('g', "", record("path", "b")), raw('0', "a", "")), []Entry{file("a", 0)}},
		"pax sparse is no more than a file": {join(pax("GNU.sparse.major", "1", "GNU.sparse.name", "real", "path", "GNUSparseFile.0/a"), raw('0', "a", "1\n0\n")),
			[]Entry{file("GNUSparseFile.0/a", 4)}},
		"hard link":      {join(raw('1', "h", ""), raw('0', "a", "")), []Entry{{Name: "h", Kind: Other}, file("a", 0)}},
		"fifo":           {raw('6', "f", ""), []Entry{{Name: "f", Kind: Other}}},
		"contiguous":     {raw('7', "f", "x"), []Entry{{Name: "f", Kind: Other}}},
		"GNU sparse":     {join(sparse, raw('0', "a", "")), []Entry{{Name: "sparse", Kind: Other}, file("a", 0)}},
		"cleaned":        {join(raw('5', "./", ""), raw('0', "./a//b/../c", "")), []Entry{file("a/c", 0)}},
		"folder":         {raw('5', "d/", ""), []Entry{{Name: "d", Kind: Folder}}},
		"link with size": {join(raw('2', "l", "skipped"), raw('0', "a", "")), []Entry{{Name: "l", Kind: Link}, file("a", 0)}},
		"end":            {join(raw('0', "a", ""), make([]byte, ustar.BlockSize), raw('0', "b", ""), []byte("trash")), []Entry{file("a", 0)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree, err := unpack(t, test.tar)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, tree.Entries, cmpopts.IgnoreUnexported(Entry{})); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTarRefuses(t *testing.T) {
	flipped := raw('0', "a", "x")
	flipped[0] = 'b'
	second := raw('0', "b", "")
	second[0] = 'c'
	negative := raw('0', "a", "")
	h := (*block)(negative)
	copy(h[ustar.OffSize:ustar.EndSize], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
	h.seal()
	for name, b := range map[string][]byte{
		"checksum":           flipped,
		"second checksum":    join(raw('0', "a", ""), second),
		"negative size":      negative,
		"absolute":           raw('0', "/etc/passwd", "x"),
		"absolute folder":    raw('5', "/etc", ""),
		"absolute link":      raw('2', "/l", ""),
		"outside":            raw('0', "../a", "x"),
		"outside, later":     raw('0', "a/../../b", "x"),
		"outside by pax":     join(pax("path", "../b"), raw('0', "a", "")),
		"no name":            raw('0', "", ""),
		"no name but a dot":  raw('0', "./", ""),
		"pax without end":    raw('x', "", "12 path=abcd"),
		"pax with long size": raw('x', "", "9999 path=a\n"),
		"pax without length": raw('x', "", "path=a\n"),
		"pax with NUL":       raw('x', "", record("path", "a\x00b")),
		"pax with bad size":  raw('x', "", record("size", "-1")),
		"body missing":       raw('0', "a", strings.Repeat("x", 600))[:ustar.BlockSize+100],
		"pax missing":        pax("path", "b")[:ustar.BlockSize],
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := unpack(t, b)
			if err == nil {
				t.Fatalf("entries = %v, want a refusal", tree.Entries)
			}
			wantFault(t, err, fault.Invalid, "bad_archive")
		})
	}
	_, err := unpack(t, raw('x', "", record("comment", strings.Repeat("x", maxPAX))))
	wantFault(t, err, fault.TooLarge, "")
}

// TestHeadersBound: extension headers alone can't keep the reader busy.
func TestHeadersBound(t *testing.T) {
	b := bytes.Repeat(raw('g', "", ""), 6*10+1)
	_, err := Unpack(t.Context(), bytes.NewReader(b), int64(len(b)), scratch(t), Limits{Entries: 10})
	wantFault(t, err, fault.TooLarge, "")
}

// TestTarLikeGo compares names, targets and contents with archive/tar for what both understand.
func TestTarLikeGo(t *testing.T) {
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatGNU, tar.FormatPAX} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		var want []Entry
		for i := range 20 {
			e := Entry{Name: fmt.Sprintf("%s/%d", strings.Repeat("d", i*7+1), i), Size: int64(i * 100)}
			if i%5 == 0 {
				e = Entry{Name: e.Name, Kind: Link, Link: strings.Repeat("t", i*4+1)}
			}
			kind := byte(tar.TypeReg)
			if e.Kind == Link {
				kind = tar.TypeSymlink
			}
			if err := w.WriteHeader(&tar.Header{Format: format, Typeflag: kind, Name: e.Name, Linkname: e.Link, Size: e.Size}); err != nil {
				t.Fatal(err)
			}
			w.Write(make([]byte, e.Size))
			want = append(want, e)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		tree, err := unpack(t, out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, tree.Entries, cmpopts.IgnoreUnexported(Entry{})); diff != "" {
			t.Errorf("%v (-want +got):\n%s", format, diff)
		}
	}
}
