package manifest

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzRewrite: the scanner accepts what encoding/json accepts, and what comes
// out is JSON that a second rewrite leaves alone.
func FuzzRewrite(f *testing.F) {
	for _, s := range []string{
		`{"name":"a","version":"1.0.0+b","dependencies":{"b":"workspace:^","@s/c":"catalog:","x":"workspace:b@~"}}`,
		"{\n  \"publishConfig\": {\n    \"main\": [\n    1],\n \"name\": \"@x/y\"}, \"bin\": \"x\"\n}",
		`{"pnpm":{},"scripts":{"prepare":"x"},"repository":"a/b","peerDependenciesMeta":{"b":{},"c":{"optional":null}}}`,
		`{"peerDependencies":{"b":"workspace:>=1 || workspace:^","y":"jsr:@a/b@1"},"bundleDependencies":true}`,
		"\ufeff{\"a\": [1e5, -0.1, \"\\u00e9\\ud83d\"], \"a\": null}", `{"version":"1","version":2}`, `{}`, `[`, `{"a":1,}`,
	} {
		f.Add([]byte(s), byte(0xff))
		f.Add([]byte(s), byte(0))
	}
	f.Fuzz(func(t *testing.T, src []byte, flags byte) {
		m, err := Parse("package.json", src)
		text := bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
		if _, bad := scan(text); (bad == nil) != json.Valid(text) {
			t.Fatalf("scan(%q) = %v, json.Valid says %v", text, bad, json.Valid(text))
		}
		if err != nil {
			return
		}
		r := Rewrite{Dir: "packages/a", Siblings: workspace(""), Catalogs: catalogs(), PinPeers: flags&1 != 0, PNPM: flags&2 != 0, Yarn: flags&4 != 0}
		if flags&8 != 0 {
			r.Version = preview
		}
		if flags&16 != 0 {
			r.Siblings = workspace(preview)
		}
		once, err := m.Rewrite(r)
		if err != nil {
			return
		}
		if !json.Valid(once) {
			t.Fatalf("Rewrite(%q) = %q is not JSON", src, once)
		}
		again, err := Parse("package.json", once)
		if err != nil {
			t.Fatalf("Rewrite(%q) = %q: %v", src, once, err)
		}
		twice, err := again.Rewrite(r)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("Rewrite(%q)\n once %q\ntwice %q, %v", src, once, twice, err)
		}
	})
}
