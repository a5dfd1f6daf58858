package pkgprnew

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/storetest"
)

const (
	sha   = "1111111111111111111111111111111111111111"
	other = "2222222222222222222222222222222222222222"
	actor = 42
	base  = 100 // id of acme/ws
)

// fakeForge is what GitHub says, for as long as it says anything.
type fakeForge struct {
	mu    sync.Mutex
	runs  []forge.Run
	pulls []forge.NumberedHead
	refs  map[string]string
	err   error // in place of every answer
	lists int
	asked int
}

// change changes what it says.
func (f *fakeForge) change(do func(f *fakeForge)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(f)
}

func (f *fakeForge) RunsInProgress(context.Context) ([]forge.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists++
	return append([]forge.Run(nil), f.runs...), f.err
}

func (f *fakeForge) Run(_ context.Context, id int64) (forge.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	for _, r := range f.runs {
		if r.ID == id && f.err == nil {
			return r, nil
		}
	}
	if f.err == nil {
		return forge.Run{}, fault.New(fault.NotFound, "there is no such run")
	}
	return forge.Run{}, f.err
}

func (f *fakeForge) PullsFromBranch(_ context.Context, _, branch string) ([]forge.NumberedHead, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []forge.NumberedHead
	for _, p := range f.pulls {
		if p.Ref == branch {
			found = append(found, p)
		}
	}
	return found, f.err
}

func (f *fakeForge) CommitAt(_ context.Context, ref string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, ok := f.refs[ref]; ok || f.err != nil {
		return at, f.err
	}
	return "", fault.New(fault.NotFound, "there is no such ref")
}

// push is a run of a push to main.
func push() forge.Run {
	return forge.Run{
		ID: 9001, Attempt: 1, RepositoryID: base, Event: "push", Status: "in_progress", HeadSHA: sha, HeadBranch: "main",
		HeadRepositoryID: base, HeadRepository: "acme/ws", ActorID: actor, TriggeredByID: actor, URL: "https://github.com/acme/ws/actions/runs/9001",
	}
}

// pull is a pull request from a branch of acme/ws.
func pull(number int, branch, head string) forge.NumberedHead {
	return forge.NumberedHead{Number: number, Head: forge.Head{SHA: head, Ref: branch, Repository: "acme/ws", Open: true, RepositoryID: base, BaseRepositoryID: base}}
}

func newService(t *testing.T, f *fakeForge) *Service {
	t.Helper()
	db := storetest.OpenDB(t, nil)
	blobs := storetest.OpenBlobs(t)
	enrolled, err := auth.ParseRepositories([]string{"acme/*"})
	if err != nil {
		t.Fatal(err)
	}
	return New(db, blobs, lifetime.New(db, blobs, lifetime.Options{Horizon: time.Hour}), Options{
		Enrolled: enrolled.Cover, MaxPackage: 1 << 20, MaxPublish: 4 << 20, SpoolDir: t.TempDir(),
		Open: func(context.Context, string, string) (Forge, error) { return f, nil },
	})
}

func ask(r forge.Run) Ask {
	return Ask{Owner: "acme", Repo: "ws", Key: Key("acme", "ws", r.ID, r.Attempt, actor)}
}
