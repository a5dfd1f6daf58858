package commits

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/kv"
)

var (
	alice   = who{user: "alice"}
	mallory = who{user: "mallory"}
	boss    = who{user: "boss", admin: true}
	given   = who{user: "bot", granted: "https://github.com/acme/ws"}
)

// sendAs is send for a caller.
func (w *world) sendAs(by who, p Publication, packages ...packed) error {
	w.t.Helper()
	if err := w.put(packages...); err != nil {
		w.t.Fatal(err)
	}
	_, err := w.Publish(w.t.Context(), by, p)
	return err
}

// owners reads who owns acme/ws.
func (w *world) owners() string {
	w.t.Helper()
	owners, err := w.Owners(w.t.Context(), Repository{defaultForge, "acme/ws"})
	if err != nil && !errors.Is(err, fault.NotFound) {
		w.t.Fatal(err)
	}
	return strings.Join(owners, ",")
}

func TestFirstPublisherOwns(t *testing.T) {
	w := newWorld(t, Options{})
	a, other := pack(t, "a", "1.0.0", "a"), pack(t, "a", "1.0.0", "other bytes")
	first := publication(sha1a, "acme/ws", a)
	first.Refs = []Ref{{PR, "7"}}
	if err := w.sendAs(alice, first, a); err != nil || w.owners() != "alice" {
		t.Fatalf("the first publish: %v; the owners are %q", err, w.owners())
	}
	blobs := w.count()
	attacks := map[string]func(p *Publication){
		"a commit of its own":   func(p *Publication) { p.SHA = sha1b },
		"a ref":                 func(p *Publication) { p.SHA, p.Refs = sha1b, []Ref{{PR, "7"}, {Branch, "main"}} },
		"a replacement":         func(p *Publication) { p.Replace = true },
		"what is there, kept":   func(p *Publication) { p.Keep = true },
		"the name in capitals":  func(p *Publication) { p.SHA, p.Repository.Path = sha1b, "ACME/Ws" },
		"the same bytes, a ref": func(p *Publication) { p.Packages, p.Refs = first.Packages, []Ref{{Branch, "main"}} },
	}
	for name, attack := range attacks {
		p := publication(sha1a, "acme/ws", other)
		attack(&p)
		err := w.sendAs(mallory, p)
		if codeOf(err) != "not_repository_owner" || !errors.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v, want not_repository_owner", name, err)
			continue
		}
		for _, words := range []string{"acme/ws", "alice", "mallory", "add-owner"} {
			if !strings.Contains(strings.ToLower(err.Error()), words) {
				t.Errorf("%q does not say %q", err, words)
			}
		}
		if _, err := w.Missing(t.Context(), mallory, p.Repository, []tarball.Part{other.recipe.Body}); codeOf(err) != "not_repository_owner" {
			t.Errorf("the plan of %s: %v", name, err)
		}
	}
	if _, err := w.Commit(t.Context(), sha1b); !errors.Is(err, fault.NotFound) || w.count() != blobs {
		t.Errorf("after the refusals the commit: %v; %d blobs, before %d", err, w.count(), blobs)
	}
	for ref, want := range map[Ref]string{{PR, "7"}: sha1a, {Branch, "main"}: ""} {
		if sha, _ := w.Point(t.Context(), "acme/ws", Pointer{Refs: []Ref{ref}}); sha != want {
			t.Errorf("%s points at %q, want %q", ref, sha, want)
		}
	}
	if text, err := w.read(sha1a, "a"); text != "a" {
		t.Errorf("the package has %q, %v", text, err)
	}
	for _, by := range []who{alice, boss, given} {
		p := publication(sha1a, "acme/ws", pack(t, "a", "1.0.0", "by "+by.user))
		p.Replace = true
		if err := w.sendAs(by, p, pack(t, "a", "1.0.0", "by "+by.user)); err != nil || w.owners() != "alice" {
			t.Errorf("%s publishes: %v; the owners are %q", by.user, err, w.owners())
		}
	}
	// Neither is a grant one of other repositories, nor an owner one of them.
	for i, repo := range []Repository{{defaultForge, "acme/ws2"}, {"gitlab.com", "other/ws"}} {
		p := publication(fmt.Sprintf("%040x", i), "", a)
		p.Repository = repo
		if err := w.sendAs(boss, p, a); err != nil {
			t.Fatal(err)
		}
		for _, by := range []who{given, alice} {
			if err := w.sendAs(by, p); codeOf(err) != "not_repository_owner" || !strings.Contains(err.Error(), strings.TrimPrefix(repo.String(), "https://github.com/")) {
				t.Errorf("%s publishes for %s: %v", by.user, repo, err)
			}
		}
	}
}

