package pkgprnew

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	maxPart   = 16 << 20 // bytes; the CLI sends 5 MiB
	maxParts  = 1000     // of a tarball: their list is a header
	leastCost = 64 << 10 // bytes that a part or an upload counts for at least
	uploadFor = 2 * time.Hour
)

// upload is a tarball that comes in parts.
type upload struct {
	Run  string `json:"run"` // the key of the run that sends it
	Name string `json:"name"`
	ID   string `json:"id"` // a secret of who began it
	// Parts are all of it, in order, once it is complete.
	Parts []part `json:"parts,omitempty"`
}

type part struct {
	Digest digest.SHA256 `json:"digest"`
	Size   int64         `json:"size"`
}

func (p part) etag() string { return p.Digest.Hex()[:32] }

// Upload names an upload that was begun.
type Upload struct {
	Key string
	ID  string // only who has it adds parts
}

// Part is one of an upload, from 1.
type Part struct {
	Number int
	ETag   string
}

// Begin begins the upload of a package's tarball by a run that Check has found.
func (s *Service) Begin(ctx context.Context, c Claim, name string) (Upload, error) {
	if err := npm.ValidName(name); err != nil {
		return Upload{}, err
	}
	run, err := s.ofRun(ctx, c.Key)
	if err != nil {
		return Upload{}, err
	}
	if !strings.EqualFold(c.SHA, run.HeadSHA) {
		return Upload{}, wrongCommit(run, c.SHA)
	}
	if err := s.spend(ctx, c.Key, leastCost); err != nil {
		return Upload{}, err
	}
	u := Upload{Key: rand.Text(), ID: rand.Text()}
	row := kv.JSON(uploadKey(u.Key), upload{Run: c.Key, Name: name, ID: u.ID})
	row.Expires = s.now().Add(uploadFor)
	return u, s.db.Apply(ctx, kv.PutNew(row))
}

// spend counts what a run brings in parts, and refuses what is too much: room for what it may publish, and as much
// again for what is sent twice.
func (s *Service) spend(ctx context.Context, run string, bytes int64) error {
	if err := s.db.Apply(ctx, kv.AddUntil(bytesKey(run), max(bytes, leastCost), s.now().Add(keyFor))); err != nil {
		return err
	}
	row, err := s.db.Get(ctx, bytesKey(run))
	if err != nil {
		return err
	}
	spent, err := strconv.ParseInt(string(row.Value), 10, 64)
	if err == nil && spent > 2*s.opt.MaxPublish {
		return fault.New(fault.TooLarge, "the run has sent parts of more than %d bytes, twice what a publish may have (MAX_PUBLISH_SIZE)", 2*s.opt.MaxPublish).WithCode("too_many_parts")
	}
	return err
}

// uploadIDs are as rand.Text makes them.
var uploadIDs = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// open reads an upload that somebody claims to have begun.
func (s *Service) open(ctx context.Context, u Upload) (up upload, raw []byte, err error) {
	if uploadIDs.MatchString(u.Key) {
		if up, raw, _, err = kv.ReadJSON[upload](ctx, s.db, uploadKey(u.Key)); err != nil {
			return upload{}, nil, err
		}
	}
	if raw == nil || subtle.ConstantTimeCompare([]byte(up.ID), []byte(u.ID)) != 1 {
		return upload{}, nil, noUpload()
	}
	return up, raw, nil
}

func noUpload() error {
	return fault.New(fault.NotFound, "there is no such upload, or it was begun more than %s ago; begin it again", uploadFor).WithCode("no_upload")
}

// PutPart takes in a part of size bytes; one that is there already is replaced.
func (s *Service) PutPart(ctx context.Context, u Upload, number int, size int64, r io.Reader) (Part, error) {
	switch {
	case number < 1 || number > maxParts:
		return Part{}, fault.New(fault.Invalid, "a part has a number from 1 to %d (part-number)", maxParts).WithCode("invalid_part")
	case size < 1 || size > maxPart:
		return Part{}, fault.New(fault.TooLarge, "a part has 1 to %d bytes, and says so in Content-Length", maxPart)
	}
	up, _, err := s.open(ctx, u)
	if err != nil {
		return Part{}, err
	}
	if up.Parts != nil {
		return Part{}, fault.New(fault.Invalid, "the upload is complete; begin another").WithCode("invalid_part")
	}
	if err := s.spend(ctx, up.Run, size); err != nil {
		return Part{}, err
	}
	p, err := s.keep(ctx, r)
	if err != nil {
		return Part{}, err
	}
	row := kv.JSON(partKey(u.Key, number), p)
	row.Expires = s.now().Add(uploadFor)
	return Part{Number: number, ETag: p.etag()}, s.db.Apply(ctx, kv.Put(row))
}

// keep makes bytes durable for some hours.
func (s *Service) keep(ctx context.Context, r io.Reader) (_ part, err error) {
	f, err := s.spool.File()
	if err != nil {
		return part{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := digest.NewHasher()
	if _, err := io.Copy(io.MultiWriter(f, h), s.spool.Bounded(r, "the part")); err != nil {
		return part{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return part{}, err
	}
	key := blob.Key{Space: blob.Commits, Digest: h.Sums().SHA256}
	if err := s.life.Hold(ctx, key); err != nil {
		return part{}, err
	}
	info, _, err := s.blobs.Put(ctx, key, f)
	return part{Digest: key.Digest, Size: info.Size}, err
}

// Complete ends an upload. parts are all that were taken in, in order.
func (s *Service) Complete(ctx context.Context, u Upload, parts []Part) error {
	up, raw, err := s.open(ctx, u)
	if err != nil {
		return err
	}
	stored, err := s.stored(ctx, u)
	if err != nil {
		return err
	}
	bad := fault.New(fault.Invalid, "the parts that are listed are not those that were sent: all of them in order, from 1, with their etags (uploaded-parts)").WithCode("invalid_part")
	if len(parts) == 0 || len(parts) != len(stored) {
		return bad
	}
	var total int64
	for i, p := range parts {
		if p.Number != i+1 || p.ETag != stored[i].etag() {
			return bad
		}
		total += stored[i].Size
	}
	if total > s.opt.MaxPackage {
		return fault.New(fault.TooLarge, "%s has %d bytes, more than the %d that this server accepts for a package (MAX_PACKAGE_SIZE)", up.Name, total, s.opt.MaxPackage)
	}
	up.Parts = stored
	row := kv.JSON(uploadKey(u.Key), up)
	row.Expires = s.now().Add(uploadFor)
	err = s.db.Apply(ctx, kv.Swap(raw, row))
	if errors.Is(err, kv.ErrConflict) {
		return fault.New(fault.Unavailable, "the upload is just being completed; send the request again")
	}
	return err
}

// stored are the parts from the first on; none if one is missing in between.
func (s *Service) stored(ctx context.Context, u Upload) ([]part, error) {
	var parts []part
	for row, err := range s.db.Scan(ctx, uploadPartition(u.Key), kv.Query{Prefix: partPrefix, Limit: maxParts}) {
		if err != nil {
			return nil, err
		}
		p, err := readPart(row)
		if err != nil {
			return nil, err
		}
		if row.Key != partKey(u.Key, len(parts)+1) {
			return nil, nil
		}
		parts = append(parts, p)
	}
	return parts, nil
}
