package packages

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// A crash at any point leaves nothing visible; the bytes go some hours later,
// and the same request again succeeds.
func TestCrashPoints(t *testing.T) {
	lost := errors.New("power is gone")
	text := tgz(t, "@acme/a", "1.0.0", "x")
	for point := 0; ; point++ {
		w := newWorld(t, Options{})
		w.DB.FailFrom(point, lost)
		_, err := w.send(alice, text, Release{})
		w.DB.BeforeApply = nil
		if err == nil {
			if point < 3 {
				t.Errorf("only %d writes were tried", point)
			}
			break
		}
		if !errors.Is(err, lost) {
			t.Fatalf("point %d: %v", point, err)
		}
		if _, err := w.Package(t.Context(), "@acme/a"); !errors.Is(err, fault.NotFound) {
			t.Errorf("point %d: the package is visible: %v", point, err)
		}
		if ours, err := w.Ours(t.Context(), "@acme/b"); err != nil || ours {
			t.Errorf("point %d: the scope is taken, %v", point, err)
		}
		if owned, err := w.Owned(t.Context(), "alice"); err != nil || len(owned) > 0 {
			t.Errorf("point %d: alice owns %v, %v", point, owned, err)
		}
		if found, _, err := w.Search(t.Context(), "", 0, 0); err != nil || len(found) > 0 {
			t.Errorf("point %d: found %v, %v", point, found, err)
		}
		w.Pass(10 * time.Hour)
		w.sweep()
		if w.Stored() != 0 {
			t.Errorf("point %d: the bytes are still there", point)
		}
		if res, err := w.send(alice, text, Release{}); err != nil || res.Unchanged {
			t.Errorf("point %d: the same again: %v", point, err)
		}
	}
}

func TestPublishedBytesStay(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	for range 4 {
		w.Pass(90 * day)
		w.sweep()
	}
	if _, err := w.read("a", "1.0.0"); err != nil {
		t.Errorf("after a year: %v", err)
	}
}

// Of many publishes of one version with different bytes, on two servers, one wins.
func TestRacersForOneVersion(t *testing.T) {
	w := newWorld(t, Options{})
	servers := []*Service{w.Service, w.another(Options{})}
	errs := make([]error, 12)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			text := tgz(t, "@acme/a", "1.0.0", fmt.Sprint("bytes of ", i))
			_, errs[i] = sendTo(t, servers[i%2], alice, text, Release{})
		})
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		if err == nil && won >= 0 {
			t.Errorf("%d and %d have both won", won, i)
		}
		if err == nil {
			won = i
		} else {
			refused(t, fmt.Sprint("racer ", i), err, fault.Exists, "version_exists")
		}
	}
	got, err := w.read("@acme/a", "1.0.0")
	if err != nil || won < 0 || !bytes.Equal(got, tgz(t, "@acme/a", "1.0.0", fmt.Sprint("bytes of ", won))) {
		t.Errorf("the bytes are not those of the winner %d: %v", won, err)
	}
	w.Pass(10 * time.Hour)
	w.sweep()
	if w.Stored() != 1 {
		t.Errorf("%d blobs are left, want the winner's", w.Stored())
	}
}

func TestParallelVersions(t *testing.T) {
	w := newWorld(t, Options{})
	servers := []*Service{w.Service, w.another(Options{})}
	const n = 24
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			version := fmt.Sprintf("1.0.%d", i)
			_, errs[i] = sendTo(t, servers[i%2], alice, tgz(t, "a", version, version), Release{Tags: []string{fmt.Sprint("v-", i)}})
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("publish %d: %v", i, err)
		}
	}
	p := w.get("a")
	if len(p.Versions) != n || len(p.Tags) != n+1 || !strings.HasPrefix(p.Revision, fmt.Sprint(n, "-")) {
		t.Errorf("%d versions, %d tags at %s, want %d, %d more and one revision each", len(p.Versions), len(p.Tags), p.Revision, n, n)
	}
	for i := range n {
		if v := fmt.Sprintf("1.0.%d", i); p.Tags[fmt.Sprint("v-", i)] != v {
			t.Errorf("v-%d = %s, want %s", i, p.Tags[fmt.Sprint("v-", i)], v)
		}
	}
}
