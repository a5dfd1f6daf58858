package forge_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/forgetest"
)

func TestRun(t *testing.T) {
	srv := start(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	srv.PutRun(forgetest.Run{ID: 77, Attempt: 2, HeadSHA: sha(1), HeadRef: "fix", HeadRepo: "mallory/ws", Actor: "mallory", StartedAt: at})
	srv.PutRun(forgetest.Run{ID: 78, Event: "push", Status: "completed", HeadSHA: sha(2)})
	c, _ := client(t, srv, forgetest.Token)
	got, err := c.Run(t.Context(), 77)
	if err != nil {
		t.Fatal(err)
	}
	mallory := forgetest.ID("mallory")
	want := forge.Run{ID: 77, Attempt: 2, RepositoryID: forgetest.ID("acme/ws"), Event: "pull_request", Status: "in_progress", HeadSHA: sha(1), HeadBranch: "fix",
		HeadRepositoryID: forgetest.ID("mallory/ws"), HeadRepository: "mallory/ws", Number: 562, ActorID: mallory, TriggeredByID: mallory,
		StartedAt: at, URL: "https://github.com/acme/ws/actions/runs/77"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Run (-want +got):\n%s", diff)
	}
	if !got.InProgress() || !got.Fork() {
		t.Errorf("InProgress, Fork = %v, %v, want true", got.InProgress(), got.Fork())
	}
	if got, err = c.Run(t.Context(), 78); err != nil || got.InProgress() || got.Fork() {
		t.Errorf("Run(78) = %+v, %v; want one that is over and the repository's own", got, err)
	}
	if _, err := c.Run(t.Context(), 79); !errors.Is(err, fault.NotFound) {
		t.Errorf("Run(79) = %v, want fault.NotFound", err)
	}
}

func TestRunsInProgress(t *testing.T) {
	srv := start(t)
	for n := range int64(130) {
		srv.PutRun(forgetest.Run{ID: 1000 + n, HeadSHA: sha(1), Status: []string{"in_progress", "completed"}[n%10/9]})
	}
	c, _ := client(t, srv, forgetest.Token)
	got, err := c.RunsInProgress(t.Context())
	if err != nil || len(got) != 117 || got[0].ID != 1128 || got[116].ID != 1000 {
		t.Errorf("RunsInProgress = %d runs, %v; want 117, the newest first", len(got), err)
	}
}

func TestIdentity(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)
	got, err := c.Identity(t.Context())
	if want := (forge.Identity{RepositoryID: forgetest.ID("acme/ws"), OwnerID: forgetest.ID("acme")}); err != nil || got != want {
		t.Errorf("Identity = %+v, %v; want %+v", got, err, want)
	}
	srv.Fail(forgetest.Fault{Route: forgetest.GetRepository, Status: 404})
	if _, err := c.Identity(t.Context()); !errors.Is(err, fault.NotFound) {
		t.Errorf("Identity of what is gone = %v, want fault.NotFound", err)
	}
}

func TestSetStatus(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)
	s := forge.Status{State: "success", Context: "preview", Description: "2 packages", URL: "https://r.test/"}
	if err := c.SetStatus(t.Context(), sha(1), s); err != nil {
		t.Fatal(err)
	}
	want := []forgetest.Status{{SHA: sha(1), State: "success", Context: "preview", Description: "2 packages", URL: "https://r.test/"}}
	if diff := cmp.Diff(want, srv.Statuses()); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	srv.Fail(forgetest.Fault{Route: forgetest.CreateStatus, Status: 403})
	if err := c.SetStatus(t.Context(), sha(1), s); !errors.Is(err, forge.ErrReadOnly) {
		t.Errorf("SetStatus with a token that may not = %v, want ErrReadOnly", err)
	}
	if err := c.SetStatus(t.Context(), "main", s); !errors.Is(err, fault.Invalid) {
		t.Errorf("SetStatus of a branch = %v, want fault.Invalid", err)
	}
}

func TestArtifacts(t *testing.T) {
	srv := start(t)
	srv.PutRun(forgetest.Run{ID: 77, HeadSHA: sha(1), HeadRepo: "mallory/ws"})
	srv.PutRun(forgetest.Run{ID: 78, HeadSHA: sha(2)})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for n := range 120 {
		srv.AddArtifact(forgetest.Artifact{RunID: 77, Name: fmt.Sprintf("a-%d", n)})
	}
	id := srv.AddArtifact(forgetest.Artifact{RunID: 77, Name: "claim", Zip: []byte("zip"), CreatedAt: at})
	srv.AddArtifact(forgetest.Artifact{RunID: 78, Name: "claim"})
	c, _ := client(t, srv, forgetest.Token)
	got, err := c.Artifacts(t.Context(), 77, "claim")
	if err != nil {
		t.Fatal(err)
	}
	want := []forge.Artifact{{ID: id, RunID: 77, Name: "claim", Size: 3, HeadSHA: sha(1), HeadRepositoryID: forgetest.ID("mallory/ws"), CreatedAt: at}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Artifacts (-want +got):\n%s", diff)
	}
	if got, err := c.Artifacts(t.Context(), 77, "other"); err != nil || len(got) != 0 {
		t.Errorf("Artifacts of another name = %v, %v; want none", got, err)
	}
}

