package trust

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
)

const head = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

// mergeOf writes a commit with these parents.
func mergeOf(parents ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %040d\n", 0)
	for _, p := range parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	b.WriteString("author A <a@example.com> 1700000000 +0000\ncommitter GitHub <noreply@github.com> 1700000000 +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n parent " +
		strings.Repeat("c", 40) + "\n -----END PGP SIGNATURE-----\n\nMerge it\n\nparent " + strings.Repeat("d", 40) + "\n")
	return b.Bytes()
}

func nameOf(object []byte) string {
	sum := sha1.Sum(fmt.Appendf(nil, "commit %d\x00%s", len(object), object))
	return hex.EncodeToString(sum[:])
}

// The head of a pull request is proven by the object of the merge commit that the token is about.
func TestPullRequest(t *testing.T) {
	w := newWorld(t)
	w.policy(func(n *NewPolicy) { n.Tier, n.Packages = provenance.Preview, nil })
	merge := mergeOf(sha, head)
	ask := func(c issuertest.Claims, object []byte) error {
		_, _, err := w.Exchange(t.Context(), Ask{Token: w.issuer.Token(audience, c), Addr: address, Packages: []string{"@acme/a"}, MergeCommit: object})
		return err
	}
	run := issuertest.PullRequest(repository, nameOf(merge), 7)
	if err := ask(run, merge); err != nil {
		t.Fatal(err)
	}
	if got := w.made.last(t); got.Proof.SHA != head || got.Proof.Pull != 7 || strings.Join(got.Refs, " ") != "pr/7" || got.Proof.Tier != provenance.Preview {
		t.Errorf("the token is %+v", got)
	}
	// Without the object the token is for the merge commit, and nothing else.
	if err := ask(run, nil); err != nil || w.made.last(t).Proof.SHA != nameOf(merge) {
		t.Errorf("without the object: %v, for %s", err, w.made.last(t).Proof.SHA)
	}
	made := w.made.count()
	for what, object := range map[string][]byte{
		"forged parents":          mergeOf(sha, strings.Repeat("e", 40)),
		"another order":           mergeOf(head, sha),
		"one byte more":           append(bytes.Clone(merge), '\n'),
		"one byte less":           merge[:len(merge)-1],
		"no commit":               []byte("hello"),
		"more than it may have":   bytes.Repeat([]byte("a"), maxCommit+1),
		"a header within another": fmt.Appendf(nil, "commit %d\x00%s", len(merge), merge),
	} {
		if err := ask(run, object); err == nil {
			t.Errorf("%s: it is taken", what)
		} else {
			refused(t, err, fault.Invalid, "mergeCommit")
		}
	}
	_, err := headOf(sha, make([]byte, maxCommit+1))
	refused(t, err, fault.Invalid, "mergeCommit", "at most") // and is not hashed
	for what, object := range map[string][]byte{
		"one parent": mergeOf(head), "three parents": mergeOf(sha, head, head), "no parent": mergeOf(),
		"a parent that is none": mergeOf(sha, "main"), "a parent of other letters": mergeOf(sha, strings.Repeat("z", 40)), "a short parent": mergeOf(sha, head[:39]), "a longer parent": mergeOf(sha, head+head[:24]),
	} {
		err := ask(issuertest.PullRequest(repository, nameOf(object), 7), object)
		refused(t, err, fault.Invalid, "mergeCommit")
		if err == nil {
			t.Errorf("%s: it is taken", what)
		}
	}
	refused(t, ask(push().With(issuertest.Claims{"sha": nameOf(merge)}), merge), fault.Invalid, "ref", "pull") // a push to main is about its own commit
	if w.made.count() != made {
		t.Errorf("%d tokens were made", w.made.count()-made)
	}
}

// Repositories that name by SHA-256 have the same proof.
func TestSHA256Merge(t *testing.T) {
	first, second := strings.Repeat("1", 64), strings.Repeat("2", 64)
	object := mergeOf(first, second)
	sum := sha256.Sum256(fmt.Appendf(nil, "commit %d\x00%s", len(object), object))
	if got, err := headOf(hex.EncodeToString(sum[:]), object); err != nil || got != second {
		t.Errorf("the head is %s, %v", got, err)
	}
	mixed := mergeOf(first, head)
	sum = sha256.Sum256(fmt.Appendf(nil, "commit %d\x00%s", len(mixed), mixed))
	_, err := headOf(hex.EncodeToString(sum[:]), mixed)
	refused(t, err, fault.Invalid, "mergeCommit")
}

// What git makes, in a checkout of depth 1 as in Actions, proves the head.
func TestShallowCheckout(t *testing.T) {
	dir := t.TempDir()
	git := func(in string, args ...string) string {
		t.Helper()
		args = append([]string{"-C", in, "-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"}, args...)
		out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	git(dir, "init", "-q", "full")
	full := filepath.Join(dir, "full")
	git(full, "commit", "-q", "--allow-empty", "-m", "base")
	git(full, "checkout", "-q", "-b", "feature")
	git(full, "commit", "-q", "--allow-empty", "-m", "head")
	want := strings.TrimSpace(git(full, "rev-parse", "HEAD"))
	git(full, "checkout", "-q", "main")
	git(full, "commit", "-q", "--allow-empty", "-m", "more")
	git(full, "merge", "-q", "--no-ff", "-m", "merge", "feature")
	git(dir, "clone", "-q", "--depth", "1", "file://"+full, "shallow")
	shallow := filepath.Join(dir, "shallow")
	merge := strings.TrimSpace(git(shallow, "rev-parse", "HEAD"))
	object := git(shallow, "cat-file", "commit", "HEAD")
	if got, err := headOf(merge, []byte(object)); err != nil || got != want {
		t.Errorf("the head is %s, %v; want %s", got, err, want)
	}
}

// What was made to collide under SHA-1 is noticed: of two such commits one could have another head. The file is the
// beginning of shattered-1.pdf (https://shattered.io).
func TestCollision(t *testing.T) {
	text, err := os.ReadFile("testdata/shattered.bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gitHash(40, text); err == nil {
		t.Error("a collision is not noticed")
	}
	text[0]++
	if _, err := gitHash(40, text); err != nil {
		t.Error(err)
	}
}

func FuzzMergeCommit(f *testing.F) {
	f.Add(mergeOf(sha, head))
	f.Add([]byte("tree\nparent \n\n"))
	f.Fuzz(func(t *testing.T, object []byte) {
		got, err := headOf(nameOf(object), object)
		if err == nil && !commitSHA.MatchString(got) {
			t.Errorf("%q has the head %q", object, got)
		}
	})
}