// Of two first publishers at the same time one owns the repository, and all that is there is its own.
func TestFirstPublishersAtOnce(t *testing.T) {
	w := newWorld(t, Options{})
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			a := pack(t, "a", "1.0.0", fmt.Sprint(i))
			p := publication(fmt.Sprintf("%040x", i+1), "acme/ws", a)
			if errs[i] = w.put(a); errs[i] == nil {
				_, errs[i] = w.Publish(t.Context(), who{user: fmt.Sprint("user", i)}, p)
			}
		})
	}
	wg.Wait()
	winner := slices.Index(errs, nil)
	if winner < 0 || w.owners() != fmt.Sprint("user", winner) {
		t.Fatalf("the owners are %q of %v", w.owners(), errs)
	}
	for i, err := range errs {
		_, found := w.Commit(t.Context(), fmt.Sprintf("%040x", i+1))
		if i != winner && (codeOf(err) != "not_repository_owner" || !errors.Is(found, fault.NotFound)) {
			t.Errorf("publisher %d: %v; its commit: %v", i, err, found)
		}
	}
}

// Who looked while nobody owned the repository is refused if somebody does at the end.
func TestOwnedInBetween(t *testing.T) {
	w := newWorld(t, Options{})
	a, b := pack(t, "a", "1.0.0", "a"), pack(t, "a", "1.0.0", "b")
	if err := w.put(a, b); err != nil {
		t.Fatal(err)
	}
	between := func() {
		if _, err := w.Publish(t.Context(), alice, publication(sha1b, "acme/ws", b)); err != nil {
			t.Error(err)
		}
	}
	w.db.before = func(ops []kv.Op) error {
		for _, op := range ops {
			if op.Row.Sort == "host" && between != nil { // what makes mallory's publish visible
				act := between
				between = nil
				act()
			}
		}
		return nil
	}
	if _, err := w.Publish(t.Context(), mallory, publication(sha1a, "acme/ws", a)); codeOf(err) != "not_repository_owner" || w.owners() != "alice" {
		t.Errorf("Publish = %v; the owners are %q", err, w.owners())
	}
}

func TestOwnersEndWithTheRepository(t *testing.T) {
	w := newWorld(t, Options{Retention: 10 * day})
	a := pack(t, "a", "1.0.0", "a")
	if err := w.sendAs(alice, publication(sha1a, "acme/ws", a), a); err != nil {
		t.Fatal(err)
	}
	w.Pass(6 * day)
	if err := w.sendAs(alice, publication(sha1b, "acme/ws", a), a); err != nil {
		t.Fatal(err)
	}
	w.Pass(9 * day) // the first commit has ended
	if err := w.sendAs(mallory, publication(sha1a, "acme/ws", a), a); codeOf(err) != "not_repository_owner" {
		t.Errorf("while a commit lives: %v", err)
	}
	w.Pass(2 * day)
	if w.owners() != "" {
		t.Errorf("nothing is left, and the owners are %q", w.owners())
	}
	if err := w.sendAs(mallory, publication(sha1a, "acme/ws", a), a); err != nil || w.owners() != "mallory" {
		t.Errorf("after the end: %v; the owners are %q", err, w.owners())
	}
}