// zipped makes an archive of files, each a name and a content.
func zipped(t *testing.T, files ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// artifact adds one to the stand-in. That its store is sent no token, the stand-in checks.
func artifact(t *testing.T, srv *forgetest.Server, data []byte) int64 {
	t.Helper()
	srv.PutRun(forgetest.Run{ID: 77, HeadSHA: sha(1)})
	return srv.AddArtifact(forgetest.Artifact{RunID: 77, Name: "claim", Zip: data})
}

func TestArtifactFile(t *testing.T) {
	srv := start(t)
	id := artifact(t, srv, zipped(t, [2]string{"claim.json", `{"a":1}`}))
	c, _ := client(t, srv, forgetest.Token)
	if got, err := c.ArtifactFile(t.Context(), id, 1<<10); err != nil || string(got) != `{"a":1}` {
		t.Errorf("ArtifactFile = %q, %v", got, err)
	}
	if _, err := c.ArtifactFile(t.Context(), id+1, 1<<10); !errors.Is(err, fault.NotFound) {
		t.Errorf("ArtifactFile of an unknown id = %v, want fault.NotFound", err)
	}
	gone := srv.AddArtifact(forgetest.Artifact{RunID: 77, Name: "claim", Expired: true})
	if _, err := c.ArtifactFile(t.Context(), gone, 1<<10); !errors.Is(err, fault.NotFound) {
		t.Errorf("ArtifactFile of one that is gone = %v, want fault.NotFound", err)
	}
}

func TestHostileArtifacts(t *testing.T) {
	const limit = 4 << 10
	srv := start(t)
	c, p := client(t, srv, forgetest.Token)
	bomb := zipped(t, [2]string{"claim.json", strings.Repeat("0", 1<<20)})
	liar := bytes.Clone(bomb) // its directory says that the file is small
	at := bytes.LastIndex(liar, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(liar[at+24:], 7)
	for name, data := range map[string][]byte{
		"no zip":      []byte("<html>"),
		"empty":       nil,
		"no file":     zipped(t),
		"two files":   zipped(t, [2]string{"claim.json", "{}"}, [2]string{"claim.json", "{}"}),
		"bomb":        bomb,
		"lying bomb":  liar,
		"cut":         bomb[:len(bomb)-10],
		"bad content": bytes.Replace(zipped(t, [2]string{"claim.json", "some text that is long"}), []byte("PK\x03\x04"), []byte("PK\x03\x05"), 1),
	} {
		if got, err := c.ArtifactFile(t.Context(), artifact(t, srv, data), limit); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: ArtifactFile = %.20q, %v; want fault.Invalid", name, got, err)
		}
	}
	if len(bomb) > limit {
		t.Errorf("the bomb has %d bytes, want it below the limit", len(bomb))
	}
	huge := artifact(t, srv, make([]byte, 8<<20))
	if _, err := c.ArtifactFile(t.Context(), huge, limit); !errors.Is(err, fault.TooLarge) {
		t.Errorf("ArtifactFile of 8 MiB = %v, want fault.TooLarge", err)
	}
	if len(p.all) > 0 {
		t.Errorf("it waited %v before it tried again, want no other try", p.all)
	}
}

// What GitHub answers instead of a store's address is refused, and not followed.
func TestArtifactWithoutAnAddress(t *testing.T) {
	for _, location := range []string{"", "/x", "file:///etc/passwd", "gopher://h/"} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
		}))
		c, err := forge.New(forge.Options{APIURL: api.URL, Token: "t", Owner: "acme", Repo: "ws",
			Wait: func(context.Context, time.Duration) error { return errors.New("it would wait") }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ArtifactFile(t.Context(), 1, 1<<10); !errors.Is(err, fault.Upstream) {
			t.Errorf("%q: ArtifactFile = %v, want fault.Upstream", location, err)
		}
		api.Close()
	}
}

// Without a token one may read what is public, but no artifact's bytes.
func TestAnonymous(t *testing.T) {
	srv := start(t)
	srv.Grant("", forgetest.Account{ReadOnly: true})
	id := artifact(t, srv, zipped(t, [2]string{"claim.json", "{}"}))
	c, err := forge.New(forge.Options{APIURL: srv.URL, Anonymous: true, Owner: forgetest.Owner, Repo: forgetest.Repo, UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Run(t.Context(), 77); err != nil {
		t.Errorf("Run = %v", err)
	}
	if _, err := c.ArtifactFile(t.Context(), id, 1<<10); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("ArtifactFile = %v, want fault.Unauthenticated", err)
	}
}
