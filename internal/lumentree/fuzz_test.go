package lumentree

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/lumen"
)

// Whatever a server lists, no path of it leads out of the folder or hides in it.
func FuzzListing(f *testing.F) {
	sum := `"digest":"sha256:` + strings.Repeat("ab", 32) + `","size":1}` + "\n"
	f.Add(`{"path":"packages/@a/b/1.0.0.json",` + sum + `{"path":"index.json",` + sum)
	f.Add(`{"path":"../x",` + sum)
	f.Add(`{"path":"artifacts/./.git/x",` + sum + `{"path":"index.json",` + sum)
	f.Fuzz(func(t *testing.T, text string) {
		files, err := parseListing(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, file := range files {
			if !fs.ValidPath(file.Path) || strings.Contains("/"+file.Path, "/.") || file.Size < 0 {
				t.Errorf("%q is listed", file.Path)
			}
		}
	})
}

// A document keeps the members that nobody here knows.
func FuzzMerge(f *testing.F) {
	f.Add(`{"latest":"1.0.0","description":"x","Latest":1}`)
	f.Add(`{"name":"x","mine":[1,2],"name":"y"}`)
	f.Add(`{"a":{"b":null},"versions":["<"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		out, err := merge("index.json", []byte(text), lumen.PackageIndex{Name: "n"})
		if err != nil {
			return
		}
		var before, after map[string]any
		if err := json.Unmarshal([]byte(text), &before); err != nil {
			t.Fatalf("%q is taken: %v", text, err)
		}
		if err := json.Unmarshal(out, &after); err != nil || after["name"] != "n" {
			t.Fatalf("%q became %q: %v", text, out, err)
		}
		for key := range before {
			empty := key == "latest" || key == "description"
			if _, ok := after[key]; ok == empty {
				t.Errorf("%q lost or kept %q: %q", text, key, out)
			}
		}
	})
}

func TestCutListing(t *testing.T) {
	line := `{"path":"index.json","digest":"sha256:` + strings.Repeat("ab", 32) + `","size":1}` + "\n"
	other := strings.Replace(line, "index.json", "keys.json", 1)
	for _, text := range []string{"", other, line + other, line[:40], "x\n" + line, other + strings.Replace(other, ":1}", ":2}", 1) + line, strings.Replace(line, ":1}", ":-1}", 1)} {
		if files, err := parseListing(strings.NewReader(text)); err == nil {
			t.Errorf("%q lists %v", text, files)
		}
	}
	if files, err := parseListing(strings.NewReader(other + other + line)); err != nil || len(files) != 2 {
		t.Errorf("a file that is listed twice: %v, %v", files, err)
	}
}
