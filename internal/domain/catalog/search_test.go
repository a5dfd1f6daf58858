package catalog

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/signature"
)

func names(found []Result) (names []string) {
	for _, r := range found {
		names = append(names, r.Name)
	}
	return names
}

func TestSearch(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("tool", "1.0.0")
	w.releases.claimed = []string{"@acme"}
	w.upstream.hits = []string{"tool", "toolbox", "@acme/tool", "@ACME/tool", "no name", "toolkit"}
	found, total, err := w.Search(t.Context(), mainRoot, "tool", 0, 20)
	if err != nil || !slices.Equal(names(found), []string{"tool", "toolbox", "toolkit"}) || total != 7 {
		t.Errorf("Search() = %v, %d, %v", names(found), total, err)
	}
	if found[0].Raw != nil || found[1].Raw == nil || found[1].Version != "1.0.0" {
		t.Errorf("hits are %+v", found)
	}

	var pages []string
	for from := 0; from < total; from += 2 {
		found, _, err := w.Search(t.Context(), mainRoot, "tool", from, 2)
		if err != nil || len(found) > 2 {
			t.Fatalf("Search(from %d) = %v, %v", from, names(found), err)
		}
		pages = append(pages, names(found)...)
	}
	if !slices.Equal(pages, []string{"tool", "toolbox", "toolkit"}) {
		t.Errorf("page by page: %v", pages)
	}

	w.upstream.down = true
	if found, total, err := w.Search(t.Context(), mainRoot, "tool", 0, 20); err != nil || total != 1 || len(found) != 1 {
		t.Errorf("with upstream down Search() = %v, %d, %v", names(found), total, err)
	}
}

// A slow upstream does not keep what is ours waiting.
func TestSearchWithSlowUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		w.publish("tool", "1.0.0")
		w.upstream.hits, w.upstream.hold = []string{"toolbox"}, make(chan struct{})
		began := time.Now()
		found, total, err := w.Search(t.Context(), mainRoot, "tool", 0, 20)
		if err != nil || !slices.Equal(names(found), []string{"tool"}) || total != 1 {
			t.Errorf("Search() = %v, %d, %v, want ours", names(found), total, err)
		}
		if took := time.Since(began); took != searchTime {
			t.Errorf("it took %s, want %s", took, searchTime)
		}
	})
}

// Who searches for what is ours does not tell upstream what it is called.
func TestSearchNamesNothingOfOurs(t *testing.T) {
	w := newWorld(t, setup{})
	w.releases.claimed = []string{"@acme"}
	for _, text := range []string{"@acme", "@acme/secret", "what is @acme/secret", "@ACME/secret", "scope:acme", "scope:@acme secret"} {
		if _, _, err := w.Search(t.Context(), mainRoot, text, 0, 20); err != nil || len(w.upstream.searched) > 0 {
			t.Errorf("a search for %q: upstream was asked for %q, %v", text, w.upstream.searched, err)
		}
	}
	for _, text := range []string{"acme", "@acme2", "@", "/", "scope:", "@other/pkg", "a/b"} {
		w.upstream.searched = nil
		if _, _, err := w.Search(t.Context(), mainRoot, text, 0, 20); err != nil || len(w.upstream.searched) == 0 {
			t.Errorf("a search for %q did not ask upstream: %v", text, err)
		}
	}
}

func TestSearchBounds(t *testing.T) {
	w := newWorld(t, setup{})
	for range 1000 {
		w.upstream.hits = append(w.upstream.hits, "x")
	}
	for _, page := range [][2]int{{-1, -1}, {0, 0}, {0, 1 << 30}, {1 << 30, 10}} {
		found, _, err := w.Search(t.Context(), mainRoot, "x", page[0], page[1])
		if err != nil || len(found) > maxSearch || len(found) > max(page[1], 0) {
			t.Errorf("Search(%v) finds %d, %v", page, len(found), err)
		}
	}
	if found, _, err := w.Search(t.Context(), mainRoot, " ", 0, 10); err != nil || len(found) > 0 {
		t.Errorf("an empty search of upstream finds %v, %v", names(found), err)
	}
}

