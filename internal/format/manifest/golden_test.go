package manifest

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cases is testdata/cases.json.
type cases struct {
	Siblings map[string]struct{ Name, Version string }
	Catalogs Catalogs
	Cases    map[string]struct {
		Only     string
		Manifest json.RawMessage
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestTools compares with what pnpm and yarn packed from the same manifests.
func TestTools(t *testing.T) {
	var in cases
	readJSON(t, "testdata/cases.json", &in)
	siblings := map[string]Sibling{}
	for dir, s := range in.Siblings {
		siblings[s.Name] = Sibling{Name: s.Name, Version: s.Version, Dir: "packages/" + dir}
	}
	for tool, r := range map[string]Rewrite{"pnpm": {PNPM: true}, "yarn": {Yarn: true}} {
		var want map[string]map[string]any
		readJSON(t, "testdata/"+tool+".json", &want)
		r.Dir, r.Siblings, r.Catalogs = "packages/a", siblings, in.Catalogs
		for name, c := range in.Cases {
			if c.Only != "" && c.Only != tool {
				continue
			}
			t.Run(tool+"/"+name, func(t *testing.T) {
				out := rewrite(t, string(c.Manifest), r)
				var got map[string]any
				if err := json.Unmarshal([]byte(out), &got); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want[name], got); d != "" {
					t.Errorf("(-%s +ours)\n%s", tool, d)
				}
			})
		}
	}
}

func rewrite(t *testing.T, src string, r Rewrite) string {
	t.Helper()
	m, err := Parse("package.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.Rewrite(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
