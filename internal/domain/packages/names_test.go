package packages

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
)

func (w *world) describe(name, members string) {
	w.t.Helper()
	if _, err := w.send(alice, pack(w.t, fmt.Sprintf(`"name":%q,"version":"1.0.0",%s`, name, members)), Release{}); err != nil {
		w.t.Fatal(err)
	}
}

func TestSearch(t *testing.T) {
	w := newWorld(t, Options{})
	w.describe("zebra", `"description":"stripes for your Buttons"`)
	w.describe("button", `"description":"one"`)
	w.describe("button-group", `"description":"many <b>"`)
	w.describe("@acme/button", `"keywords":["UI",7,"say \"hi\""]`)
	w.describe("Button", `"description":"ÄRGER"`)
	for _, tt := range []struct {
		text, want string
		from, size int
		total      int
	}{
		{"button", "Button button button-group @acme/button zebra", 0, 0, 5},
		{"  BUTTON ", "Button button button-group @acme/button zebra", 0, 0, 5},
		{"", "@acme/button Button button button-group zebra", 0, 0, 5},
		{"button", "button button-group", 1, 2, 5},
		{"button", "", 9, 2, 5},
		{"button stripes", "zebra", 0, 0, 1},
		{"ui", "@acme/button", 0, 0, 1},
		{`say "hi"`, "@acme/button", 0, 0, 1},
		{`"hi"`, "@acme/button", 0, 0, 1},
		{"<b>", "button-group", 0, 0, 1},
		{"ärger", "Button", 0, 0, 1},
		{"version", "", 0, 0, 0}, // a member of the row, of no package
		{"1.0.0", "", 0, 0, 0},
		{strings.Repeat("x", 10_000), "", 0, 0, 0},
		{"\xff\x00", "", -5, -5, 0},
	} {
		found, total, err := w.Search(t.Context(), tt.text, tt.from, tt.size)
		var got []string
		for _, sum := range found {
			got = append(got, sum.Name)
		}
		if strings.Join(got, " ") != tt.want || total != tt.total || err != nil {
			t.Errorf("Search(%.40q, %d, %d) = %v of %d, %v, want %s of %d", tt.text, tt.from, tt.size, got, total, err, tt.want, tt.total)
		}
	}
	if _, total, err := w.Search(t.Context(), "", 1<<60, 1<<60); total != 5 || err != nil {
		t.Errorf("a window beyond everything: %d, %v", total, err)
	}
}

func TestSummaryDependencies(t *testing.T) {
	w := newWorld(t, Options{})
	w.describe("a", `"dependencies":{"left-pad":"^1","twice":"1","pad":"npm:@acme/pad@^2","range":"npm:^1","../x\n":"1","<b>":"1"},"peerDependencies":{"React":"*","twice":"2"},
		"optionalDependencies":{"fsevents":"1"},"devDependencies":{"tape":"1"}`)
	w.describe("b", `"dependencies":"nonsense","peerDependencies":7,"optionalDependencies":null`)
	var many strings.Builder
	for i := range 2 * maxDependencies {
		fmt.Fprintf(&many, `"d%d":"1",`, i)
	}
	w.describe("c", `"dependencies":{`+strings.TrimSuffix(many.String(), ",")+`}`)
	want := []string{"left-pad", "twice", "@acme/pad", "range", "fsevents", "React"}
	a, err := w.Summary(t.Context(), "a")
	slices.Sort(a.Dependencies)
	slices.Sort(want)
	if diff := cmp.Diff(want, a.Dependencies); err != nil || diff != "" {
		t.Errorf("the dependencies of a (-want +got):\n%s%v", diff, err)
	}
	b, err := w.Summary(t.Context(), "b")
	if err != nil || slices.ContainsFunc(b.Dependencies, func(name string) bool { return name != "nonsense" }) {
		t.Errorf("the dependencies of b are %q, %v", b.Dependencies, err)
	}
	if c, err := w.Summary(t.Context(), "c"); err != nil || len(c.Dependencies) != maxDependencies {
		t.Errorf("c depends on %d, %v", len(c.Dependencies), err)
	}
	// Another version is latest, another package is needed.
	if _, err := w.send(alice, pack(t, `"name":"a","version":"2.0.0","dependencies":{"right-pad":"1"}`), Release{}); err != nil {
		t.Fatal(err)
	}
	if a, err := w.Summary(t.Context(), "a"); err != nil || !slices.Equal(a.Dependencies, []string{"right-pad"}) {
		t.Errorf("the latest a depends on %q, %v", a.Dependencies, err)
	}
}

func TestListAndSummary(t *testing.T) {
	w := newWorld(t, Options{})
	w.describe("a", `"description":"`+strings.Repeat("é", 1000)+`","author":{"name":"Ann","email":"a@example.com"},"keywords":"one"`)
	w.describe("b", `"description":["x"],"author":"Bea <b@example.com> (http://b)","keywords":["`+strings.Repeat(`k","`, 100)+`"]`)
	w.describe("c", `"author":7`)
	var got []Summary
	for sum, err := range w.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, sum)
	}
	if len(got) != 3 || got[0].Name != "a" || got[0].Author != "Ann" || got[1].Author != "Bea" || len(got[0].Description) > maxDescription || len(got[1].Keywords) > maxKeywords {
		t.Fatalf("List = %+v", got)
	}
	want := Summary{Name: "c", Version: "1.0.0", Publisher: "alice", Owners: []string{"alice"}, Date: w.Now()}
	if diff := cmp.Diff(want, got[2]); diff != "" {
		t.Errorf("summary of c (-want +got):\n%s", diff)
	}
	for sum, err := range w.List(t.Context(), "a") {
		if err != nil || sum.Name != "b" {
			t.Errorf("the first after a is %s, %v", sum.Name, err)
		}
		break
	}
	for _, err := range w.List(t.Context(), "a\x00") {
		refused(t, "List", err, fault.Invalid, "")
	}
	w.Pass(time.Hour)
	w.publish(alice, "c", "2.0.0-beta", "beta")
	if found, _, err := w.Search(t.Context(), "c", 0, 1); err != nil || found[0].Version != "1.0.0" || !found[0].Date.Equal(want.Date) {
		t.Errorf("after a beta: %+v, %v, want the latest", found, err)
	}
}
