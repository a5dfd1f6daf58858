package packument

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
)

// decodeAny decodes as JavaScript would, numbers as written.
func decodeAny(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err == nil && !json.Valid(text) {
		err = errors.New("more than one value")
	}
	return v, err
}

// checkForeign compares all functions with what decoding, editing and encoding gives.
func checkForeign(t *testing.T, text []byte) error {
	t.Helper()
	given := bytes.Clone(text)
	defer func() {
		if !bytes.Equal(text, given) {
			t.Error("the document was changed")
		}
	}()
	v, err := decodeAny(text)
	doc, _ := v.(map[string]any)
	if name, _ := doc["name"].(string); err != nil || name != "@s/a" || tooDeep(text) {
		for what, f := range functions() {
			if out, err := f(text); !errors.Is(err, fault.Upstream) {
				t.Errorf("%s = %q, %v, want fault.Upstream", what, out, err)
			}
		}
		return nil
	}
	checkRefs(t, text, doc)
	checkPick(t, text, doc)
	checkAbbreviated(t, text, doc)
	out, err := Retarget(text, "@s/a", registry)
	if err != nil {
		return err
	}
	eachVersion(doc, func(version string, m map[string]any) {
		if dist, _ := m["dist"].(map[string]any); dist != nil {
			if was, _ := dist["tarball"].(string); was != "" {
				dist["tarball"] = TarballURL(registry, "@s/a", version)
			}
		}
	})
	got, err := decodeAny(out)
	if err != nil {
		return err
	}
	if d := cmp.Diff(any(doc), got); d != "" {
		t.Errorf("Retarget (-want +got)\n%s", d)
	}
	v, _ = decodeAny(text)
	checkFull(t, text, v.(map[string]any))
	return nil
}

func tooDeep(text []byte) bool {
	depth, deepest := 0, 0
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err != nil {
			return deepest > maxDepth
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		deepest = max(deepest, depth)
	}
}

func eachVersion(doc map[string]any, f func(version string, m map[string]any)) {
	versions, _ := doc["versions"].(map[string]any)
	for version, v := range versions {
		if m, ok := v.(map[string]any); ok {
			f(version, m)
		}
	}
}

func checkRefs(t *testing.T, text []byte, doc map[string]any) {
	t.Helper()
	want := map[string]Ref{}
	eachVersion(doc, func(version string, m map[string]any) {
		dist, _ := m["dist"].(map[string]any)
		r := Ref{Version: version}
		r.Tarball, _ = dist["tarball"].(string)
		r.Integrity, _ = dist["integrity"].(string)
		r.Shasum, _ = dist["shasum"].(string)
		if r.Tarball != "" {
			want[version] = r
		}
	})
	list, err := Refs(text, "@s/a")
	got := map[string]Ref{}
	for _, r := range list {
		got[r.Version] = r
	}
	if d := cmp.Diff(want, got); err != nil || d != "" || len(list) != len(got) {
		t.Errorf("Refs = %v, %v (-want +got)\n%s", list, err, d)
	}
}

// checkPick asks for every version and dist-tag.
func checkPick(t *testing.T, text []byte, doc map[string]any) {
	t.Helper()
	versions, _ := doc["versions"].(map[string]any)
	tags, _ := doc["dist-tags"].(map[string]any)
	p, err := Parse(text, "@s/a")
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range slices.Concat(slices.Collect(maps.Keys(versions)), slices.Collect(maps.Keys(tags)), []string{"none"}) {
		want, ok := versions[what].(map[string]any)
		if tag, _ := tags[what].(string); !ok && tag != "" {
			want, ok = versions[tag].(map[string]any)
		}
		picked, err := Pick(text, "@s/a", what)
		got, _ := decodeAny(picked)
		if !ok && !errors.Is(err, fault.NotFound) || ok && !cmp.Equal(any(want), got) {
			t.Errorf("Pick(%q) = %s, %v, want %v", what, picked, err, want)
		}
		if v, found := p.Find(what); what != "" && found != ok {
			t.Errorf("Find(%q) = %v, %t, want %t", what, v, found, ok)
		}
	}
}

