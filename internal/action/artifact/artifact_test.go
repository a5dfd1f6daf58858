package artifact_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/artifact"
	"github.com/org/registry-action/internal/action/artifact/resultstest"
	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/fault"
)

const run, job = "ce7f54c7-61c7-4aae-887f-30da475f5f1a", "ca395085-040a-526b-2ce8-bdc85f692774"

// box keeps what was finished.
type box struct {
	mu  sync.Mutex
	all []resultstest.Artifact
}

func (b *box) put(a resultstest.Artifact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, a)
}

func newService(t *testing.T, url string) *artifact.Service {
	t.Helper()
	s, err := artifact.New(artifact.Options{URL: url, Token: resultstest.Token(run, job), UserAgent: "test",
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestUpload(t *testing.T) {
	var b box
	srv := resultstest.New(t, b.put)
	s := newService(t, srv.URL+"/some/path/")
	if err := s.Upload(t.Context(), "claim-1", "claim.json", []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if len(b.all) != 1 || b.all[0].Run != run || b.all[0].Job != job || b.all[0].Name != "claim-1" {
		t.Fatalf("%+v", b.all)
	}
	if diff := cmp.Diff(map[string]string{"claim.json": `{"a":1}`}, b.all[0].Files(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := s.Upload(t.Context(), "claim-1", "claim.json", nil); !errors.Is(err, fault.Exists) {
		t.Errorf("the same name again: %v", err)
	}
}

// GitHub's own client takes the same steps, and the stand-in takes its upload.
func TestGitHubsClient(t *testing.T) {
	module := clients.Get(t, clients.ActionsArtifact)
	path, err := filepath.EvalSymlinks(module.Path)
	if err != nil {
		t.Fatal(err)
	}
	var theirs, ours box
	there, here := resultstest.New(t, theirs.put), resultstest.New(t, ours.put)
	dir := t.TempDir()
	script := `import { DefaultArtifactClient } from "file://` + path + `";
await new DefaultArtifactClient().uploadArtifact("claim-1", ["claim.json"], ".");`
	err = errors.Join(os.WriteFile(filepath.Join(dir, "claim.json"), []byte("{}"), 0o644), os.WriteFile(filepath.Join(dir, "upload.mjs"), []byte(script), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, clients.Get(t, clients.Node24).Path, "upload.mjs")
	cmd.Dir, cmd.Env = dir, slices.Concat(os.Environ(), there.Env(run, job), []string{"GITHUB_WORKSPACE=" + dir})
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := newService(t, here.URL).Upload(t.Context(), "claim-1", "claim.json", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(there.Requests(), here.Requests()); diff != "" {
		t.Errorf("our requests differ from those of GitHub's client, -theirs +ours:\n%s", diff)
	}
	if diff := cmp.Diff(theirs.all[0].Files(t), ours.all[0].Files(t)); diff != "" {
		t.Errorf("our artifact differs, -theirs +ours:\n%s", diff)
	}
}

// What passes is tried again; a second try of a step does no harm.
func TestRetries(t *testing.T) {
	for _, step := range []string{"POST CreateArtifact", "PUT block", "PUT blocklist", "POST FinalizeArtifact"} {
		var b box
		srv := resultstest.New(t, b.put)
		failed := 0
		srv.Fail(func(what string) int {
			if what == step && failed < 2 {
				failed++
				return http.StatusServiceUnavailable
			}
			return 0
		})
		if err := newService(t, srv.URL).Upload(t.Context(), "claim-1", "claim.json", []byte("{}")); err != nil || len(b.all) != 1 {
			t.Errorf("%s failed twice: %v", step, err)
		}
		srv.Fail(func(what string) int {
			if what == step {
				return http.StatusServiceUnavailable
			}
			return 0
		})
		before := len(srv.Requests())
		err := newService(t, srv.URL).Upload(t.Context(), "claim-2", "claim.json", []byte("{}"))
		if err == nil || strings.Contains(err.Error(), "sig=") || len(srv.Requests())-before > 8 {
			t.Errorf("%s fails always: %v after %d requests; want an error without the signed URL", step, err, len(srv.Requests())-before)
		}
	}
}

// A refusal is final, and neither the runner's token nor a signed URL is in an error.
func TestRefusal(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"code":"permission_denied","msg":"no\n::error::forged"}`))
	}))
	defer srv.Close()
	err := newService(t, srv.URL).Upload(t.Context(), "claim-1", "claim.json", nil)
	if err == nil || asked != 1 || !strings.Contains(err.Error(), "403 Forbidden: no ::error::forged") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v after %d requests", err, asked)
	}
}

// The service is the runner's, but what it answers decides where bytes go.
func TestHostileAnswers(t *testing.T) {
	var elsewhere int
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { elsewhere++ }))
	defer other.Close()
	for name, body := range map[string]string{
		"no URL": `{"ok":true}`, "not ok": `{"ok":false}`, "no JSON": `<html>`, "another scheme": `{"ok":true,"signedUploadUrl":"file:///etc/passwd?sig=s3cret"}`,
		"nonsense": `{"ok":true,"signedUploadUrl":"http://[::1?sig=s3cret"}`,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(body)) }))
		if err := newService(t, srv.URL).Upload(t.Context(), "claim-1", "claim.json", nil); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
		srv.Close()
	}
	redirect := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer redirect.Close()
	if err := newService(t, redirect.URL).Upload(t.Context(), "claim-1", "claim.json", nil); err == nil || elsewhere != 0 {
		t.Errorf("a redirect was followed %d times: %v", elsewhere, err)
	}
}

func TestNew(t *testing.T) {
	good := resultstest.Token(run, job)
	for name, o := range map[string]artifact.Options{
		"no service":        {Token: good},
		"no token":          {URL: "https://results.example.com"},
		"no URL":            {URL: "results", Token: good},
		"no JWT":            {URL: "https://results.example.com", Token: "opaque"},
		"not base64":        {URL: "https://results.example.com", Token: "a.%%.b"},
		"no JSON":           {URL: "https://results.example.com", Token: "a.YWJj.b"},
		"scope of no run":   {URL: "https://results.example.com", Token: resultstest.Token("", "")},
		"scope of too many": {URL: "https://results.example.com", Token: resultstest.Token(run+":x", job)},
	} {
		if _, err := artifact.New(o); err == nil || strings.Contains(err.Error(), "opaque") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := artifact.New(artifact.Options{URL: "https://results.example.com", Token: good}); err != nil {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	srv := resultstest.New(t, nil)
	for _, name := range []string{"", "../x", "a/b", `a\b`, "a:b", "a\nb", ".hidden", strings.Repeat("x", 201)} {
		if err := newService(t, srv.URL).Upload(t.Context(), name, "claim.json", nil); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if len(srv.Requests()) != 0 {
		t.Errorf("requests: %q", srv.Requests())
	}
}
