package packages

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// However versions are published, unpublished, brought back and staged, with a
// disk that fails now and then and sweeps in between: what is visible has its
// bytes, and in the end nothing else has.
func TestManyLives(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t, Options{Unpublish: 1000 * day})
	broken := errors.New("the disk fails")
	fails := func([]kv.Op) error {
		if random.IntN(12) == 0 {
			return broken
		}
		return nil
	}
	names := []string{"a", "@acme/b"}
	for range 5 {
		for range 30 {
			w.DB.BeforeApply, w.DB.AfterApply = fails, fails
			err := w.live(random, names[random.IntN(2)], fmt.Sprintf("1.%d.0", random.IntN(4)))
			w.DB.BeforeApply, w.DB.AfterApply = nil, nil
			if _, told := fault.Public(err); err != nil && !told && !errors.Is(err, broken) {
				t.Fatal(err)
			}
			w.wholeVersions(names)
			w.sound()
		}
		w.Pass(40 * day) // the last of what was staged has expired
		w.sweep()
		w.Pass(3 * time.Hour) // what a sweep could not do it does an hour later
		w.sweep()
		if living := w.wholeVersions(names); w.Stored() != living {
			t.Errorf("%d blobs are there for %d versions", w.Stored(), living)
		}
	}
}

// live makes one change of a version, or lets time pass.
func (w *world) live(random *rand.Rand, name, version string) (err error) {
	ctx, text := w.t.Context(), tgz(w.t, name, version, name+version)
	switch random.IntN(7) {
	case 0, 1, 2:
		_, err = w.send(alice, text, Release{})
	case 3:
		err = w.Unpublish(ctx, alice, name, "", version)
	case 4:
		var staged Staged
		if staged, err = w.stage(alice, text, Release{}); err == nil && random.IntN(2) == 0 {
			_, err = w.Approve(ctx, alice, staged.ID)
		}
	case 5:
		w.Pass(time.Duration(random.IntN(50)) * time.Hour)
	case 6:
		_, err = w.life.Sweep(ctx, w.Tasks())
	}
	return err
}

// wholeVersions counts the versions of packages, which must have their bytes.
func (w *world) wholeVersions(names []string) (n int) {
	w.t.Helper()
	for _, name := range names {
		p, err := w.Package(w.t.Context(), name)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			w.t.Fatal(err)
		}
		for _, v := range p.Versions {
			version := v.Version.Version
			if text, err := w.read(name, version); err != nil || !bytes.Equal(text, tgz(w.t, name, version, name+version)) {
				w.t.Fatalf("%s@%s is visible with %d bytes, %v", name, version, len(text), err)
			}
			n++
		}
	}
	return n
}