// checkFull parses and encodes, which loses nothing but what has one form here.
func checkFull(t *testing.T, text []byte, doc map[string]any) {
	t.Helper()
	p, err := Parse(text, "@s/a")
	if err != nil {
		t.Fatal(err)
	}
	out := encoded(t, p, Full)
	if again := encoded(t, parsed(t, out, "@s/a"), Full); !bytes.Equal(out, again) {
		t.Errorf("a second round changes\n%s to\n%s", out, again)
	}
	v, _ := decodeAny(out)
	full := v.(map[string]any)
	ours, _ := full["versions"].(map[string]any)
	versions := 0
	eachVersion(doc, func(version string, m map[string]any) {
		versions++
		got, _ := ours[version].(map[string]any)
		for _, o := range []map[string]any{m, got} {
			for _, key := range []string{"name", "version", "_id", "deprecated", "hasInstallScript", "maintainers"} {
				delete(o, key)
			}
		}
		if d := cmp.Diff(m, got); d != "" {
			t.Errorf("version %q (-given +full)\n%s", version, d)
		}
	})
	if versions != len(ours) {
		t.Errorf("%d versions of %d", len(ours), versions)
	}
	kept := []string{"modified", "description", "dist"}
	if times, _ := doc["time"].(map[string]any); len(times) > 0 {
		kept = append(kept, "time")
	}
	for _, key := range kept {
		if d := cmp.Diff(doc[key], full[key]); d != "" {
			t.Errorf("%s (-given +full)\n%s", key, d)
		}
	}
}

func checkAbbreviated(t *testing.T, text []byte, doc map[string]any) {
	t.Helper()
	out, err := Abbreviate(text, "@s/a")
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeAny(out)
	if err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if d := cmp.Diff(any(model(doc)), got); d != "" {
		t.Errorf("Abbreviate (-want +got)\n%s", d)
	}
	p, err := Parse(text, "@s/a")
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := p.Encode(Abbreviated)
	if err != nil {
		t.Fatal(err)
	}
	typed, err := decodeAny(encoded)
	if err != nil {
		t.Fatalf("%v in %s", err, encoded)
	}
	if d := cmp.Diff(typed, got); d != "" {
		t.Errorf("Abbreviate (-parsed and encoded +in one pass)\n%s", d)
	}
	if again, err := Abbreviate(out, "@s/a"); err != nil {
		t.Error(err)
	} else if second, _ := decodeAny(again); !cmp.Equal(got, second) {
		t.Errorf("abbreviated twice\n%s", cmp.Diff(got, second))
	}
}

// model makes the abbreviated form from a decoded document.
func model(doc map[string]any) map[string]any {
	tags, versions := map[string]any{}, map[string]any{}
	given, _ := doc["dist-tags"].(map[string]any)
	for tag, v := range given {
		if _, ok := v.(string); ok {
			tags[tag] = v
		}
	}
	out := map[string]any{"name": "@s/a", "dist-tags": tags, "versions": versions}
	times, _ := doc["time"].(map[string]any)
	if len(times) > 0 {
		out["time"] = times
	}
	for _, v := range []any{times["modified"], doc["modified"]} {
		if s, _ := v.(string); s != "" {
			out["modified"] = s
			break
		}
	}
	eachVersion(doc, func(version string, m map[string]any) {
		versions[version] = modelVersion(version, m)
	})
	return out
}

func modelVersion(version string, m map[string]any) map[string]any {
	out := map[string]any{"name": "@s/a", "version": version}
	for key, v := range m {
		if slices.Contains(strings.Fields(`directories dependencies devDependencies optionalDependencies peerDependencies peerDependenciesMeta
			bundleDependencies bundledDependencies acceptDependencies dist engines os cpu libc funding _hasShrinkwrap _npmUser`), key) {
			out[key] = v
		}
	}
	if bin := modelBin(m["bin"]); bin != nil {
		out["bin"] = bin
	}
	switch d := m["deprecated"].(type) {
	case string:
		if d != "" {
			out["deprecated"] = d
		}
	case nil:
	default:
		if d != false && d != json.Number("0") {
			out["deprecated"] = "this version is deprecated"
		}
	}
	scripts, _ := m["scripts"].(map[string]any)
	runs := m["gypfile"] == true
	for _, event := range []string{"preinstall", "install", "postinstall"} {
		script, _ := scripts[event].(string)
		runs = runs || script != ""
	}
	if stated, ok := m["hasInstallScript"].(bool); ok {
		runs = stated
	}
	if runs {
		out["hasInstallScript"] = true
	}
	return out
}

func modelBin(v any) map[string]any {
	bin := map[string]any{}
	switch v := v.(type) {
	case map[string]any:
		return v
	case string:
		if target := insidePath(v); target != "" {
			bin["a"] = target
		}
	case []any:
		for _, e := range v {
			if s, _ := e.(string); insidePath(s) != "" {
				bin[path.Base(insidePath(s))] = insidePath(s)
			}
		}
	}
	if len(bin) == 0 {
		return nil
	}
	return bin
}
