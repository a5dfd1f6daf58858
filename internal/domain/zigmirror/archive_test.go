package zigmirror_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigmirror/mirrortest"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
)

// hashes are those of the package in an archive.
func hashes(t *testing.T, archive []byte) zig.Hashes {
	t.Helper()
	scratch, err := os.Create(filepath.Join(t.TempDir(), "scratch"))
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	tree, err := zig.Unpack(t.Context(), bytes.NewReader(archive), int64(len(archive)), scratch, zig.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := tree.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p.Hashes
}

func TestArchiveIsPackedAnew(t *testing.T) {
	bubble(t, zigmirror.Options{UserAgent: "registry-server/1"}, func(t *testing.T, w *world) {
		sent := library(t, commit1, "one")
		w.forges.Put("acme/lib", "main", sent)
		a, text, err := w.get(main)
		if err != nil {
			t.Fatal(err)
		}
		want := hashes(t, sent)
		if got := hashes(t, text); got != want || a.Info.Hash != want.Hash || a.Info.Legacy != want.Legacy {
			t.Errorf("the archive has the hashes %+v, is said to have %+v, and the forge's has %+v", got, a.Info.Hashes, want)
		}
		if bytes.Equal(text, sent) || a.Info.SHA256 != sha256.Sum256(text) {
			t.Error("the archive is the forge's, or its checksum is not that of its bytes")
		}
		if i := a.Info; i.Name != "lib" || i.Version != "1.2.3" || i.Commit != commit1 || !contains(i.Zig, "0.16") || a.Stale || len(i.Warnings) != 1 || i.Warnings[0].Code != "enum_name" {
			t.Errorf("Info = %+v, stale %t", i, a.Stale)
		}
		for i, r := range w.forges.Took() {
			if r.UserAgent() != "registry-server/1" || r.Header.Get("Accept-Encoding") != "identity" || r.Header.Get("Referer") != "" || i > 1 {
				t.Errorf("request %d of %s has %v", i, r.Host, r.Header)
			}
		}
		if again := w.must(main); again.Info.SHA256 != a.Info.SHA256 {
			t.Error("the copy has another checksum")
		}
		w.wantRequests()
	})
}

func TestPlacesOfArchives(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		w.forges.Put("acme/lib", "v1.0.0+x", library(t, "", "one"))
		w.forges.Put("~acme/lib.zig", "feature/x", library(t, "", "two"))
		p := main
		p.Ref = "v1.0.0+x"
		if a := w.must(p); a.Info.Commit != "" || a.Info.Warnings[len(a.Info.Warnings)-1].Code != "moving_ref" {
			t.Errorf("without a commit Info = %+v", a.Info)
		}
		w.must(zigmirror.Place{Host: mirrortest.Codeberg, Owner: "~acme", Repo: "lib.zig", Ref: "feature/x"})
		w.wantRequests("github.com/acme/lib/archive/v1.0.0+x.tar.gz", "codeload.github.com/acme/lib/tar.gz/v1.0.0+x",
			"codeberg.org/~acme/lib.zig/archive/feature/x.tar.gz")
	})
}

// A repository that is no Zig package is one without a name.
func TestNakedArchive(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		w.forges.Put("acme/lib", "main", mirrortest.Archive(t, "lib-main", commit1, "README.md", "# hi\n", "src/a.c", "int a;\n"))
		// The hash that compilers print for these two files.
		const want = "N-V-__8AAAwAAAAhj_4JffWzgylPSKGe4R6FTzo9laseDCr7"
		if a := w.must(main); a.Info.Hash != want || a.Info.Name != "" || !strings.HasPrefix(a.Info.Legacy, "1220218ffe09") {
			t.Errorf("Info = %+v", a.Info)
		}
	})
}

func TestMovedBranch(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		w.forges.Put("acme/lib", "main", library(t, commit1, "one"))
		first := w.must(main)
		w.forges.Took()

		time.Sleep(5*time.Minute - time.Second)
		w.must(main)
		w.wantRequests()

		time.Sleep(time.Second)
		a := w.must(main)
		got := w.forges.Took()
		if len(got) != 2 || got[1].Header.Get("If-None-Match") == "" || a.Info.SHA256 != first.Info.SHA256 || a.Info.FetchedAt != first.Info.FetchedAt.Add(5*time.Minute) {
			t.Errorf("an archive that is as it was: %d requests, %+v", len(got), a.Info)
		}
		w.must(main) // is young again
		w.wantRequests()

		time.Sleep(5 * time.Minute)
		w.forges.Put("acme/lib", "main", library(t, commit2, "two"))
		if a := w.must(main); a.Info.Hash == first.Info.Hash || a.Info.Commit != commit2 {
			t.Errorf("the branch has moved, and its archive is %+v", a.Info)
		}
	})
}

// What a commit has never changes, so it is asked for once.
func TestCommitIsFixed(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		p := main
		p.Ref = commit1
		w.forges.Put("acme/lib", commit1, library(t, commit1, "one"))
		w.must(p)
		w.forges.Took()
		w.forges.Put("acme/lib", commit1, nil)
		time.Sleep(10 * 365 * 24 * time.Hour)
		if a := w.must(p); a.Stale {
			t.Error("the archive of a commit is stale")
		}
		w.wantRequests()
	})
}

func TestAbsentArchive(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		absent := func() {
			t.Helper()
			_, _, err := w.get(main)
			if e, ok := fault.Public(err); !ok || e.Kind != fault.NotFound || !strings.Contains(e.Message, "https://github.com/acme/lib/archive/main.tar.gz") {
				t.Errorf("what is not there: %v", err)
			}
		}
		absent()
		w.wantRequests("github.com/acme/lib/archive/main.tar.gz", "codeload.github.com/acme/lib/tar.gz/main")
		w.forges.Put("acme/lib", "main", library(t, commit1, "one"))
		time.Sleep(time.Minute - time.Second)
		absent()
		w.wantRequests()
		time.Sleep(time.Second)
		w.must(main)

		// A branch that is gone is not served any longer, whatever the forge calls it.
		for _, code := range []int{http.StatusNotFound, http.StatusGone, http.StatusUnavailableForLegalReasons} {
			w.status(0)
			time.Sleep(5 * time.Minute)
			w.must(main)
			time.Sleep(5 * time.Minute)
			w.status(code)
			absent()
		}
	})
}

func TestManyCallersMakeOneRequest(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		w.forges.Put("acme/lib", "main", library(t, commit1, "one"))
		held := make(chan struct{})
		w.forges.Intercept(func(http.ResponseWriter, *http.Request) bool { <-held; return false })
		ctx, leave := context.WithCancel(t.Context())
		var gone, all sync.WaitGroup
		gone.Go(func() {
			if _, err := w.Archive(ctx, main); !errors.Is(err, context.Canceled) {
				t.Errorf("who left got %v", err)
			}
		})
		synctest.Wait()
		for range 50 {
			all.Go(func() { w.must(main) })
		}
		synctest.Wait()
		leave() // who began it
		gone.Wait()
		close(held)
		all.Wait()
		w.wantRequests("github.com/acme/lib/archive/main.tar.gz", "codeload.github.com/acme/lib/tar.gz/main")
	})
}

// The service ends what is under way, and takes nothing more.
func TestClose(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		w.forges.Intercept(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := w.Archive(t.Context(), main); !errors.Is(err, fault.Unavailable) {
				t.Errorf("under way: %v", err)
			}
		})
		synctest.Wait()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
		if _, err := w.Archive(t.Context(), main); !errors.Is(err, fault.Unavailable) {
			t.Errorf("after Close: %v", err)
		}
	})
}
