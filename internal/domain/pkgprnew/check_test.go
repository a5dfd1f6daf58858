package pkgprnew

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/domain/domaintest"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
)

// The keys are those that the CLI's own library made.
func TestKey(t *testing.T) {
	if got := Key("acme", "ws", 9001, 1, 42); got != "4xYbWxFTDr" {
		t.Errorf("Key = %s", got)
	}
	for _, differs := range []string{Key("acme", "ws2", 9001, 1, 42), Key("acmew", "s", 9001, 1, 42), Key("acme", "ws", 9002, 1, 42), Key("acme", "ws", 9001, 2, 42), Key("acme", "ws", 9001, 1, 43)} {
		if !wellFormed.MatchString(differs) || differs == "4xYbWxFTDr" {
			t.Errorf("the key of another run is %s", differs)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	f := &fakeForge{runs: []forge.Run{push()}}
	s := newService(t, f)
	good := ask(push())
	for what, c := range map[string]struct {
		change func(a *Ask)
		kind   fault.Kind
		code   string
	}{
		"another repository's name": {func(a *Ask) { a.Owner = "evil" }, fault.Forbidden, "not_enrolled"},
		"a path for a name":         {func(a *Ask) { a.Repo = "ws/../../evil/x" }, fault.Invalid, "invalid_repository"},
		"dots for a name":           {func(a *Ask) { a.Repo = ".." }, fault.Invalid, "invalid_repository"},
		"no name":                   {func(a *Ask) { a.Owner = "" }, fault.Invalid, "invalid_repository"},
		"no key":                    {func(a *Ask) { a.Key = "" }, fault.Invalid, "invalid_key"},
		"a long key":                {func(a *Ask) { a.Key += "x" }, fault.Invalid, "invalid_key"},
		"a key of other letters":    {func(a *Ask) { a.Key = "4xYb\x00xFTDr" }, fault.Invalid, "invalid_key"},
	} {
		a := good
		c.change(&a)
		_, err := s.Check(t.Context(), a)
		domaintest.Refused(t, what, err, c.kind, c.code)
	}
	if f.lists != 0 {
		t.Errorf("GitHub was asked %d times for what can't be", f.lists)
	}
	none := New(s.db, s.blobs, s.life, Options{})
	_, err := none.Check(t.Context(), good)
	if said := domaintest.Refused(t, "a server that enrols nobody", err, fault.Forbidden, "not_enrolled"); !strings.Contains(said, "PKG_PR_NEW=acme/ws") {
		t.Errorf("it does not say what to do: %s", said)
	}
}

// What a run is decides, whatever its key: none that is over, none that may build what it is not about.
func TestRunsThatAreNotAdmitted(t *testing.T) {
	for what, c := range map[string]struct {
		change func(r *forge.Run)
		kind   fault.Kind
		code   string
	}{
		"over":                   {func(r *forge.Run) { r.Status = "completed" }, fault.NotFound, "no_run"},
		"waiting":                {func(r *forge.Run) { r.Status = "queued" }, fault.NotFound, "no_run"},
		"of a fork":              {func(r *forge.Run) { r.Event, r.HeadRepositoryID, r.HeadRepository = "pull_request", 7, "evil/ws" }, fault.Forbidden, "fork_not_admitted"},
		"of a fork that is gone": {func(r *forge.Run) { r.HeadRepositoryID, r.HeadRepository = 0, "" }, fault.Forbidden, "fork_not_admitted"},
		"pull_request_target":    {func(r *forge.Run) { r.Event = "pull_request_target" }, fault.Forbidden, "event_not_admitted"},
		"workflow_run":           {func(r *forge.Run) { r.Event = "workflow_run" }, fault.Forbidden, "event_not_admitted"},
		"issue_comment":          {func(r *forge.Run) { r.Event = "issue_comment" }, fault.Forbidden, "event_not_admitted"},
	} {
		r := push()
		c.change(&r)
		f := &fakeForge{runs: []forge.Run{r}}
		s := newService(t, f)
		_, err := s.Check(t.Context(), ask(r))
		domaintest.Refused(t, "checking a run "+what, err, c.kind, c.code)

		// It may have become so after it was checked.
		f.change(func(f *fakeForge) { f.runs = []forge.Run{push()} })
		s = newService(t, f)
		if _, err := s.Check(t.Context(), ask(push())); err != nil {
			t.Fatal(err)
		}
		f.change(func(f *fakeForge) { f.runs = []forge.Run{r} })
		_, err = s.Admit(t.Context(), Claim{Key: ask(r).Key, SHA: sha})
		domaintest.Refused(t, "admitting a run "+what, err, c.kind, c.code)
	}
}

// A run that is listed late is waited for, and one that never is only so long.
func TestCheckWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeForge{}
		s := newService(t, f)
		time.AfterFunc(5*time.Second, func() { f.change(func(f *fakeForge) { f.runs = []forge.Run{push()} }) })
		began := time.Now()
		run, err := s.Check(t.Context(), ask(push()))
		if err != nil || run.HeadSHA != sha || time.Since(began) != 6*time.Second {
			t.Errorf("Check = %+v, %v after %s", run, err, time.Since(began))
		}
		never := ask(push())
		never.Key = "aaaaaaaaaa"
		began = time.Now()
		_, err = s.Check(t.Context(), never)
		domaintest.Refused(t, "a key of no run", err, fault.NotFound, "no_run")
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("a key of no run is looked for for %s", took)
		}
	})
}

