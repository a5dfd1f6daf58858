package changes_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/entrypoints"
	"github.com/org/registry-action/internal/format/filelist"
	"github.com/org/registry-action/internal/format/manifestdiff"
)

// archive is a package's files, by path, and what goes wrong with it.
type archive struct {
	files  map[string]string
	more   bool
	err    error
	slow   bool // it takes as long as one waits
	opened *atomic.Int64
}

func (a archive) List(ctx context.Context) (*filelist.List, error) {
	if a.opened != nil {
		a.opened.Add(1)
	}
	if a.slow {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	l := &filelist.List{More: a.more}
	for path, content := range a.files {
		l.Files = append(l.Files, filelist.File{Path: path, Size: int64(len(content)), SHA256: digest.Of([]byte(content))})
	}
	slices.SortFunc(l.Files, func(a, b filelist.File) int { return strings.Compare(a.Path, b.Path) })
	return l, a.err
}

func (a archive) Read(_ context.Context, limit int64, wanted ...filelist.File) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, f := range wanted {
		if limit -= f.Size; limit < 0 {
			return nil, fault.New(fault.TooLarge, "too large")
		}
		all[f.Path] = []byte(a.files[f.Path])
	}
	return all, nil
}

// pkg is a package of npm whose package.json has these members.
func pkg(commit string, a archive, members string) *changes.Package {
	files := map[string]string{"package.json": `{"name":"a"` + members + `}`}
	maps.Copy(files, a.files)
	a.files = files
	return &changes.Package{ID: fmt.Sprint(files, a.more, a.err, a.slow), Kind: changes.NPM, Commit: commit, Archive: a}
}

func compare(t *testing.T, s *changes.Service, pairs ...changes.Pair) []changes.Change {
	t.Helper()
	all, err := s.Compare(t.Context(), pairs, true)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func files(paths ...string) archive {
	a := archive{files: map[string]string{}}
	for _, p := range paths {
		a.files[p] = p
	}
	return a
}

func TestOrder(t *testing.T) {
	old, now := pkg("a", files("1"), ""), pkg("b", files("2"), "")
	all := compare(t, changes.New(changes.Options{}), changes.Pair{Name: "s2", Before: old, After: old}, changes.Pair{Name: "r", Before: old}, changes.Pair{Name: "c2", Before: old, After: now},
		changes.Pair{Name: "s1", Before: old, After: now, Same: true}, changes.Pair{Name: "n", After: now}, changes.Pair{Name: "c1", Before: old, After: now})
	var got []string
	for _, c := range all {
		got = append(got, string(c.What)+" "+c.Name)
	}
	if diff := cmp.Diff([]string{"changed c1", "changed c2", "added n", "removed r", "unchanged s1", "unchanged s2"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestBounds: packages past the bound, and those whose time is over, are told without what is in them.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opened atomic.Int64
		var pairs []changes.Pair
		for i := range 10 {
			a := archive{opened: &opened, slow: i == 1, files: map[string]string{"n": fmt.Sprint(i)}}
			pairs = append(pairs, changes.Pair{Name: fmt.Sprintf("p%d", i), Before: pkg("a", archive{}, ""), After: pkg("b", a, "")})
		}
		start := time.Now()
		all := compare(t, changes.New(changes.Options{Packages: 4, AtOnce: 1, Time: time.Minute}), pairs...)
		if took := time.Since(start); took != time.Minute || opened.Load() > 2 {
			t.Errorf("it took %v and opened %d packages", took, opened.Load())
		}
		for i, c := range all {
			if c.What != changes.Changed || c.Incomplete != (i > 0) || (c.Files != nil) != (i == 0) {
				t.Errorf("%s: %+v", c.Name, c)
			}
		}
		opened.Store(0)
		compare(t, changes.New(changes.Options{Packages: 4, Time: time.Minute}), pairs...)
		if opened.Load() != 4 {
			t.Errorf("%d packages were opened, want 4", opened.Load())
		}
	})
}

func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := changes.New(changes.Options{}).Compare(ctx, []changes.Pair{{Name: "a", After: pkg("b", archive{slow: true}, "")}}, true)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Compare = %v", err)
		}
	})
}

