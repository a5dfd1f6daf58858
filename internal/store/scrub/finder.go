package scrub

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// Checker is a domain's knowledge of its rows.
type Checker interface {
	// Check looks at a row and tells f what is wrong. known is false for a row that is not the domain's. An error means
	// that nothing could be checked, and ends the verification.
	Check(ctx context.Context, r kv.Row, f *Finder) (known bool, err error)
}

// Finder takes what a Checker finds about one row.
type Finder struct {
	run   *run
	key   kv.Key
	tasks *errgroup.Group
	ctx   context.Context // of the tasks
}

// Go does the work that takes long, the reading of blobs: beside others, and not more of it than the machine can do.
func (f *Finder) Go(task func(ctx context.Context) error) {
	f.tasks.Go(func() error {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		return task(f.ctx)
	})
}

// About names what is looked at.
func (f *Finder) About(kind, name string) *Subject {
	return &Subject{finder: f, kind: kind, name: name}
}

// Checked counts something that was looked at, in the words of the summary.
func (f *Finder) Checked(what string) { f.run.checked(what) }

// Subject is what problems are about.
type Subject struct {
	finder     *Finder
	kind, name string
}

// Wrong reports a problem of rows.
func (s *Subject) Wrong(code Code, format string, args ...any) {
	s.report(Problem{Code: code, Message: fmt.Sprintf(format, args...)})
}

// Differs reports that a row has something else than it should have.
func (s *Subject) Differs(code Code, expected, got, format string, args ...any) {
	s.report(Problem{Code: code, Expected: expected, Got: got, Message: fmt.Sprintf(format, args...)})
}

// Refused reports that err was said of a row; the cause is not told.
func (s *Subject) Refused(code Code, err error) { s.Wrong(code, "%s", said(err)) }

// Unread reports a row that can't be decoded. Its content is not told: it may be a secret.
func (s *Subject) Unread(k kv.Key) { s.Wrong(Row, "the row %s can't be read", k) }

// Absent reports that a row is not there.
func (s *Subject) Absent(k kv.Key) { s.Wrong(Reference, "the row %s is not there", k) }

func (s *Subject) report(p Problem) {
	p.Kind, p.Name = s.kind, shown(s.name)
	p.Expected, p.Got, p.Message = shown(p.Expected), shown(p.Got), shown(p.Message)
	s.finder.run.report(s.finder.key, p)
}

// said is what an error says to people.
func said(err error) string {
	if e, ok := fault.Public(err); ok {
		return e.Message
	}
	return err.Error()
}

// Has reports whether a row is there.
func Has(ctx context.Context, db kv.DB, k kv.Key) (bool, error) {
	_, found, err := Get(ctx, db, k)
	return found, err
}

// Get reads a row; found is false if there is none, or can be none of that name.
func Get(ctx context.Context, db kv.DB, k kv.Key) (r kv.Row, found bool, err error) {
	if k.Validate() != nil { // made of a row that is damaged
		return r, false, nil
	}
	return get(ctx, db, k)
}
