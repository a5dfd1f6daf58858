package filelist_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/filelist"
)

func file(path, content string) filelist.File {
	return filelist.File{Path: path, Size: int64(len(content)), SHA256: digest.Of([]byte(content))}
}

func list(files ...filelist.File) *filelist.List { return &filelist.List{Files: files} }

func TestCompare(t *testing.T) {
	run, link := file("run", "x"), filelist.File{Path: "l", Link: "a"}
	run.Executable = true
	moved := file("a", "1")
	moved.Entry = 7 // its place in the archive is nothing to who unpacks it
	tests := []struct {
		name          string
		before, after *filelist.List
		want          []string
		same          int
	}{
		{"nothing", list(), list(), nil, 0},
		{"the same", list(file("a", "1"), link), list(moved, link), nil, 2},
		{"all of it", list(file("a", "1"), file("b", "1"), file("d", "1")), list(file("b", "2"), file("c", "1"), file("d", "1"), file("e", "1")),
			[]string{"removed a", "changed b", "added c", "added e"}, 1},
		{"the first", list(), list(file("a", "1")), []string{"added a"}, 0},
		{"the last", list(file("a", "1")), list(), []string{"removed a"}, 0},
		{"mode", list(file("run", "x")), list(run), []string{"changed run"}, 0},
		{"link", list(link), list(filelist.File{Path: "l", Link: "b"}), []string{"changed l"}, 0},
		{"a link in place of a file", list(file("l", "")), list(link), []string{"changed l"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changes, same := filelist.Compare(tt.before, tt.after)
			var got []string
			for _, c := range changes {
				got = append(got, c.What+" "+c.Path())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || same != tt.same {
				t.Errorf("%d the same, want %d; -want +got:\n%s", same, tt.same, diff)
			}
		})
	}
}

func TestFind(t *testing.T) {
	l := list(file("a", "1"), file("b/c", "22"))
	if f, ok := l.Find("b/c"); !ok || f.Size != 2 {
		t.Errorf("Find = %v, %t", f, ok)
	}
	if f, ok := l.Find("b"); ok {
		t.Errorf("Find of a folder = %v", f)
	}
}
