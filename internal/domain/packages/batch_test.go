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
	"github.com/org/registry-action/internal/store/kv"
)

// sendAll publishes packages of one version at once.
func sendAll(t *testing.T, s *Service, who Principal, version, content string, names ...string) ([]Published, error) {
	t.Helper()
	var all []Release
	for _, name := range names {
		u, err := s.Receive(t.Context(), who, bytes.NewReader(tgz(t, name, version, content+name)))
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		all = append(all, Release{Name: name, Upload: u})
	}
	return s.PublishAll(t.Context(), who, all)
}

func names(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("@acme/p%02d", i))
	}
	return out
}

func TestPublishAll(t *testing.T) {
	w := newWorld(t, Options{})
	batches := 0
	w.DB.BeforeApply = func(ops []kv.Op) error {
		batches++
		return kv.Validate(ops)
	}
	res, err := sendAll(t, w.Service, alice, "1.0.0", "x", names(maxAtOnce)...)
	if err != nil {
		t.Fatal(err)
	}
	if len(res) != maxAtOnce || res[3].Version.Name != "@acme/p03" || res[3].FirstOf != "@acme" {
		t.Errorf("PublishAll = %+v", res)
	}
	if _, err := sendAll(t, w.Service, alice, "2.0.0", "x", names(maxAtOnce)...); err != nil {
		t.Fatal(err)
	}
	if found, total, err := w.Search(t.Context(), "acme", 0, 50); err != nil || total != maxAtOnce || found[7].Version != "2.0.0" {
		t.Errorf("%d packages are found, %v", total, err)
	}
	_, err = sendAll(t, w.Service, alice, "3.0.0", "x", names(maxAtOnce+1)...)
	refused(t, "too many", err, fault.TooLarge, "")
	_, err = sendAll(t, w.Service, alice, "3.0.0", "x", "a", "b", "a")
	refused(t, "twice", err, fault.Invalid, "duplicate_package")
	_, err = w.PublishAll(t.Context(), alice, nil)
	refused(t, "none", err, fault.Invalid, "no_packages")
	w.SpoolIsEmpty()
}

func TestPublishAllOrNone(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "taken", "1.0.0")
	w.publish(bob, "bobs", "1.0.0")
	_, err := sendAll(t, w.Service, alice, "1.0.0", "other", "new", "taken")
	refused(t, "one version exists", err, fault.Exists, "version_exists")
	_, err = sendAll(t, w.Service, alice, "1.0.0", "", "new", "bobs")
	refused(t, "one is another's", err, fault.Forbidden, "not_owner")
	if _, err := w.Package(t.Context(), "new"); !errors.Is(err, fault.NotFound) {
		t.Errorf("the other is published: %v", err)
	}
	if w.Stored() != 2 {
		t.Errorf("%d blobs are stored, want 2", w.Stored())
	}
	lost := errors.New("power is gone")
	w.DB.BeforeApply = func(ops []kv.Op) error {
		for _, op := range ops {
			if op.Row.Key == headKey("new") {
				return lost
			}
		}
		return nil
	}
	if _, err = sendAll(t, w.Service, alice, "2.0.0", "", "new", "taken"); !errors.Is(err, lost) {
		t.Fatal(err)
	}
	if got := w.get("taken").list(); got != "1.0.0" {
		t.Errorf("versions after a crash: %s", got)
	}
	w.DB.BeforeApply = nil
	res, err := sendAll(t, w.Service, alice, "2.0.0", "", "new", "taken")
	if err != nil || res[0].Unchanged {
		t.Fatal(err)
	}
	if res, err = sendAll(t, w.Service, alice, "2.0.0", "", "new", "taken"); err != nil || !res[0].Unchanged || !res[1].Unchanged {
		t.Errorf("the same again: %+v, %v", res, err)
	}
}

// Groups that overlap, sent to two servers at once in different orders, neither block nor lose one another.
func TestPublishAllInParallel(t *testing.T) {
	w := newWorld(t, Options{})
	servers := []*Service{w.Service, w.another(Options{})}
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		group := []string{"@acme/a", "@acme/b", "@acme/c"}
		if i%3 > 0 {
			group[0], group[2] = group[2], group[0]
		}
		wg.Go(func() { _, errs[i] = sendAll(t, servers[i%2], alice, fmt.Sprintf("1.%d.0", i), "x", group...) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if got := w.get("@acme/b").list(); len(strings.Fields(got)) != len(errs) {
		t.Errorf("versions = %s, want %d", got, len(errs))
	}
}

// A version that is unpublished while the same bytes are published again comes back whole or not at all.
func TestUnpublishedUnderARepeat(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, "a", "1.0.0")
	w.publish(alice, "a", "2.0.0")
	other, once := w.another(Options{}), true
	w.DB.BeforeApply = func([]kv.Op) error {
		if !once {
			return nil
		}
		once = false
		return other.Unpublish(t.Context(), alice, "a", "", "1.0.0")
	}
	_, err := w.send(alice, tgz(t, "a", "1.0.0", "a1.0.0"), Release{Tags: []string{"again"}})
	refused(t, "the repeat", err, fault.Unavailable, "")
	w.publish(alice, "a", "1.0.0", "again")
	w.Pass(time.Hour * 5)
	w.sweep()
	if _, err := w.read("a", "1.0.0"); err != nil {
		t.Errorf("it came back without bytes: %v", err)
	}
	if v := w.get("a").Versions[0]; len(v.Dist.Signatures) != 1 {
		t.Error("it came back without a signature")
	}
}
