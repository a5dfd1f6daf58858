package pkgprnewapi_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/domaintest"
	"github.com/org/registry-action/internal/domain/pkgprnew"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/pkgprnewapi"
	"github.com/org/registry-action/internal/web/webtest"
)

const (
	sha   = "1111111111111111111111111111111111111111"
	other = "2222222222222222222222222222222222222222"
)

// runs is a forge whose runs are all pushes to main.
type runs struct {
	mu  sync.Mutex
	all []forge.Run
	// pulls are those from main.
	pulls []forge.NumberedHead
}

func (f *runs) RunsInProgress(context.Context) ([]forge.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]forge.Run(nil), f.all...), nil
}

func (f *runs) Run(_ context.Context, id int64) (forge.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.all {
		if r.ID == id {
			return r, nil
		}
	}
	return forge.Run{}, fault.New(fault.NotFound, "no such run")
}

func (f *runs) PullsFromBranch(context.Context, string, string) ([]forge.NumberedHead, error) {
	return f.pulls, nil
}

func (f *runs) CommitAt(_ context.Context, ref string) (string, error) {
	if ref == "heads/main" {
		return sha, nil
	}
	return "", fault.New(fault.NotFound, "no such ref")
}

func (f *runs) end(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.all {
		if f.all[i].ID == id {
			f.all[i].Status = "completed"
		}
	}
}

// world is a server with two runs: 9001 of commit sha, and 9002 of commit other.
type world struct {
	webtest.Client
	forge   *runs
	stores  *webtest.Stores
	commits *commits.Service
	api     *pkgprnewapi.API
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{forge: &runs{}, stores: webtest.OpenStores(t)}
	for i, head := range []string{sha, other} {
		w.forge.all = append(w.forge.all, forge.Run{
			ID: int64(9001 + i), Attempt: 1, RepositoryID: 100, Event: "push", Status: "in_progress", HeadSHA: head, HeadBranch: "main",
			HeadRepositoryID: 100, HeadRepository: "acme/ws", ActorID: 42, TriggeredByID: 42, URL: fmt.Sprintf("https://github.com/acme/ws/actions/runs/%d", 9001+i),
		})
	}
	s := w.stores
	w.commits = commits.New(s.DB, s.Blobs, s.Life, commits.Options{MaxPackage: 1 << 20, MaxPublish: 2 << 20, MaxPackages: 5, SpoolDir: s.Spool})
	users := auth.New(s.DB, auth.Options{RootToken: webtest.RootToken})
	enrolled, err := auth.ParseRepositories([]string{"acme/ws"})
	if err != nil {
		t.Fatal(err)
	}
	w.Client = webtest.Serve(t, s.Log, func(url string) http.Handler {
		w.api = &pkgprnewapi.API{
			Runs: pkgprnew.New(s.DB, s.Blobs, s.Life, pkgprnew.Options{
				Enrolled: enrolled.Cover, MaxPackage: 1 << 20, MaxPublish: 2 << 20, SpoolDir: s.Spool,
				Open: func(context.Context, string, string) (pkgprnew.Forge, error) { return w.forge, nil },
			}),
			Control: access.Control{Auth: users}, Commits: w.commits, BaseURL: url, MaxPublish: 2 << 20, Log: s.Log,
		}
		stock := w.api.Handler()
		install := (&commitapi.API{Control: access.Control{Auth: users}, Commits: w.commits, BaseURL: url, Log: s.Log}).Short()
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if pkgprnewapi.Means(r) {
				stock.ServeHTTP(rw, r)
				return
			}
			install.ServeHTTP(rw, r)
		})
	})
	w.Token = "" // the CLI has none
	return w
}

func keyOf(run int64) string { return pkgprnew.Key("acme", "ws", run, 1, 42) }

// check checks a run, as the CLI does first of all.
func (w *world) check(run int64) webtest.Answer {
	w.T.Helper()
	return w.Do(http.MethodPost, "/check", strings.NewReader(fmt.Sprintf(`{"owner":"acme","repo":"ws","key":%q}`, keyOf(run))), "Content-Type: text/plain;charset=UTF-8")
}

// field is one of a form, with a file's name or without.
type field struct{ name, file, content string }

// tgz is a tarball of a package.
func tgz(t *testing.T, name, content string) string {
	t.Helper()
	return string(domaintest.Gzip(t, domaintest.Tar(t, map[string]string{
		"package/package.json": fmt.Sprintf(`{"name":%q,"version":"1.2.3"}`, name), "package/index.js": content,
	})))
}

func file(t *testing.T, name, content string) field {
	t.Helper()
	return field{"package:" + name, "x.tgz", tgz(t, name, content)}
}

func sha1Of(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// publish sends a form in the name of a run, with the right hashes unless header says others.
func (w *world) publish(run int64, of string, fields []field, header ...string) webtest.Answer {
	w.T.Helper()
	var b bytes.Buffer
	form, sums := multipart.NewWriter(&b), map[string]string{}
	for _, f := range fields {
		if f.file == "" {
			if err := form.WriteField(f.name, f.content); err != nil {
				w.T.Fatal(err)
			}
			continue
		}
		part, err := form.CreateFormFile(f.name, f.file)
		if err != nil {
			w.T.Fatal(err)
		}
		part.Write([]byte(f.content))
		sums[strings.TrimPrefix(f.name, "package:")] = sha1Of(f.content)
	}
	form.Close()
	list, err := json.Marshal(sums)
	if err != nil {
		w.T.Fatal(err)
	}
	header = append([]string{
		"Content-Type: " + form.FormDataContentType(), "sb-key: " + keyOf(run), fmt.Sprintf("sb-run-id: %d", run), "sb-sha: " + of, "sb-shasums: " + string(list),
	}, header...)
	return w.Do(http.MethodPost, "/publish", &b, header...)
}

// none fails the test if the commit has anything, or the spool.
func (w *world) none(what, of string) {
	w.T.Helper()
	if c, err := w.commits.Commit(w.T.Context(), of); err == nil {
		w.T.Errorf("%s: commit %.7s has %+v", what, of, c.Packages)
	}
	if left := w.stores.Spooled(w.T); len(left) != 0 {
		w.T.Errorf("%s: the spool has %v", what, left)
	}
}
