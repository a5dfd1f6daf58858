package lumenpackages

import (
	"fmt"
	"testing"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/kv"
)

// fill makes rows of published versions, without archives: packages times versions.
func (w *world) fill(packages, versions int) {
	w.t.Helper()
	var ops []kv.Op
	flush := func() {
		if err := w.apply(w.t.Context(), ops...); err != nil {
			w.t.Fatal(err)
		}
		ops = ops[:0]
	}
	for i := range packages {
		name := fmt.Sprintf("@acme/package-%05d", i)
		p := part{digest.Of([]byte(name)), 1000}
		for j := range versions {
			version := fmt.Sprintf("1.%d.0", j)
			e := entry{Metadata: p, Signature: p, Artifacts: []artifact{{"tar", part{digest.Of([]byte(name + version)), 10_000}}}}
			if ops = append(ops, kv.Put(kv.JSON(entryKey(name, version), e))); len(ops) > 90 {
				flush()
			}
		}
		ops = append(ops, kv.Put(kv.JSON(summaryKey(name), summary{Latest: "1.0.0", Description: "a package of the benchmark", Modified: w.Now(), Index: p})))
		flush()
	}
	ops = append(ops, revised())
	flush()
}

// The registry of 10,000 versions that an export of it begins with: after a change, and when nothing was changed.
func BenchmarkFiles(b *testing.B) {
	for _, shape := range [][2]int{{1000, 10}, {10, 1000}} {
		w := newWorld(b, Options{})
		w.fill(shape[0], shape[1])
		for _, changed := range []bool{true, false} {
			b.Run(fmt.Sprintf("packages=%d,changed=%v", shape[0], changed), func(b *testing.B) {
				for b.Loop() {
					if changed {
						if err := w.apply(b.Context(), revised()); err != nil {
							b.Fatal(err)
						}
					}
					n := 0
					for _, err := range w.Files(b.Context()) {
						if err != nil {
							b.Fatal(err)
						}
						n++
					}
					if n < 30_000 {
						b.Fatalf("%d files", n)
					}
				}
			})
		}
	}
}

// One publish to a package that has 1,000 versions.
func BenchmarkPublishToMany(b *testing.B) {
	w := newWorld(b, Options{})
	w.publish(root, "@acme/package-00000", "0.0.1")
	w.fill(1, 1000)
	n := 0
	for b.Loop() {
		n++
		w.publish(root, "@acme/package-00000", fmt.Sprintf("2.%d.0", n))
	}
}
