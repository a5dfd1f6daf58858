package packages

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

func (w *world) stage(who Principal, text []byte, r Release) (Staged, error) {
	w.t.Helper()
	u, err := w.Receive(w.t.Context(), who, bytes.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	defer u.Close()
	r.Upload = u
	return w.Stage(w.t.Context(), who, r)
}

func TestStage(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	w.publish(alice, "a", "1.0.0")
	text := pack(t, `"name":"a","version":"2.0.0","dependencies":{"x":"1"}`, "index.js", "two")
	bundle := bundleOf(sha512Of(t, text), slsa)
	staged, err := w.stage(bot, text, Release{Tags: []string{"next"}, Provenance: bundle, Readme: "# Two"})
	if err != nil {
		t.Fatal(err)
	}
	if !uuid.MatchString(staged.ID) || staged.Tag != "next" || staged.Actor != "bot" || staged.Version != "2.0.0" || len(staged.Shasum) != 40 {
		t.Errorf("Stage = %+v", staged)
	}
	if got := w.get("a").list(); got != "1.0.0" {
		t.Errorf("a staged version is visible: %s", got)
	}
	for _, who := range []Principal{bot, alice, root} {
		if got, err := w.StagedOne(ctx, who, staged.ID); err != nil || got != staged {
			t.Errorf("StagedOne for %s = %+v, %v", who, got, err)
		}
	}
	c, got, err := w.StagedOpen(ctx, alice, staged.ID)
	if err != nil || got != staged {
		t.Fatal(err)
	}
	defer c.Close()
	if all, err := io.ReadAll(c); err != nil || !bytes.Equal(all, text) || c.Size != int64(len(text)) {
		t.Errorf("the staged bytes are others, %v", err)
	}

	w.Pass(29 * day)
	w.sweep()
	_, err = w.Approve(ctx, bot, staged.ID)
	refused(t, "approved by the machine that staged it", err, fault.Forbidden, "not_owner")
	res, err := w.Approve(ctx, alice, staged.ID)
	if err != nil || res.Unchanged {
		t.Fatal(err)
	}
	w.Pass(100 * day)
	w.sweep()
	v, err := w.Version(ctx, "a", "next")
	if err != nil || v.Publisher.Name != "bot" || v.Manifest.Get("dependencies") == nil || len(v.Dist.Signatures) != 1 || !v.Provenance {
		t.Errorf("the approved version is %+v, %v", v, err)
	}
	if got, err := w.read("a", "2.0.0"); err != nil || !bytes.Equal(got, text) {
		t.Errorf("the approved bytes: %v", err)
	}
	if err := w.Tag(ctx, alice, "a", "latest", "2.0.0"); err != nil || w.get("a").Readme != "# Two" {
		t.Errorf("its readme is %q, %v", w.get("a").Readme, err)
	}
	_, err = w.Approve(ctx, alice, staged.ID)
	refused(t, "approved twice", err, fault.NotFound, "")
	w.SpoolIsEmpty()
}

func TestStageOfANewName(t *testing.T) {
	w := newWorld(t, Options{Upstream: &elsewhere{has: []string{"lodash"}}})
	ctx := t.Context()
	_, err := w.stage(alice, tgz(t, "lodash", "1.0.0", ""), Release{})
	refused(t, "a name of upstream", err, fault.Forbidden, "exists_upstream")
	staged, err := w.stage(alice, tgz(t, "@acme/new", "1.0.0", ""), Release{})
	if err != nil {
		t.Fatal(err)
	}
	// Nobody owns it: others must not take it over by approving it.
	_, err = w.Approve(ctx, bob, staged.ID)
	refused(t, "approved by anybody", err, fault.NotFound, "")
	_, err = w.Approve(ctx, bot, staged.ID)
	refused(t, "approved by who may write it", err, fault.NotFound, "")
	res, err := w.Approve(ctx, root, staged.ID)
	if err != nil || res.FirstOf != "@acme" {
		t.Fatalf("first of %q, %v", res.FirstOf, err)
	}
	if owners, err := w.ScopeOwners(ctx, "@acme"); err != nil || len(owners) != 1 || owners[0] != "alice" || w.get("@acme/new").Owners[0] != "alice" {
		t.Errorf("owners = %v, %v, want who staged it", owners, err)
	}
	staged, err = w.stage(alice, tgz(t, "mine", "1.0.0", ""), Release{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Approve(ctx, alice, staged.ID); err != nil {
		t.Errorf("approved by who will own it: %v", err)
	}
}

func TestStageChecks(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	w.publish(alice, "a", "1.0.0")
	for what, err := range map[string]error{
		"other bytes": func() error { _, err := w.stage(alice, tgz(t, "a", "1.0.0", "other"), Release{}); return err }(),
		"same bytes":  func() error { _, err := w.stage(alice, tgz(t, "a", "1.0.0", "a1.0.0"), Release{}); return err }(),
	} {
		refused(t, what, err, fault.Exists, "version_exists")
	}
	_, err := w.stage(bob, tgz(t, "a", "2.0.0", ""), Release{})
	refused(t, "a stranger", err, fault.Forbidden, "not_owner")
	_, err = w.stage(alice, tgz(t, "a", "2.0.0", ""), Release{Name: "b"})
	refused(t, "another name", err, fault.Invalid, "name_mismatch")

	one, err1 := w.stage(alice, tgz(t, "a", "2.0.0", "one"), Release{})
	two, err2 := w.stage(alice, tgz(t, "a", "2.0.0", "two"), Release{})
	three, err3 := w.stage(alice, tgz(t, "a", "2.0.0", "two"), Release{Tags: []string{"third"}})
	if err := errors.Join(err1, err2, err3); err != nil || two.ID == three.ID {
		t.Fatal(err)
	}
	if _, err := w.Approve(ctx, alice, two.ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.Approve(ctx, alice, one.ID)
	refused(t, "other bytes were approved", err, fault.Exists, "version_exists")
	if res, err := w.Approve(ctx, alice, three.ID); err != nil || !res.Unchanged || w.get("a").Tags["third"] != "2.0.0" {
		t.Errorf("the same bytes were approved: %v", err)
	}
	if err := w.Reject(ctx, alice, one.ID); err != nil {
		t.Error(err)
	}
	refused(t, "rejected twice", w.Reject(ctx, alice, one.ID), fault.NotFound, "")
	_, err = w.StagedOne(ctx, alice, one.ID)
	refused(t, "reading it", err, fault.NotFound, "")
	for _, id := range []string{"", "x", strings.Repeat("a", 2000), "../../head", "a\x00", one.ID + "/x"} {
		_, err := w.StagedOne(ctx, alice, id)
		refused(t, "id "+id, err, fault.NotFound, "")
	}
}

func TestStagedList(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	w.publish(alice, "a", "1.0.0")
	w.publish(alice, "a-b", "1.0.0")
	w.publish(bob, "b", "1.0.0")
	for i, x := range []struct {
		who  Principal
		name string
	}{{alice, "a"}, {bot, "a"}, {bob, "b"}, {alice, "a-b"}} {
		w.Pass(time.Minute)
		if _, err := w.stage(x.who, tgz(t, x.name, fmt.Sprintf("2.%d.0", i), ""), Release{}); err != nil {
			t.Fatal(err)
		}
	}
	limited := user{Name: "alice", Only: []string{"a-b"}}
	for _, tt := range []struct {
		who        Principal
		name       string
		from, size int
		want       string
		total      int
	}{
		{alice, "", 0, 0, "2.3.0 2.1.0 2.0.0", 3},
		{alice, "a", 0, 0, "2.1.0 2.0.0", 2},
		{alice, "", 1, 1, "2.1.0", 3},
		{alice, "", 5, 1, "", 3},
		{bob, "", 0, 0, "2.2.0", 1},
		{bot, "", 0, 0, "2.1.0", 1},
		{root, "", 0, 1000, "2.3.0 2.2.0 2.1.0 2.0.0", 4},
		{nobody, "", 0, 0, "", 0},
		{limited, "", 0, 0, "2.3.0", 1},
		{alice, "none", -1, -1, "", 0},
	} {
		found, total, err := w.Staged(ctx, tt.who, tt.name, tt.from, tt.size)
		var got []string
		for _, s := range found {
			got = append(got, s.Version)
		}
		if strings.Join(got, " ") != tt.want || total != tt.total || err != nil {
			t.Errorf("Staged(%s, %q, %d, %d) = %v of %d, %v, want %s of %d", tt.who, tt.name, tt.from, tt.size, got, total, err, tt.want, tt.total)
		}
	}
	all, _, err := w.Staged(ctx, root, "b", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []Principal{alice, nobody, limited} { // neither read nor changed by others
		_, err := w.StagedOne(ctx, who, all[0].ID)
		refused(t, "StagedOne", err, fault.NotFound, "")
		_, _, err = w.StagedOpen(ctx, who, all[0].ID)
		refused(t, "StagedOpen", err, fault.NotFound, "")
		_, err = w.Approve(ctx, who, all[0].ID)
		refused(t, "Approve", err, fault.NotFound, "")
		refused(t, "Reject", w.Reject(ctx, who, all[0].ID), fault.NotFound, "")
	}
}

func TestStagedExpire(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	staged, err := w.stage(alice, tgz(t, "a", "1.0.0", "x"), Release{})
	if err != nil {
		t.Fatal(err)
	}
	w.Pass(31 * day)
	_, err = w.Approve(ctx, alice, staged.ID)
	refused(t, "Approve", err, fault.NotFound, "")
	if _, total, err := w.Staged(ctx, alice, "", 0, 0); total != 0 || err != nil {
		t.Errorf("%d are still listed, %v", total, err)
	}
	w.Pass(3 * day)
	w.sweep()
	if w.Stored() != 0 {
		t.Error("the bytes of an expired stage are still there")
	}
}

func TestStagesAreBounded(t *testing.T) {
	w := newWorld(t, Options{})
	var ops []kv.Op
	for i := range maxStages - 1 {
		ops = append(ops, kv.Put(kv.JSON(stagesKey("a", fmt.Sprint(i)), Staged{Name: "a"})))
	}
	if err := w.DB.Apply(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "a-b"} {
		if _, err := w.stage(alice, tgz(t, name, "1.0.0", ""), Release{}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.stage(alice, tgz(t, "a", "1.1.0", ""), Release{})
	refused(t, "one too many", err, fault.TooLarge, "too_many_stages")
}

// Bytes that a version shared with a stage go when the version is unpublished; approving says so.
func TestStagedBytesGone(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	text := tgz(t, "a", "1.0.0", "x")
	staged, err := w.stage(alice, text, Release{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.send(alice, text, Release{}); err != nil {
		t.Fatal(err)
	}
	if err := w.UnpublishAll(ctx, alice, "a", ""); err != nil {
		t.Fatal(err)
	}
	w.Pass(4 * time.Hour)
	w.sweep()
	_, err = w.Approve(ctx, alice, staged.ID)
	refused(t, "Approve", err, fault.NotFound, "stage_gone")
	_, _, err = w.StagedOpen(ctx, alice, staged.ID)
	refused(t, "StagedOpen", err, fault.NotFound, "stage_gone")
	if _, err := w.Package(ctx, "a"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a version without bytes is visible: %v", err)
	}
}

func TestApproveAndRejectAtOnce(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	staged, err := w.stage(alice, tgz(t, "a", "1.0.0", "x"), Release{})
	if err != nil {
		t.Fatal(err)
	}
	servers := []*Service{w.Service, w.another(Options{})}
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			if i%2 == 0 {
				_, errs[i] = servers[i%4/2].Approve(ctx, alice, staged.ID)
			} else {
				errs[i] = servers[i%4/2].Reject(ctx, alice, staged.ID)
			}
		})
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			t.Errorf("%d and %d have both won", won, i)
		case err == nil:
			won = i
		default:
			refused(t, fmt.Sprint(i), err, fault.NotFound, "")
		}
	}
	_, err = w.Package(ctx, "a")
	if approved := won >= 0 && won%2 == 0; approved != (err == nil) {
		t.Errorf("%d won, and the package is %v", won, err)
	}
}
