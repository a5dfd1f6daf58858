package scrub

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
)

// limits are those of archives that were taken once, by whatever limits there were then.
func limits() tarball.Limits {
	l := tarball.LimitsFor(1 << 40)
	l.Entries = maxArchive
	return l
}

// Tarball is Check of a whole tarball of npm's.
func (b *Blobs) Tarball(ctx context.Context, s *Subject, w Want) (sum tarball.Summary, ok bool, err error) {
	says, ok, err := b.Check(ctx, s, w, "tgz", func(_ context.Context, r io.Reader) (any, int64, error) {
		sum, err := tarball.Check(r, limits())
		sum.Readme = nil
		return sum, int64(len(sum.Manifest)), err
	})
	if !ok {
		return sum, false, err
	}
	return says.(tarball.Summary), true, nil
}

// Head is Check of the head of a split tarball, and returns its bytes as they are stored.
func (b *Blobs) Head(ctx context.Context, s *Subject, key blob.Key, size int64, until time.Time) (head []byte, ok bool, err error) {
	says, ok, err := b.Check(ctx, s, Want{Key: key, Size: size, Until: until}, "head", func(_ context.Context, r io.Reader) (any, int64, error) {
		head, err := io.ReadAll(io.LimitReader(r, tarball.MaxHead+1))
		if err == nil && len(head) > tarball.MaxHead {
			err = fault.New(fault.TooLarge, "the head is longer than that of the largest package.json")
		}
		return head, int64(len(head)), err
	})
	if !ok {
		return nil, false, err
	}
	return says.([]byte), true, nil
}

// Split is what rows say of a tarball that is kept in two blobs.
type Split struct {
	tarball.Recipe
	Space  blob.Space
	Commit string // whose digits are filled in
	Sums   digest.Sums
	Size   int64
	Until  time.Time
}

// pair is the two blobs of a tarball.
type pair struct {
	head, body digest.SHA256
	commit     string // of heads without holes, which are the same for every commit: ""
}

// about is what was found of the archive that two blobs make.
type about struct {
	sum     tarball.Summary // without sums
	preview bool            // its version is that of its commit
	refused error
}

// Split checks a tarball as it is served: head, filled, and body joined. Both blobs are hashed once, and what they make is
// unpacked once, however many commits have them; the hashes of the joined file are each commit's own.
func (b *Blobs) Split(ctx context.Context, s *Subject, w Split) (sum tarball.Summary, ok bool, err error) {
	headKey, bodyKey := blob.Key{Space: w.Space, Digest: w.Head.Digest}, blob.Key{Space: w.Space, Digest: w.Body.Digest}
	head, headOK, err := b.Head(ctx, s, headKey, w.Head.Size, w.Until)
	if err != nil {
		return sum, false, err
	}
	kept, bodyOK, err := b.Check(ctx, s, Want{Key: bodyKey, Size: w.Body.Size, Until: w.Until}, "body", keep)
	if err != nil || !headOK || !bodyOK {
		return sum, false, err
	}
	if w.Holes {
		head = tarball.FillHead(head, w.Commit)
	}
	body, err := b.open(ctx, bodyKey, kept)
	if err != nil {
		return sum, false, err
	}
	defer func() { _ = body.Close() }() // it is only read
	return b.joined(ctx, s, w, head, body)
}

// keep keeps small bodies, which the next commit joins to another head.
func keep(_ context.Context, r io.Reader) (any, int64, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxKept+1))
	if err != nil || len(text) > maxKept {
		return []byte(nil), 0, err
	}
	return text, int64(len(text)), nil
}

func (b *Blobs) open(ctx context.Context, key blob.Key, kept any) (io.ReadCloser, error) {
	if text := kept.([]byte); text != nil {
		return io.NopCloser(bytes.NewReader(text)), nil
	}
	in, _, err := b.store.Open(ctx, key)
	return in, err
}

// joined checks head and body together.
func (b *Blobs) joined(ctx context.Context, s *Subject, w Split, head []byte, body io.Reader) (sum tarball.Summary, ok bool, err error) {
	name := pair{head: w.Head.Digest, body: w.Body.Digest}
	if !w.Holes {
		name.commit = w.Commit
	}
	src := &source{ctx: ctx, r: body}
	known, found := b.pairs.get(name)
	if found && known.refused == nil {
		sum, err = known.summary(w, head, src)
	} else if !found {
		var recipe tarball.Recipe
		sum, recipe, known.refused = tarball.CheckSplit(bytes.NewReader(head), src, limits())
		if src.err == nil && known.remember(sum, w.Commit) {
			b.pairs.put(name, known, perFile)
		} else {
			err = cmp.Or(src.err, known.refused)
		}
		if err == nil && known.refused == nil && (recipe.CRC32 != w.CRC32 || recipe.Raw != w.Raw) {
			s.Differs(Sums, fmt.Sprintf("%08x, %d bytes", recipe.CRC32, recipe.Raw), fmt.Sprintf("%08x, %d bytes", w.CRC32, w.Raw), "its row has another CRC-32 or size of the tar than its bytes")
		}
	}
	if err != nil {
		return sum, false, err
	}
	if known.refused != nil {
		s.report(Problem{Code: Archive, Blob: string(w.Space) + "/" + w.Body.Digest.Hex(), Message: said(known.refused)})
		return sum, false, nil
	}
	differences(sum.Sums, w.Sums, func(what, expected, got string) {
		s.Differs(Sums, expected, got, "its row has another %s than its bytes, joined as they are served", what)
	})
	if sum.Size != w.Size {
		s.Differs(Sums, fmt.Sprintf("%d bytes", sum.Size), fmt.Sprintf("%d bytes", w.Size), "its row has another size than its bytes, joined as they are served")
	}
	return sum, true, nil
}

// remember keeps what is not of one commit alone. It reports whether the archive was judged: an error may be none of its own.
func (a *about) remember(sum tarball.Summary, commit string) bool {
	if a.refused != nil {
		return errors.Is(a.refused, fault.Invalid) || errors.Is(a.refused, fault.TooLarge)
	}
	a.preview = sum.Version == npm.PreviewVersion(commit)
	sum.Readme, sum.Manifest, sum.Sums, sum.Size = nil, nil, digest.Sums{}, 0
	a.sum = sum
	return true
}

// summary is what CheckSplit would say of the same two blobs for another commit.
func (a about) summary(w Split, head []byte, body io.Reader) (tarball.Summary, error) {
	sum := a.sum
	if a.preview {
		sum.Version = npm.PreviewVersion(w.Commit)
	}
	h := digest.NewHasher()
	for _, part := range []io.Reader{bytes.NewReader(w.Header()), bytes.NewReader(head), body, bytes.NewReader(w.Trailer())} {
		if _, err := io.Copy(h, part); err != nil {
			return sum, err
		}
	}
	sum.Sums, sum.Size = h.Sums(), h.Size()
	return sum, nil
}