// Rows of before there were owners have a host alone; who publishes next owns them.
func TestClaimsOfBefore(t *testing.T) {
	w := newWorld(t, Options{})
	repo := Repository{defaultForge, "acme/ws"}
	old := kv.JSON(hostKey(repo), defaultForge)
	old.Expires = w.Now().Add(400 * day)
	if err := w.db.Apply(t.Context(), kv.Put(old)); err != nil {
		t.Fatal(err)
	}
	if owners, err := w.Owners(t.Context(), repo); err != nil || len(owners) != 0 {
		t.Errorf("Owners = %v, %v", owners, err)
	}
	if _, err := w.AddOwner(t.Context(), mallory, repo, "mallory"); codeOf(err) != "not_repository_owner" {
		t.Errorf("AddOwner by anybody = %v", err)
	}
	a := pack(t, "a", "1.0.0", "a")
	elsewhere := publication(sha1a, "", a)
	elsewhere.Repository = Repository{"gitlab.com", "acme/ws"}
	if err := w.sendAs(alice, elsewhere, a); codeOf(err) != "other_host" {
		t.Errorf("Publish from another host = %v", err)
	}
	if err := w.sendAs(alice, publication(sha1a, "acme/ws", a), a); err != nil || w.owners() != "alice" {
		t.Errorf("Publish = %v; the owners are %q", err, w.owners())
	}
	row, err := w.db.Get(t.Context(), hostKey(repo))
	if err != nil || !row.Expires.Equal(old.Expires.Truncate(1e9)) {
		t.Errorf("the claim ends at %s, %v, want %s as before", row.Expires, err, old.Expires)
	}
	if err := w.sendAs(mallory, publication(sha1b, "acme/ws", a), a); codeOf(err) != "not_repository_owner" {
		t.Errorf("another's publish = %v", err)
	}
	if err := w.db.Apply(t.Context(), kv.Put(kv.Row{Key: hostKey(repo), Value: []byte("[]")})); err != nil {
		t.Fatal(err)
	}
	if err := w.sendAs(boss, publication(sha1b, "acme/ws", a), a); err == nil {
		t.Error("a claim that can't be read is taken for none")
	}
}

// The same owner/repo of another forge is another repository, which gets in neither way.
func TestOwnersOfOtherHosts(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "a")
	if err := w.sendAs(alice, publication(sha1a, "acme/ws", a), a); err != nil {
		t.Fatal(err)
	}
	elsewhere := Repository{"evil.example", "acme/ws"}
	p := publication(sha1b, "", a)
	p.Repository = elsewhere
	for _, by := range []who{alice, mallory, boss} {
		if err := w.sendAs(by, p, a); codeOf(err) != "other_host" {
			t.Errorf("%s publishes from another host: %v", by.user, err)
		}
		if _, err := w.Missing(t.Context(), by, elsewhere, nil); codeOf(err) != "other_host" {
			t.Errorf("%s plans from another host: %v", by.user, err)
		}
		if _, err := w.AddOwner(t.Context(), by, elsewhere, "mallory"); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s adds an owner from another host: %v", by.user, err)
		}
	}
	if w.owners() != "alice" {
		t.Errorf("the owners are %q", w.owners())
	}
}

func TestChangeOwners(t *testing.T) {
	w := newWorld(t, Options{})
	repo := Repository{defaultForge, "Acme/WS"}
	if _, err := w.AddOwner(t.Context(), boss, repo, "alice"); !errors.Is(err, fault.NotFound) {
		t.Errorf("AddOwner where nothing is = %v", err)
	}
	a := pack(t, "a", "1.0.0", "a")
	if err := w.sendAs(alice, publication(sha1a, "acme/ws", a), a); err != nil {
		t.Fatal(err)
	}
	before, err := w.db.Get(t.Context(), hostKey(repo))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddOwner(t.Context(), who{user: "alice", denied: true}, repo, "bob"); !errors.Is(err, fault.Forbidden) {
		t.Errorf("AddOwner with a token that may not publish = %v", err)
	}
	for _, tt := range []struct {
		by     who
		add    bool
		user   string
		code   string
		owners string
	}{
		{mallory, true, "mallory", "not_repository_owner", "alice"},
		{mallory, false, "alice", "not_repository_owner", "alice"},
		{given, true, "bot", "not_repository_owner", "alice"}, // a grant ends with its token
		{alice, false, "alice", "no_owner", "alice"},
		{alice, true, "", "invalid_user", "alice"},
		{alice, true, "a b", "invalid_user", "alice"},
		{alice, true, "x\x00", "invalid_user", "alice"},
		{alice, true, strings.Repeat("x", 215), "invalid_user", "alice"},
		{alice, true, "bob", "", "alice,bob"},
		{alice, true, "bob", "", "alice,bob"},
		{boss, true, "carol", "", "alice,bob,carol"},
		{who{user: "bob"}, false, "alice", "", "bob,carol"},
		{who{user: "bob"}, false, "nobody", "", "bob,carol"},
		{alice, true, "alice", "not_repository_owner", "bob,carol"},
	} {
		change := w.RemoveOwner
		if tt.add {
			change = w.AddOwner
		}
		owners, err := change(t.Context(), tt.by, repo, tt.user)
		if codeOf(err) != tt.code || w.owners() != tt.owners || err == nil && strings.Join(owners, ",") != tt.owners {
			t.Errorf("%s changes %q (add %v): %v, %v; want %q and %s", tt.by.user, tt.user, tt.add, owners, err, tt.code, tt.owners)
		}
	}
	for i := range maxOwners + 1 {
		_, err = w.AddOwner(t.Context(), boss, repo, fmt.Sprint("user", i))
	}
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "100") {
		t.Errorf("one too many: %v", err)
	}
	after, err := w.db.Get(t.Context(), hostKey(repo))
	if err != nil || !after.Expires.Equal(before.Expires) {
		t.Errorf("a change of owners moved the end from %s to %s, %v", before.Expires, after.Expires, err)
	}
}

