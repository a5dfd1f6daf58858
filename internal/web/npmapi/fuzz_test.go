package npmapi

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/fault"
)

// FuzzDocument: whatever a client sends, it becomes a release or a refusal.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		`{"_id":"a","name":"a","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"a","version":"1.0.0","gitHead":"x","dist":{"integrity":"sha512-x"}}},"_attachments":{"a-1.0.0.tgz":{"data":0,"length":3}}}`,
		`{"versions":{"1.0.0":{}},"_attachments":{"x.sigstore":{"data":"{}"},"x.tgz":{"data":-1}}}`,
		`{"versions":{"":{"readme":7,"deprecated":true}},"users":{"a":true},"maintainers":[{"name":"a"}],"readme":null}`,
		`{"_attachments":null,"versions":[]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d document
		if json.Unmarshal([]byte(text), &d) != nil {
			return
		}
		up := &uploads{list: []*packages.Upload{{}}}
		rel, err := d.release("a", up)
		switch {
		case err != nil && !errors.Is(err, fault.Invalid):
			t.Errorf("release of %s: %v is no refusal", text, err)
		case err == nil && (rel.Name != "a" || rel.Upload != up.list[0] || len(d.Versions) != 1):
			t.Errorf("release of %s = %+v", text, rel)
		}
	})
}