// TestRemembered: what was read whole is not read again, what was not is.
func TestRemembered(t *testing.T) {
	var opened atomic.Int64
	var log bytes.Buffer
	s := changes.New(changes.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	good := changes.Pair{Name: "a", Before: pkg("a", archive{}, ""), After: pkg("b", archive{opened: &opened}, `,"main":"x"`)}
	first := compare(t, s, good)
	if again := compare(t, s, good); opened.Load() != 1 || !cmp.Equal(first[0].Broken, again[0].Broken) || len(again[0].Broken) != 1 {
		t.Errorf("%d times opened, %+v", opened.Load(), again)
	}
	opened.Store(0)
	bad := changes.Pair{Name: "b", Before: good.Before, After: pkg("b", archive{opened: &opened, err: errors.New("the store is down")}, "")}
	said := changes.Pair{Name: "c", Before: good.Before, After: pkg("b", archive{opened: &opened, err: fault.New(fault.TooLarge, "it is too large")}, "")}
	for range 2 {
		for _, c := range compare(t, s, bad, said) {
			if !c.Incomplete || c.What != changes.Changed || c.Files != nil {
				t.Errorf("%+v", c)
			}
		}
	}
	if opened.Load() != 4 || strings.Count(log.String(), "the store is down") != 2 || strings.Contains(log.String(), "too large") {
		t.Errorf("%d times opened, log: %s", opened.Load(), &log)
	}
	// The same bytes in another commit have other siblings.
	dep := `,"dependencies":{"b":"0.0.0-commit.gaaaaaaaaaa"}`
	sha := strings.Repeat("a", 40)
	for commit, want := range map[string]int{sha: 0, strings.Repeat("b", 40): 1} {
		p := pkg(commit, files("x"), dep)
		if c := compare(t, s, changes.Pair{Name: "a", Before: pkg(sha, archive{}, dep), After: p}); len(c[0].Dependencies) != want {
			t.Errorf("commit %.3s…: %v", commit, c[0].Dependencies)
		}
	}
}

// TestIncomplete: lists are cut, and what can't be known is not guessed.
func TestIncomplete(t *testing.T) {
	none := func(n int, f string) string { // n members
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(f, i))
		}
		return strings.Join(all, ",")
	}
	many := archive{files: map[string]string{}}
	for i := range 150 {
		many.files[fmt.Sprintf("f%03d", i)] = "x"
	}
	long := archive{files: map[string]string{}}
	for i := range 50 {
		long.files[strings.Repeat("x", 1000)+fmt.Sprint(i)] = "x"
	}
	before := pkg("a", archive{}, "")
	for name, tt := range map[string]struct {
		after      *changes.Package
		incomplete bool
		check      func(c changes.Change) bool
	}{
		"many files": {pkg("b", many, ""), false, func(c changes.Change) bool {
			return len(c.Files.Added.First) == 100 && c.Files.Added.Count == 150 && c.Files.Added.First[0] == "f000"
		}},
		"long paths": {pkg("b", long, ""), false, func(c changes.Change) bool { return len(c.Files.Added.First) == 16 && c.Files.Added.Count == 50 }},
		"more files than are listed": {pkg("b", archive{more: true}, `,"main":"gone.js"`), true, func(c changes.Change) bool {
			return c.Broken == nil && len(c.Entries) == 1 && c.What == changes.Changed
		}},
		"many dependencies": {pkg("b", archive{}, `,"dependencies":{`+none(300, `"d%d":"1"`)+`}`), true, func(c changes.Change) bool { return len(c.Dependencies) == 200 }},
		"long dependencies": {pkg("b", archive{}, `,"dependencies":{"a":"`+strings.Repeat("1", 5000)+`"}`), false, func(c changes.Change) bool { return len(c.Dependencies[0].After) == 203 }},
		"many broken entries": {pkg("b", archive{}, `,"exports":{`+none(300, `"./%d":"./x"`)+`}`), true, func(c changes.Change) bool {
			return len(c.Broken) == 200 && len(c.Entries) == 200
		}},
		"no package.json":       {&changes.Package{ID: "1", Kind: changes.NPM, Archive: files("a")}, true, func(c changes.Change) bool { return c.Files.Added.Count == 1 }},
		"a large package.json":  {pkg("b", archive{}, `,"x":"`+strings.Repeat("x", 1<<20)+`"`), true, func(c changes.Change) bool { return c.Files.Changed.Count == 1 }},
		"no JSON":               {pkg("b", archive{files: map[string]string{"package.json": "{"}}, ""), true, func(c changes.Change) bool { return c.Files.Changed.Count == 1 }},
		"of another kind":       {&changes.Package{ID: "2", Kind: changes.Zig, Archive: files("a")}, true, func(c changes.Change) bool { return c.Files.Added.Count == 1 }},
		"all of it":             {pkg("b", files("x"), ""), false, func(c changes.Change) bool { return c.Files.Added.Count == 1 }},
		"nothing but new bytes": {pkg("b", archive{}, ""), false, func(c changes.Change) bool { return c.What == changes.Same && c.Files == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			c := compare(t, changes.New(changes.Options{}), changes.Pair{Name: "a", Before: before, After: tt.after})[0]
			if c.Incomplete != tt.incomplete || !tt.check(c) {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestOtherManifests(t *testing.T) {
	of := func(kind changes.Kind, text string) *changes.Package {
		return &changes.Package{ID: text, Kind: kind, Archive: archive{files: map[string]string{string(kind): text}}}
	}
	zig := func(deps string) *changes.Package {
		return of(changes.Zig, `.{ .name = "a", .version = "1.0.0", .paths = .{""}, .dependencies = .{ `+deps+` } }`)
	}
	lumen := func(deps string) *changes.Package {
		return of(changes.Lumen, "[package]\nname = \"@s/a\"\nversion = \"1.0.0\"\n"+deps)
	}
	for name, tt := range map[string]struct {
		before, after *changes.Package
		want          []manifestdiff.Dependency
		incomplete    bool
	}{
		"Zig": {zig(`.zap = .{ .url = "https://z/1", .hash = "zap-1" }, .same = .{ .path = "x" }`), zig(`.zap = .{ .url = "https://z/1", .hash = "zap-2" }, .same = .{ .path = "x" }`),
			[]manifestdiff.Dependency{{Field: "dependencies", Name: "zap", Before: "https://z/1 zap-1", After: "https://z/1 zap-2"}}, false},
		"Lumen": {lumen("[dependencies]\n\"@s/b\" = \"^1.0.0\"\n"), lumen("[dependencies]\n\"@s/b\" = \"^2.0.0\"\n\"@s/c\" = { version = \"^1.0.0\", optional = true }\n[features]\nx = [\"@s/c\"]\n"),
			[]manifestdiff.Dependency{{Field: "dependencies", Name: "@s/b", Before: "^1.0.0", After: "^2.0.0"}, {Field: "dependencies", Name: "@s/c (x)", After: "^1.0.0"}}, false},
		"Zig without a manifest":     {&changes.Package{ID: "0", Kind: changes.Zig, Archive: files("a")}, zig(`.zap = .{ .path = "x" }`), []manifestdiff.Dependency{{Field: "dependencies", Name: "zap", After: "x"}}, false},
		"a new Lumen package":        {nil, lumen("[dependencies]\n\"@s/b\" = \"^1.0.0\"\n"), []manifestdiff.Dependency{{Field: "dependencies", Name: "@s/b", After: "^1.0.0"}}, false},
		"what can't be read of Zig":  {zig(""), of(changes.Zig, ".{"), nil, true},
		"what can't be read, before": {of(changes.Lumen, "["), lumen(""), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := compare(t, changes.New(changes.Options{}), changes.Pair{Name: "a", Before: tt.before, After: tt.after})[0]
			if diff := cmp.Diff(tt.want, c.Dependencies); diff != "" || c.Incomplete != tt.incomplete {
				t.Errorf("incomplete %t; -want +got:\n%s", c.Incomplete, diff)
			}
		})
	}
}

// TestAdded: all that a new package has is new; what is told is what a reviewer looks for.
func TestAdded(t *testing.T) {
	after := pkg("b", files("binding.gyp"), `,"main":"none.js","dependencies":{"x":"1"}`)
	c := compare(t, changes.New(changes.Options{}), changes.Pair{Name: "a", After: after})[0]
	want := changes.Facts{
		Dependencies: []manifestdiff.Dependency{{Field: "dependencies", Name: "x", After: "1"}}, Scripts: []manifestdiff.Script{{Name: "install", After: "node-gyp rebuild"}}, Broken: []entrypoints.Entry{{Field: "main", Target: "none.js"}},
	}
	if diff := cmp.Diff(want, c.Facts, cmp.AllowUnexported(changes.Facts{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