// Without a repository nobody owns a commit's package but who published it.
func TestReplaceWithoutRepository(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "alice's")
	if err := w.sendAs(alice, publication(sha1a, "", a), a); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		by   who
		code string
	}{{mallory, "not_publisher"}, {given, "not_publisher"}, {alice, ""}, {boss, ""}, {alice, "not_publisher"}} { // what the admin replaced is the admin's
		other := pack(t, "a", "1.0.0", "by "+tt.by.user)
		p := publication(sha1a, "", other)
		p.Replace = true
		if err := w.sendAs(tt.by, p, other); codeOf(err) != tt.code {
			t.Errorf("%s replaces it: %v, want %q", tt.by.user, err, tt.code)
		}
		if text, err := w.read(sha1a, "a"); (text == "by "+tt.by.user) != (tt.code == "") {
			t.Errorf("after %s it has %q, %v", tt.by.user, text, err)
		}
	}
	b := pack(t, "b", "1.0.0", "b")
	if err := w.sendAs(mallory, publication(sha1a, "", b), b); err != nil {
		t.Errorf("another package of the commit: %v", err)
	}
}

// Packages that were gathered stay those of who published them.
func TestGatheredPackagesKeepTheirPublisher(t *testing.T) {
	some := Artifact{Whole: &tarball.Part{Size: 1}, Sums: digest.NewHasher().Sums()}
	c := contents{packages: map[string]Package{"first": {Name: "first", Publisher: "alice", Artifact: some}}}
	rows, err := encode(sha1a, newPublishID(newWorld(t, Options{}).now()), c.gather(Repository{}, []Package{{Name: "second", Publisher: "mallory", Artifact: some}}))
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	packages, err := decode(rows[0])
	if err != nil || len(packages) != 2 {
		t.Fatalf("%+v, %v", packages, err)
	}
	for i, user := range []string{"alice", "mallory"} {
		if mayReplace(who{user: "mallory"}, packages[i]) != (user == "mallory") || packages[i].Publisher != user {
			t.Errorf("%s belongs to %q, want %s", packages[i].Name, packages[i].Publisher, user)
		}
	}
}

// Who has published a commit's package for no repository may say later whose it is, and nobody else.
func TestWhoseItIsMayBeSaidLater(t *testing.T) {
	w := newWorld(t, Options{})
	a, other := pack(t, "a", "1.0.0", "alice's"), pack(t, "a", "1.0.0", "other bytes")
	if err := w.sendAs(alice, publication(sha1a, "", a), a); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		by   who
		sent packed
		code string
	}{{mallory, a, "other_repository"}, {alice, other, "other_repository"}, {alice, a, ""}, {alice, a, ""}} {
		if err := w.sendAs(tt.by, publication(sha1a, "acme/ws", tt.sent), tt.sent); codeOf(err) != tt.code {
			t.Errorf("%s: %v, want code %q", tt.by.user, err, tt.code)
		}
	}
	c, err := w.Commit(t.Context(), sha1a)
	if err != nil || len(c.Packages) != 1 || c.Packages[0].Repository.Path != "acme/ws" {
		t.Errorf("the commit has %+v, %v", c.Packages, err)
	}
	if err := w.sendAs(alice, publication(sha1a, "", a), a); codeOf(err) != "other_repository" {
		t.Errorf("taking it back: %v", err)
	}
	w.sound()
}
