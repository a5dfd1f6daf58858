package lumenpackages

import (
	"context"
	"iter"
	"time"

	"github.com/org/registry-action/internal/format/lumen"
)

// versions is the entries of all packages, as they are after a number of changes.
type versions struct {
	revision int64
	entries  []entry   // by name
	until    time.Time // zero: as long as the revision is the present one
}

// Files lists the whole tree in the order in which an export writes it: artifacts, signatures, keys, metadata, package indexes,
// checkpoint, index. All are of one moment; their digests are those of the bytes that the methods above return then.
func (s *Service) Files(ctx context.Context) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		t, v, err := s.whole(ctx)
		if err != nil {
			yield(File{}, err)
			return
		}
		for f := range filesOf(t, v.entries) {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// whole returns the present tree and all its versions.
func (s *Service) whole(ctx context.Context) (*tree, *versions, error) {
	done, err := s.listing.Take(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	for range tries {
		t, err := s.present(ctx)
		if err != nil {
			return nil, nil, err
		}
		v := s.versions.Load()
		if v == nil || v.revision != t.revision || s.expired(v.until) {
			if v, err = s.readVersions(ctx); err != nil {
				return nil, nil, err
			}
		}
		if v.revision == t.revision {
			return t, v, nil
		}
	}
	return nil, nil, busy()
}

func (s *Service) readVersions(ctx context.Context) (*versions, error) {
	v := &versions{}
	err := s.consistently(ctx, func(revision int64) (err error) {
		v.revision, v.until = revision, s.keepUntil(revision)
		v.entries, err = s.scanEntries(ctx, "")
		return err
	})
	if err != nil {
		return nil, err
	}
	s.versions.Store(v)
	return v, nil
}

// filesOf are the files of a tree, in the order of an export.
func filesOf(t *tree, entries []entry) iter.Seq[File] {
	return func(yield func(File) bool) {
		for _, stage := range []iter.Seq[File]{
			artifactFiles(entries),
			documentFiles(entries, func(e entry) File { return e.Signature.file(lumen.SignaturePath(e.name, e.version)) }),
			oneFile(lumen.KeysPath(), t.keys),
			documentFiles(entries, func(e entry) File { return e.Metadata.file(lumen.MetadataPath(e.name, e.version)) }),
			indexFiles(t.summaries),
			oneFile(lumen.CheckpointPath(), t.check),
			oneFile(lumen.IndexPath(), t.index),
		} {
			for f := range stage {
				if !yield(f) {
					return
				}
			}
		}
	}
}

func artifactFiles(entries []entry) iter.Seq[File] {
	return func(yield func(File) bool) {
		for _, e := range entries {
			for _, a := range e.Artifacts {
				if !yield(a.file(a.path())) {
					return
				}
			}
		}
	}
}

func documentFiles(entries []entry, file func(entry) File) iter.Seq[File] {
	return func(yield func(File) bool) {
		for _, e := range entries {
			if !yield(file(e)) {
				return
			}
		}
	}
}

func indexFiles(summaries []summary) iter.Seq[File] {
	return func(yield func(File) bool) {
		for _, sum := range summaries {
			if !yield(sum.Index.file(lumen.PackageIndexPath(sum.name))) {
				return
			}
		}
	}
}

func oneFile(path string, d Document) iter.Seq[File] {
	return func(yield func(File) bool) { yield(partOf(d.Body).file(path)) }
}
