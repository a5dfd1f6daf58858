package commits

import (
	"errors"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func TestShortSHAs(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "x")
	one, two := "abcdef1234aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abcdef1234bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	w.publish(one, "acme/ws", a)
	for _, sha := range []string{one, "abcdef1", "ABCDEF1234AA"} {
		if got, err := w.resolveInAll(t.Context(), sha); err != nil || got != one {
			t.Errorf("Resolve(%s) = %s, %v, want %s", sha, got, err, one)
		}
	}
	w.publish(two, "acme/ws", a)
	_, err := w.resolveInAll(t.Context(), "abcdef1")
	e, _ := fault.Public(err)
	if !errors.Is(err, fault.Exists) || e.Code != "ambiguous_sha" || len(e.Details["candidates"].([]string)) != 2 {
		t.Errorf("Resolve of an ambiguous prefix = %v, want its two candidates", err)
	}
	if got, err := w.resolveInAll(t.Context(), "abcdef1234b"); err != nil || got != two {
		t.Errorf("Resolve of a longer prefix = %s, %v, want %s", got, err, two)
	}
	w.publish("abcdef1299cccccccccccccccccccccccccccccc", "evil/ws", a)
	for repo, want := range map[string]string{"Evil/WS": "abcdef1299cccccccccccccccccccccccccccccc", "acme/ws": "", "none/ws": ""} {
		if got, err := w.Point(t.Context(), repo, Pointer{SHA: "abcdef12"}); got != want || want == "" && codeOf(err) != "ambiguous_sha" {
			t.Errorf("abcdef12 of %s = %s, %v, want %q, or to hear that it is ambiguous", repo, got, err, want)
		}
	}
	for _, sha := range []string{"abcdef", "xyz1234", "", "abcdef1234cc", two[:39] + "c"} {
		if _, err := w.resolveInAll(t.Context(), sha); !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.NotFound) {
			t.Errorf("Resolve(%q) = %v, want a refusal", sha, err)
		}
	}
}

func TestRefsNeverMix(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "x")
	// A commit that begins like a pull request's number, and a branch of that name.
	digits, other := "7777777aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "cccccccccccccccccccccccccccccccccccccccc"
	pub := func(sha string, run int64, refs ...Ref) {
		t.Helper()
		p := publication(sha, "acme/ws", a)
		p.Refs, p.Run = refs, run
		if _, err := w.send(p, a); err != nil {
			t.Fatal(err)
		}
	}
	point := func(text string) string {
		t.Helper()
		ptr, err := ParsePointer(text)
		if err != nil {
			t.Fatal(err)
		}
		sha, err := w.Point(t.Context(), "Acme/WS", ptr)
		if errors.Is(err, fault.NotFound) {
			return "404"
		}
		if err != nil {
			t.Fatal(err)
		}
		return sha
	}
	pub(digits, 5, Ref{Branch, "7"})
	for text, want := range map[string]string{
		"7": "404", "pr-7": "404", "777777": "404", "pr-7777777": "404", // small numbers are pull requests and nothing else
		"7777777": digits, "77777770": "404", // as clients shorten a SHA
		"branch:7": digits, "7777777a": digits, digits: digits, "main": "404",
	} {
		if got := point(text); got != want {
			t.Errorf("@%s = %s, want %s", text, got, want)
		}
	}
	pub(other, 6, Ref{PR, "7"}, Ref{Branch, "main"}, Ref{Tag, "v1"})
	for text, want := range map[string]string{
		"7": other, "pr-7": other, "pr:7": other, "pr/7": other, "branch:7": digits, "main": other, "branch-main": other, "v1": other, "tag:v1": other, "branch:v1": "404",
	} {
		if got := point(text); got != want {
			t.Errorf("@%s = %s, want %s", text, got, want)
		}
	}
	pub(digits, 4, Ref{PR, "7"}) // an older run ends late
	if got := point("pr-7"); got != other {
		t.Errorf("an older run moved pr-7 to %s, want it to stay at %s", got, other)
	}
	pub(other, 6, Ref{PR, "7777777"})
	if got := point("7777777"); got != other {
		t.Errorf("@7777777 = %s, want the pull request %s now that there is one", got, other)
	}
	pub(digits, 7, Ref{PR, "7"})
	if got := point("pr-7"); got != digits {
		t.Errorf("a newer run left pr-7 at %s, want %s", got, digits)
	}
}

func TestOneHostForAnOwnerAndRepo(t *testing.T) {
	w := newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "x")
	p := publication(sha1a, "acme/ws", a)
	p.Refs = []Ref{{PR, "1"}}
	if _, err := w.send(p, a); err != nil {
		t.Fatal(err)
	}
	p = publication("dddddddddddddddddddddddddddddddddddddddd", "acme/ws", a)
	p.Repository.Host, p.Refs = "git.evil.example", []Ref{{PR, "1"}}
	if _, err := w.send(p, a); codeOf(err) != "other_host" {
		t.Errorf("Publish from another host = %v, want code other_host", err)
	}
}

// A host that was a mistake does not keep an owner/repo for ever.
func TestHostIsFreeAgain(t *testing.T) {
	w := newWorld(t, Options{Retention: 90 * day})
	a := pack(t, "a", "1.0.0", "x")
	typo := publication(sha1a, "acme/ws", a)
	typo.Repository.Host, typo.Refs = "gihub.example", []Ref{{PR, "1"}}
	right := publication(sha1b, "acme/ws", a)
	right.Refs = []Ref{{PR, "1"}}
	if _, err := w.send(typo, a); err != nil {
		t.Fatal(err)
	}
	w.Pass(60 * day)
	if _, err := w.send(typo, a); err != nil { // keeps the commit longer, and the host
		t.Fatal(err)
	}
	w.Pass(60 * day)
	if _, err := w.send(right, a); codeOf(err) != "other_host" {
		t.Errorf("Publish while the other host's refs live = %v, want code other_host", err)
	}
	w.Pass(31 * day)
	if _, err := w.send(right, a); err != nil {
		t.Errorf("Publish after all of the other host has expired: %v", err)
	}
}

func TestParseRepository(t *testing.T) {
	for in, want := range map[string]string{
		"https://github.com/org/repo":          "https://github.com/org/repo",
		"https://github.com/org/repo.git":      "https://github.com/org/repo",
		"git+https://github.com/org/repo.git":  "https://github.com/org/repo",
		"git@github.com:org/repo.git":          "https://github.com/org/repo",
		"ssh://git@GitHub.com/org/repo.git":    "https://github.com/org/repo",
		"github:org/repo":                      "https://github.com/org/repo",
		"org/repo":                             "https://github.com/org/repo",
		"https://ghes.corp:8443/Org/Repo/":     "https://ghes.corp:8443/Org/Repo",
		"https://gitlab.com/group/sub/project": "https://gitlab.com/group/sub/project",
		"ssh://git@gitlab.com:2222/group/p":    "https://gitlab.com/group/p",
	} {
		r, err := ParseRepository(in)
		if err != nil || r.String() != want {
			t.Errorf("ParseRepository(%q) = %s, %v, want %s", in, r, err, want)
		}
	}
	for _, in := range []string{"", "repo", "https://github.com/", "https://github.com/org", "org/../etc", "https://github.com/a/b c", "javascript:alert(1)//x/y", "https://host/a/b?c\x00", "o/x/.git.git", "o/r.git.git", "/tmp/x", "https://user:s3cret@host/only"} {
		if r, err := ParseRepository(in); !errors.Is(err, fault.Invalid) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("ParseRepository(%q) = %s, %v, want a refusal without the password", in, r, err)
		}
	}
}
