package commits

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/store/kv"
)

// seed stores commits of acme/ws with the packages p000, p001, …, as their
// publishes would, but all at once.
func (w *world) seed(commits, packages int) {
	w.t.Helper()
	const like = "0123456789abcdef0123456789abcdef01234567"
	var all []Package
	for i := range packages {
		x := packFor(w.t, like, fmt.Sprintf("p%03d", i), npm.PreviewVersion(like), "x")
		if err := w.put(x); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, Package{Name: x.name, Artifact: Artifact{Recipe: &x.recipe, Size: 1000, Unpacked: 2000, Files: 2}})
	}
	repo := Repository{Host: defaultForge, Path: "acme/ws"}
	ops := []kv.Op{kv.Add(revisionKey(repo.Path), 1)}
	names := make([]string, packages)
	for c := range commits {
		sum := sha256.Sum256(fmt.Append(nil, c))
		sha, at := hex.EncodeToString(sum[:20]), w.Now()
		for i := range all {
			all[i].Version, all[i].PublishedAt, all[i].Artifact.Sums = npm.PreviewVersion(sha), at, sumsOf(sha, i)
			names[i] = all[i].Name
		}
		id, until := newPublishID(at), at.Add(90*day)
		rows, err := encode(sha, id, all)
		if err != nil {
			w.t.Fatal(err)
		}
		value, err := encodeListing(id, names)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range append(rows, kv.Row{Key: indexKey(repo.Path, sha), Value: value, Expires: until},
			kv.JSON(headKey(sha), head{Publishes: []publish{{ID: id, Rows: len(rows), Repository: repo}}, PublishedAt: at, ExpiresAt: until})) {
			ops = append(ops, kv.Put(r))
		}
	}
	for some := range slices.Chunk(ops, 50) {
		if err := w.db.Apply(w.t.Context(), some...); err != nil {
			w.t.Fatal(err)
		}
	}
}

func sumsOf(sha string, i int) digest.Sums {
	d := sha512.Sum512(fmt.Append(nil, sha, i))
	var p digest.Packed
	copy(p[:], d[:])
	copy(p[len(d):], d[:])
	return p.Sums()
}

// BenchmarkPreviews reads a name of a repository with 1,000 commits of 100 packages each.
func BenchmarkPreviews(b *testing.B) {
	w := newWorld(b, Options{})
	w.seed(1000, 100)
	read := func(b *testing.B, name string, want int) {
		p, err := w.Previews(b.Context(), "acme/ws", name)
		if err != nil || len(p.Versions) != want {
			b.Fatalf("Previews = %d versions, %v", len(p.Versions), err)
		}
	}
	b.Run("first", func(b *testing.B) { // after a start
		for b.Loop() {
			w.shelf, w.heads = newShelf(), heads{}
			read(b, "p000", 1000)
		}
	})
	b.Run("none", func(b *testing.B) { // of the first request, for a name that is upstream's
		for b.Loop() {
			w.shelf = newShelf()
			read(b, "react", 0)
		}
	})
	b.Run("others", func(b *testing.B) {
		read(b, "p000", 1000)
		i := 0
		for b.Loop() {
			i++
			read(b, fmt.Sprintf("p%03d", i%100), 1000)
		}
		b.ReportMetric(float64(w.shelf.size)/1e6, "MB-shelf")
	})
	b.Run("after-a-publish", func(b *testing.B) {
		i := 0
		for b.Loop() {
			b.StopTimer()
			i++
			if err := w.db.Apply(b.Context(), kv.Add(revisionKey("acme/ws"), 1)); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			read(b, fmt.Sprintf("p%03d", i%100), 1000)
		}
	})
	b.Run("tarball", func(b *testing.B) {
		version := w.previews("acme/ws", "p050").Versions[500].Version
		for b.Loop() {
			if _, err := w.Preview(b.Context(), "acme/ws", "p050", version); err != nil {
				b.Fatal(err)
			}
		}
	})
}