func TestParseHit(t *testing.T) {
	object := `{"package":{"name":"a","version":"1.0.0","description":"d","keywords":["k"],"date":"2026-03-01T12:00:00.000Z",
		"author":{"name":"Ann"},"publisher":{"username":"ann","email":"a@example.com"},"maintainers":[{"username":"ann"},{"username":"bob"}]},"searchScore":1}`
	want := Result{Name: "a", Version: "1.0.0", Description: "d", Keywords: []string{"k"}, Author: "Ann", Publisher: "ann",
		Owners: []string{"ann", "bob"}, Date: noon, Raw: json.RawMessage(object)}
	got, ok := parseHit(json.RawMessage(object))
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("parseHit: %t, %s", ok, diff)
	}
	odd := `{"package":{"name":"a","version":1,"keywords":"k","date":"long ago","author":"Ann","maintainers":{}}}`
	if got, ok := parseHit(json.RawMessage(odd)); !ok || got.Name != "a" || got.Version != "" || !got.Date.Equal(time.Time{}) {
		t.Errorf("parseHit(%s) = %+v, %t", odd, got, ok)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"package":null}`, `{"package":{"name":"../x"}}`, `{"package":{"name":1}}`} {
		if got, ok := parseHit(json.RawMessage(bad)); ok {
			t.Errorf("parseHit(%s) = %+v", bad, got)
		}
	}
}

func FuzzParseHit(f *testing.F) {
	f.Add([]byte(`{"package":{"name":"a","maintainers":[{"username":"x"}],"keywords":[1]}}`))
	f.Add([]byte(`{"package":[]}`))
	f.Fuzz(func(t *testing.T, object []byte) {
		if r, ok := parseHit(object); ok && checkName(r.Name) != nil {
			t.Errorf("a hit is named %q", r.Name)
		}
	})
}

func TestAdvisories(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", "1.0.0")
	w.releases.claimed = []string{"@acme"}
	ask := map[string][]string{
		"lodash":     {"4.0.0", "4.1.0"},
		"lib":        {"1.0.0", older},
		"secret":     {older, newer},
		"mine":       {"1.0.0"},
		"@acme/x":    {"1.0.0"},
		"@ACME/x":    {"1.0.0"},
		"empty":      nil,
		"git":        {"git+ssh://git@private.example/x.git"},
		"../etc":     {"1.0.0"},
		"Mine":       {"1.0.0"},
		"@acme%2f/x": {"1.0.0"},
	}
	for _, root := range []Root{mainRoot, previewRoot} {
		w.upstream.asked = nil
		found, err := w.Advisories(t.Context(), root, ask)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]json.RawMessage{"lodash": json.RawMessage(`["4.0.0","4.1.0"]`), "lib": json.RawMessage(`["1.0.0"]`), "Mine": json.RawMessage(`["1.0.0"]`)}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Error(diff)
		}
		slices.Sort(w.upstream.asked)
		if want := []string{"Mine", "lib", "lodash"}; !slices.Equal(w.upstream.asked, want) {
			t.Errorf("upstream was asked for %v, want %v", w.upstream.asked, want)
		}
	}
	if !slices.Equal(ask["lib"], []string{"1.0.0", older}) {
		t.Error("the question has changed")
	}
	w.upstream.asked = nil
	if found, err := w.Advisories(t.Context(), mainRoot, map[string][]string{"mine": {"1.0.0"}}); err != nil || found == nil || len(found) > 0 || len(w.upstream.asked) > 0 {
		t.Errorf("Advisories() = %v, %v, want an empty answer without asking", found, err)
	}
	w.upstream.down = true
	if found, err := w.Advisories(t.Context(), mainRoot, ask); err == nil {
		t.Errorf("with upstream down Advisories() = %v: who audits takes that for the truth", found)
	}
}

func TestKeys(t *testing.T) {
	w := newWorld(t, setup{})
	ours := w.src.Keyrings[0].(*signer).public
	theirs := newSigner(t).public
	w.upstream.keys = []signature.Key{theirs, ours}
	keys, err := w.Keys(t.Context())
	if diff := cmp.Diff([]signature.Key{ours, theirs}, keys); diff != "" || err != nil {
		t.Errorf("Keys(): %v, %s", err, diff)
	}
	w.upstream.down = true
	_, err = w.Keys(t.Context())
	is(t, err, fault.Unavailable)
}

func TestAttestations(t *testing.T) {
	w := newWorld(t, setup{})
	w.publish("mine", "1.0.0", "1.1.0")
	w.preview("lib", refs, older)
	const bundle = `{"dsseEnvelope":{"payload":"eyJwcmVkaWNhdGVUeXBlIjoiaHR0cHM6Ly9zbHNhLmRldi9wcm92ZW5hbmNlL3YxIn0="}}`
	w.releases.bundles["mine@1.0.0"] = bundle
	got, err := w.Attestations(t.Context(), mainRoot, "mine", "1.0.0")
	if want := `{"attestations":[{"predicateType":"https://slsa.dev/provenance/v1","bundle":` + bundle + `}]}`; err != nil || string(got) != want {
		t.Errorf("Attestations() = %s, %v, want %s", got, err, want)
	}
	_, err = w.Attestations(t.Context(), mainRoot, "mine", "1.1.0")
	is(t, err, fault.NotFound)
	if len(w.upstream.asked) > 0 {
		t.Error("upstream was asked for a name of ours")
	}
	if got, err := w.Attestations(t.Context(), mainRoot, "lodash", "4.0.0"); err != nil || string(got) != `{"attestations":[]}` {
		t.Errorf("upstream's are %s, %v", got, err)
	}
	w.upstream.asked = nil
	for _, version := range []string{older, "latest", "1.0.0/../x", ""} {
		_, err = w.Attestations(t.Context(), previewRoot, "lib", version)
		is(t, err, fault.NotFound)
	}
	if len(w.upstream.asked) > 0 {
		t.Errorf("upstream was asked for %v", w.upstream.asked)
	}
	for _, bad := range []string{`[]`, `{}`, `{"dsseEnvelope":{"payload":"%"}}`, `{"dsseEnvelope":{"payload":"e30="}}`} {
		w.releases.bundles["mine@1.0.0"] = bad
		if got, err := w.Attestations(t.Context(), mainRoot, "mine", "1.0.0"); err == nil {
			t.Errorf("a bundle %s is answered as %s", bad, got)
		}
	}
}