// Keys that no run has do not make the server ask GitHub as often as they come.
func TestCheckFloods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeForge{runs: []forge.Run{push()}}
		s := newService(t, f)
		var (
			wg   sync.WaitGroup
			mu   sync.Mutex
			busy int
		)
		began := time.Now()
		for i := range 100 {
			wg.Go(func() {
				_, err := s.Check(t.Context(), Ask{Owner: "acme", Repo: "ws", Key: fmt.Sprintf("%010d", i), From: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})})
				if errors.Is(err, fault.Unavailable) {
					mu.Lock()
					defer mu.Unlock()
					busy++
				}
			})
		}
		wg.Wait()
		if most := int(time.Since(began)/listEvery) + 1; f.lists > most || busy != 100-checksAt {
			t.Errorf("100 checks asked %d times in %s, %d were told to come back", f.lists, time.Since(began), busy)
		}
		guess := Ask{Owner: "acme", Repo: "ws", Key: "aaaaaaaaaa", From: netip.MustParseAddr("2001:db8::1")}
		for range maxFailures {
			_, err := s.Check(t.Context(), guess)
			domaintest.Refused(t, "a guess", err, fault.NotFound, "no_run")
		}
		guess.From = netip.MustParseAddr("2001:db8::2") // of the same customer
		_, err := s.Check(t.Context(), guess)
		domaintest.Refused(t, "a guess too many", err, fault.Forbidden, "too_many_attempts")
		good := ask(push())
		good.From = netip.MustParseAddr("2001:db8:0:1::1")
		if _, err := s.Check(t.Context(), good); err != nil {
			t.Errorf("somebody else is refused: %v", err)
		}
	})
}

// Whatever GitHub does not answer, nobody is let in for it.
func TestOutage(t *testing.T) {
	for err, want := range map[error]string{
		fault.New(fault.Upstream, "GitHub had an error of its own"):                          "forge_unavailable",
		errors.New("connection reset"):                                                       "forge_unavailable",
		fault.New(fault.Unauthenticated, "GitHub does not accept the token"):                 "forge_unavailable",
		fault.New(fault.NotFound, "GitHub does not show it"):                                 "repository_hidden",
		fault.New(fault.Forbidden, "the App is not installed").WithCode("app_not_installed"): "app_not_installed",
	} {
		f := &fakeForge{runs: []forge.Run{push()}}
		s := newService(t, f)
		if _, err := s.Check(t.Context(), ask(push())); err != nil {
			t.Fatal(err)
		}
		f.change(func(f *fakeForge) { f.err = err })
		_, got := s.Admit(t.Context(), Claim{Key: ask(push()).Key, SHA: sha})
		if e, ok := fault.Public(got); !ok || e.Code != want && want != "repository_hidden" || strings.Contains(e.Message, "connection reset") {
			t.Errorf("Admit with %v = %v", err, got)
		}
		_, got = newService(t, f).Check(t.Context(), ask(push()))
		if e, ok := fault.Public(got); !ok || e.Code != want {
			t.Errorf("Check with %v = %v, want %s", err, got, want)
		}
	}
}
