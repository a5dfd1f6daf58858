package lumentree_test

import (
	"slices"
	"testing"

	"github.com/org/registry-action/internal/lumentree"
)

// What Lumen's client can't read is wrong, though our decoders can: each case is of a text and what stands in its place.
func TestVerifyAsClientReads(t *testing.T) {
	const meta, index = "packages/@acme/http/1.0.0.json", httpIndex
	signed, unsigned := signedTree(t), t.TempDir()
	publish(t, unsigned, nil, pack(t, "@acme/http", "1.0.0", "one"))
	a := artifactOf(t, unsigned, "@acme/http", "1.0.0")
	none, unreadable, manifest, both := []string(nil), []string{"unreadable"}, []string{"manifest"}, []string{"index", "unreadable"}
	for name, c := range map[string]struct {
		tree, path, old, text string
		want                  []string
	}{
		"a short signature":           {signed, meta, `"deps"`, `"signature":{"algorithm":"ed25519","signature":"AA==","key_id":"k"}, "deps"`, unreadable},
		"a signature that is null":    {signed, meta, `"deps"`, `"signature":null, "transparency": null, "deps"`, none},
		"transparency":                {signed, meta, `"deps"`, `"transparency":{"a":1}, "deps"`, unreadable},
		"no keywords":                 {signed, meta, `"deps"`, `"keywords": null, "deps"`, unreadable},
		"a keyword that is null":      {signed, meta, `"deps"`, `"keywords": [null], "deps"`, unreadable},
		"no optional dependencies":    {signed, meta, `"deps"`, `"optional_deps": null, "deps"`, unreadable},
		"no dependencies":             {signed, meta, `"deps": {}`, `"deps": null`, unreadable},
		"neither yanked nor not":      {signed, meta, `"deps"`, `"yanked": null, "deps"`, unreadable},
		"no license":                  {signed, meta, `"deps"`, `"license": null, "deps"`, none},
		"a publisher":                 {unsigned, meta, `"deps"`, `"publisher": {"name": "ann", "verified": false}, "deps"`, none},
		"half a publisher":            {unsigned, meta, `"deps"`, `"publisher": {"name": "ann"}, "deps"`, unreadable},
		"no artifacts":                {unsigned, meta, `"artifacts": [`, `"artifacts": null, "others": [`, []string{"archive", "unreadable"}},
		"no yanks":                    {unsigned, index, `"yanked": {}`, `"yanked": null`, unreadable},
		"no reason":                   {unsigned, index, `"yanked": {}`, `"yanked": {"1.0.0": null}`, both},
		"no categories":               {unsigned, index, `"categories": []`, `"categories": null`, unreadable},
		"no prereleases":              {unsigned, index, `"prereleases": []`, `"prereleases": null`, unreadable},
		"versions are null":           {unsigned, index, `"versions"`, `"versions": null, "others"`, both},
		"versions are left out":       {unsigned, index, `"versions"`, `"others"`, both},
		"lists are left out":          {unsigned, index, `"prereleases": [],`, ``, none},
		"an artifact of no kind":      {unsigned, meta, `"kind": "tar",`, ``, unreadable},
		"an artifact of no size":      {unsigned, meta, `"size": `, `"size": null, "other": `, none},
		"an artifact of another size": {unsigned, meta, `"size": `, `"size": 1`, []string{"hash"}},
		"an artifact at no URL":       {unsigned, meta, `"url": `, `"other": `, unreadable},
		"an artifact at //":           {unsigned, meta, a.URL, "artifacts/sha256//" + a.URL[len("artifacts/sha256/"):], unreadable},
		"an artifact at /":            {unsigned, meta, a.URL, "/" + a.URL, none},
		"another manifest":            {unsigned, meta, `"manifest_hash": "sha256:`, `"manifest_hash": "sha256:00`, manifest},
		"other content":               {unsigned, meta, `"content_hash": "sha256:`, `"content_hash": "sha256:00`, manifest},
		"no hash of the content":      {unsigned, meta, `"content_hash"`, `"other"`, none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := clone(t, c.tree)
			edit(t, dir, c.path, c.old, c.text)
			if v := verify(t, dir, lumentree.VerifyOptions{}); !slices.Equal(codes(v), c.want) {
				t.Errorf("found %v, want the codes %v", v.Problems, c.want)
			}
		})
	}
}
