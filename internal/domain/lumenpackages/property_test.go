package lumenpackages

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/lumen"
)

// model is what is published of a package: version -> whether it is yanked.
type model map[string]bool

// index is the package's index as the rules for clients have it.
func (m model) index(name string) lumen.PackageIndex {
	x := lumen.PackageIndex{Name: name, Yanked: map[string]string{}, Prereleases: []string{}, Categories: []string{}}
	x.Versions = slices.SortedFunc(maps.Keys(m), lumen.Compare)
	stable := ""
	for _, v := range x.Versions {
		switch {
		case m[v]:
			x.Yanked[v] = "yanked " + v
		case lumen.Prerelease(v):
			x.Latest = v
		default:
			stable = v
		}
		if lumen.Prerelease(v) {
			x.Prereleases = append(x.Prereleases, v)
		}
	}
	if stable != "" {
		x.Latest = stable
	}
	return x
}

// shown is the version that describes the package.
func (m model) shown(x lumen.PackageIndex) string {
	if x.Latest == "" {
		return x.Versions[len(x.Versions)-1]
	}
	return x.Latest
}

// Whatever is published and yanked in whatever order, clients find what the rules say, and the whole tree holds together.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			w, m := newWorld(t, Options{}), model{}
			for range 25 {
				version := fmt.Sprintf("%d.%d.0%s", random.IntN(3), random.IntN(12), []string{"", "", "-rc.1", "-rc.10"}[random.IntN(4)])
				if yanked, there := m[version]; there {
					w.yank(alice, utils, version, !yanked, "yanked "+version)
					m[version] = !yanked
				} else {
					w.publish(alice, utils, version, `description = "`+version+`"`)
					m[version] = false
				}
				want := m.index(utils)
				want.Description = m.shown(want)
				if d := cmp.Diff(want, w.packageIndex(utils)); d != "" {
					t.Fatalf("after %s: %s", version, d)
				}
				if got := w.index().Packages[0]; got.Latest != want.Latest || got.Description != want.Description {
					t.Fatalf("after %s index.json has %+v, want %+v", version, got, want)
				}
			}
			w.verify()
		})
	}
}
