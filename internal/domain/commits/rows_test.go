package commits

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
)

// somePackages are n packages, by turns split, whole, and whole with a manifest.
func somePackages(n int) (all []Package) {
	part := func(text string, i int) tarball.Part {
		return tarball.Part{Digest: digest.Of(fmt.Append(nil, text, i)), Size: int64(i)}
	}
	for i := range n {
		h := digest.NewHasher()
		_, _ = fmt.Fprint(h, i)
		p := Package{Name: fmt.Sprint("p", i), Dir: "packages/p", PublishedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
		p.Artifact = Artifact{Size: 10, Unpacked: 20, Files: 2, Sums: h.Sums()}
		switch i % 3 {
		case 0:
			p.Artifact.Recipe = &tarball.Recipe{Head: part("head", i), Body: part("body", i), CRC32: uint32(i), Raw: 30, Holes: true}
		case 1:
			p.Artifact.Whole = new(part("whole", i))
		case 2:
			p.Artifact.Whole, p.Artifact.Manifest = new(part("whole", i)), &Manifest{part("manifest", i), true}
		}
		all = append(all, p)
	}
	return all
}

func TestRowsThereAndBack(t *testing.T) {
	for _, n := range []int{1, 3, 1000} {
		all, given := somePackages(n), somePackages(n)
		rows, err := encode(sha1a, "id", all)
		if err != nil {
			t.Fatal(err)
		}
		var back []Package
		for _, r := range rows {
			if err := r.Validate(); err != nil {
				t.Error(err)
			}
			some, err := decode(r)
			if err != nil {
				t.Fatal(err)
			}
			back = append(back, some...)
		}
		if d := cmp.Diff(given, back); d != "" {
			t.Errorf("%d packages came back (-given +back)\n%s", n, d)
		}
		if d := cmp.Diff(given, all); d != "" {
			t.Errorf("encode has changed what it was given\n%s", d)
		}
	}
	if rows, err := encode(sha1a, "id", somePackages(1000)); err != nil || len(rows) < 2 {
		t.Errorf("1,000 packages are in %d rows, %v: the bound of a row is not tested", len(rows), err)
	}
}

// A row that is cut off, or longer, is not taken for whole.
func TestDamagedRows(t *testing.T) {
	rows, err := encode(sha1a, "id", somePackages(3))
	if err != nil {
		t.Fatal(err)
	}
	whole := rows[0]
	for name, value := range map[string][]byte{
		"a digest is cut off": whole.Value[:len(whole.Value)-1],
		"a byte more":         append(slices.Clone(whole.Value), 0),
		"text alone":          deflated(t, `[{"name":"a","artifact":{"recipe":{}}}]`),
		"no bytes":            deflated(t, `[{"name":"a","artifact":{}}]`),
		"no JSON":             deflated(t, `[`),
		"nothing":             nil,
	} {
		r := whole
		r.Value = value
		if packages, err := decode(r); err == nil {
			t.Errorf("%s: %+v", name, packages)
		}
	}
}

func deflated(t *testing.T, text string) []byte {
	t.Helper()
	value, err := deflate([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}
