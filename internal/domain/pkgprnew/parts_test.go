package pkgprnew

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/domaintest"
	"github.com/org/registry-action/internal/fault"
)

// begun is a service with an upload of the package a.
func begun(t *testing.T) (*Service, Run, Upload) {
	t.Helper()
	s := checked(t, &fakeForge{}, push())
	key := ask(push()).Key
	u, err := s.Begin(t.Context(), Claim{Key: key, SHA: sha}, "a")
	if err != nil {
		t.Fatal(err)
	}
	return s, Run{Run: push(), Repository: "acme/ws", Key: key}, u
}

func (s *Service) send(t *testing.T, u Upload, number int, text string) (Part, error) {
	t.Helper()
	return s.PutPart(t.Context(), u, number, int64(len(text)), strings.NewReader(text))
}

func TestParts(t *testing.T) {
	s, run, u := begun(t)
	var parts []Part
	whole := ""
	for i, text := range []string{strings.Repeat("one", 50_000), "two", "two", "four"} {
		if i == 1 { // sent twice, the second time as it shall be
			if _, err := s.send(t, u, 2, "a slip"); err != nil {
				t.Fatal(err)
			}
		}
		p, err := s.send(t, u, i+1, text)
		if err != nil {
			t.Fatal(err)
		}
		parts, whole = append(parts, p), whole+text
	}
	for range 2 { // whose answer is lost asks again
		if err := s.Complete(t.Context(), u, parts); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		r, err := s.Tarball(t.Context(), run, "a", u.Key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil || string(got) != whole {
			t.Errorf("the tarball has %d bytes, %v, want %d", len(got), err, len(whole))
		}
	}
	_, err := s.send(t, u, 5, "more")
	domaintest.Refused(t, "a part of what is complete", err, fault.Invalid, "invalid_part")
	if left, err := os.ReadDir(s.spool.Dir); err != nil || len(left) != 0 {
		t.Errorf("the spool has %v, %v", left, err)
	}
	_, err = s.Tarball(t.Context(), run, "b", u.Key)
	domaintest.Refused(t, "another package's", err, fault.Invalid, "wrong_name")
	run.Key = "bbbbbbbbbb"
	_, err = s.Tarball(t.Context(), run, "a", u.Key)
	domaintest.Refused(t, "another run's", err, fault.NotFound, "no_upload")
}

func TestPartsAreRefused(t *testing.T) {
	s, run, u := begun(t)
	_, err := s.Tarball(t.Context(), run, "a", u.Key)
	domaintest.Refused(t, "what is not complete", err, fault.Invalid, "invalid_part")
	_, err = s.Begin(t.Context(), Claim{Key: run.Key, SHA: other}, "a")
	domaintest.Refused(t, "another commit", err, fault.Forbidden, "wrong_commit")
	_, err = s.Begin(t.Context(), Claim{Key: run.Key, SHA: sha}, "../a")
	domaintest.Refused(t, "a name that is none", err, fault.Invalid, "")
	_, err = s.Begin(t.Context(), Claim{Key: "bbbbbbbbbb", SHA: sha}, "a")
	domaintest.Refused(t, "a run that nobody knows", err, fault.NotFound, "no_run")
	for what, c := range map[string]struct {
		u      Upload
		number int
		size   int64
		kind   fault.Kind
		code   string
	}{
		"a guessed id":     {Upload{u.Key, strings.Repeat("A", 26)}, 1, 3, fault.NotFound, "no_upload"},
		"no id":            {Upload{u.Key, ""}, 1, 3, fault.NotFound, "no_upload"},
		"an id for a key":  {Upload{u.ID, u.ID}, 1, 3, fault.NotFound, "no_upload"},
		"nothing at all":   {Upload{}, 1, 3, fault.NotFound, "no_upload"},
		"a path for a key": {Upload{"../run/" + run.Key, ""}, 1, 3, fault.NotFound, "no_upload"},
		"part 0":           {u, 0, 3, fault.Invalid, "invalid_part"},
		"part -1":          {u, -1, 3, fault.Invalid, "invalid_part"},
		"part 1001":        {u, maxParts + 1, 3, fault.Invalid, "invalid_part"},
		"no length":        {u, 1, -1, fault.TooLarge, ""},
		"no bytes":         {u, 1, 0, fault.TooLarge, ""},
		"a large one":      {u, 1, maxPart + 1, fault.TooLarge, ""},
	} {
		_, err := s.PutPart(t.Context(), c.u, c.number, c.size, strings.NewReader("one"))
		domaintest.Refused(t, what, err, c.kind, c.code)
	}
}

// What the client lists must be what came: it goes on after a part that failed.
func TestCompleteOfParts(t *testing.T) {
	s, run, u := begun(t)
	var parts []Part
	for i, text := range []string{"one", "two", "three"} {
		p, err := s.send(t, u, i+1, text)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	wrong := append([]Part(nil), parts...)
	wrong[1].ETag = wrong[0].ETag
	for what, list := range map[string][]Part{
		"none": nil, "too few": parts[:2], "one twice": {parts[0], parts[0], parts[1]}, "others": wrong, "too many": append(append([]Part(nil), parts...), Part{4, "x"}),
		"without the first": parts[1:],
	} {
		domaintest.Refused(t, what, s.Complete(t.Context(), u, list), fault.Invalid, "invalid_part")
	}
	gap, err := s.Begin(t.Context(), Claim{Key: run.Key, SHA: sha}, "a")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.send(t, gap, 2, "two")
	if err != nil {
		t.Fatal(err)
	}
	domaintest.Refused(t, "parts with a gap", s.Complete(t.Context(), gap, []Part{p}), fault.Invalid, "invalid_part")
	large := strings.Repeat("x", 600<<10)
	parts = nil
	for i := range 2 {
		p, err := s.send(t, gap, i+1, large)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	domaintest.Refused(t, "more than a package may have", s.Complete(t.Context(), gap, parts), fault.TooLarge, "")
}

// A run brings so much in parts and no more, however small they are, however often it begins anew.
func TestFloodOfParts(t *testing.T) {
	s, run, u := begun(t)
	sent := 0
	for ; sent < 1000; sent++ {
		_, err := s.send(t, u, 1+sent%maxParts, "x")
		if err != nil {
			domaintest.Refused(t, "a part too many", err, fault.TooLarge, "too_many_parts")
			break
		}
	}
	if most := int(2 * s.opt.MaxPublish / leastCost); sent > most {
		t.Errorf("%d parts were taken in, want at most %d", sent, most)
	}
	_, err := s.Begin(t.Context(), Claim{Key: run.Key, SHA: sha}, "a")
	domaintest.Refused(t, "an upload after that", err, fault.TooLarge, "too_many_parts")
}

// A part that breaks off is none.
func TestPartThatBreaksOff(t *testing.T) {
	s, _, u := begun(t)
	broken := errors.New("broken off")
	_, err := s.PutPart(t.Context(), u, 1, 10, io.MultiReader(bytes.NewReader([]byte("half")), failing{broken}))
	if !errors.Is(err, broken) {
		t.Errorf("PutPart = %v", err)
	}
	if parts, err := s.stored(t.Context(), u); err != nil || len(parts) != 0 {
		t.Errorf("there are %d parts, %v", len(parts), err)
	}
	if left, err := os.ReadDir(s.spool.Dir); err != nil || len(left) != 0 {
		t.Errorf("the spool has %v, %v", left, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
