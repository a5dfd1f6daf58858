package lumentree

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

// maxSnapshots bounds a journal. Each export that is killed after another change of the registry adds one.
const maxSnapshots = 64

// maxJournal is from how many bytes on snapshots are left out. One of 100,000 packages has 11 MB.
const maxJournal = maxDocument / 4

// journal is checkpoint.next.json.
type journal struct {
	Snapshots []snapshot `json:"snapshots"` // oldest first; the last is being written
}

// snapshot is a checkpoint with what it is over.
type snapshot struct {
	Checkpoint *lumen.Envelope          `json:"checkpoint,omitempty"` // nil in a registry that is not signed
	Indexes    map[string]digest.SHA256 `json:"indexes"`              // of packages, by name
}

// claims is what an envelope of a checkpoint says, whoever signed it.
func claims(e *lumen.Envelope) (c lumen.Checkpoint, ok bool) {
	if e == nil {
		return c, false
	}
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	return c, err == nil && json.Unmarshal(payload, &c) == nil
}

// fits reports whether the checkpoint, if there is one, is over the indexes.
func (s snapshot) fits() bool {
	c, ok := claims(s.Checkpoint)
	return s.Checkpoint == nil || ok && c.Root == lumen.RootOf(s.Indexes)
}

func (s snapshot) equal(other snapshot) bool {
	a, errA := json.Marshal(s)
	b, errB := json.Marshal(other)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// present is the snapshot of what a sink has, by what is known of its files.
func present(ctx context.Context, sink Sink, known map[string]File) (s snapshot, ok bool, err error) {
	e, found, err := readJSON[lumen.Envelope](ctx, sink, "checkpoint.json")
	if err != nil {
		return s, false, err
	}
	if found {
		s.Checkpoint = &e
	}
	s.Indexes = indexesOf(slices.Collect(maps.Values(known)))
	return s, s.fits() && (found || len(s.Indexes) > 0), nil
}

func indexesOf(files []File) map[string]digest.SHA256 {
	indexes := map[string]digest.SHA256{}
	for _, f := range files {
		if name, ok := packageOf(f.Path); ok {
			indexes[name] = f.Digest
		}
	}
	return indexes
}

// announce writes into the journal what is there and what will be.
func announce(ctx context.Context, sink Sink, known map[string]File, next snapshot) error {
	j, _, err := readJSON[journal](ctx, sink, JournalPath)
	if err != nil {
		return err
	}
	add := func(s snapshot) {
		if !slices.ContainsFunc(j.Snapshots, s.equal) {
			j.Snapshots = append(j.Snapshots, s)
		}
	}
	now, ok, err := present(ctx, sink, known)
	if err != nil {
		return err
	}
	if ok {
		add(now)
	}
	add(next)
	return putDocument(ctx, sink, JournalPath, j.encode())
}

// changed are the packages whose indexes differ between the snapshots, or stand in the only one.
func (j journal) changed() (names []string) {
	all := map[string]bool{}
	for _, s := range j.Snapshots {
		for name := range s.Indexes {
			all[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		first, ok := j.Snapshots[0].Indexes[name]
		other := func(s snapshot) bool { return s.Indexes[name] != first }
		valid := lumen.ValidName(name, true) == nil
		if valid && (!ok || len(j.Snapshots) == 1 || slices.ContainsFunc(j.Snapshots, other)) {
			names = append(names, name)
		}
	}
	return names
}

// encode leaves out what is too much, which is neither the first snapshot, that of what was there, nor the last.
func (j journal) encode() []byte {
	text := lumen.Encode(j)
	for len(j.Snapshots) > maxSnapshots || len(j.Snapshots) > 2 && len(text) > maxJournal {
		j.Snapshots = slices.Delete(j.Snapshots, 1, 2)
		text = lumen.Encode(j)
	}
	return text
}

// withdraw removes the journal, if there is one: in a bucket with versions each deletion leaves a trace.
func withdraw(ctx context.Context, sink Sink) error {
	r, err := sink.Open(ctx, JournalPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(r.Close(), sink.Delete(ctx, JournalPath))
}

// putDocument writes a file at once.
func putDocument(ctx context.Context, sink Sink, path string, text []byte) error {
	f := File{Path: path, Digest: digest.Of(text), Size: int64(len(text))}
	if err := sink.Put(ctx, f, bytes.NewReader(text)); err != nil {
		return err
	}
	return sink.Commit(ctx)
}

// decodeJournal reads a journal of any tree.
func decodeJournal(text []byte) (j journal, err error) {
	if err := json.Unmarshal(text, &j); err != nil || len(j.Snapshots) > maxSnapshots {
		return j, fault.Wrap(err, fault.Invalid, "it is not what an export writes")
	}
	return j, nil
}
