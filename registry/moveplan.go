package registry

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/transfer"
	"github.com/org/registry-action/internal/wire"
)

// moveFile, in the data folder, tells that a move was begun and has not come to its end.
const moveFile = "migration.json"

// What a move to the data folder is filling, until it is complete.
const (
	fillingMetadata = metadataFile + ".moving"
	fillingBlobs    = "blobs.moving"
)

// plan is a move.
type plan struct {
	ID    string   `json:"id"`
	Rows  bool     `json:"rows"`            // metadata is moved
	Blobs bool     `json:"blobs"`           // bytes are moved
	Table DynamoDB `json:"table,omitzero"`  // where rows go; none: the data folder
	S3    S3       `json:"bucket,omitzero"` // where bytes go; none: the data folder
	Left  DynamoDB `json:"left,omitzero"`   // the table that rows come from
}

// makePlan says what has to be moved, of what is at a place now.
func makePlan(now place, m wire.Migration) (p plan, err error) {
	for _, kind := range slices.Concat(m.From, m.To) {
		if !slices.Contains([]string{wire.StoreLocal, wire.StoreS3, wire.StoreDynamoDB}, kind) {
			return p, fault.New(fault.Invalid, "%q is no store; name local, s3 or dynamodb", kind)
		}
	}
	from, to := func(kind string) bool { return slices.Contains(m.From, kind) }, func(kind string) bool { return slices.Contains(m.To, kind) }
	switch {
	case to(wire.StoreLocal) && len(m.To) == 1 && !from(wire.StoreLocal) && len(m.From) > 0:
		p = plan{Rows: from(wire.StoreDynamoDB), Blobs: from(wire.StoreS3)}
	case !to(wire.StoreLocal) && len(m.To) > 0 && from(wire.StoreLocal) && len(m.From) == 1:
		p = plan{Rows: to(wire.StoreDynamoDB), Blobs: to(wire.StoreS3)}
	default:
		return p, fault.New(fault.Invalid, "a registry moves from local to s3, dynamodb or both, or back; not from %s to %s", listed(m.From), listed(m.To))
	}
	if p.Rows && to(wire.StoreDynamoDB) {
		if p.Table = DynamoDB(m.DynamoDB); p.Table.Table == "" || p.Table.Table == InFolder {
			return p, fault.New(fault.Invalid, "a move to dynamodb needs the name of a table; give it with --dynamodb-table (DYNAMODB_TABLE)")
		}
	}
	if p.Blobs && to(wire.StoreS3) {
		if p.S3 = S3(m.S3); p.S3.Bucket == "" || p.S3.Bucket == InFolder {
			return p, fault.New(fault.Invalid, "a move to s3 needs the name of a bucket; give it with --s3-bucket (S3_BUCKET)")
		}
	}
	return p, p.agreesWith(now)
}

func listed(kinds []string) string {
	if len(kinds) == 0 {
		return "nowhere"
	}
	return strings.Join(kinds, ",")
}

// agreesWith refuses a move from where things are not. A half that is where it should be already stays there: that is
// how a move goes on that was killed between its halves.
func (p *plan) agreesWith(now place) error {
	switch {
	case p.Rows && now.table.Table == p.Table.Table:
		p.Rows = false
	case p.Rows && now.table.Table != "" && p.Table.Table != "":
		return fault.New(fault.Invalid, "the metadata is in the table %q and not in the data folder; move it there first (--from dynamodb --to local)", now.table.Table)
	}
	switch {
	case p.Blobs && now.bucket.same(p.S3):
		p.Blobs = false
	case p.Blobs && now.bucket.Bucket != "" && p.S3.Bucket != "":
		return fault.New(fault.Invalid, "the bytes of packages are in %s and not in the data folder; move them there first (--from s3 --to local)", now.bucket)
	}
	if p.Blobs && !p.Rows && now.table.Table != "" {
		return fault.New(fault.Invalid, "the metadata is in the table %q, whose other servers would go on with the bytes where they are now; move both (--from s3,dynamodb --to local)", now.table.Table)
	}
	p.Left = now.table
	return nil
}

// begin notes the move in the data folder, or finds that it is the one that was begun before.
func (p *plan) begin(dir string) error {
	old, found, err := begunPlan(dir)
	switch {
	case err != nil:
		return err
	case found && (p.Rows && old.Table.Table != p.Table.Table || p.Blobs && !old.S3.same(p.S3)):
		return fault.New(fault.Invalid, "another move was begun and has not come to its end, to %s; finish it, or give it up with: registry-server migrate --abandon", old.target())
	case found:
		p.ID = old.ID
		if p.Left.Table == "" {
			p.Left = old.Left
		}
		return nil
	case !p.Rows && !p.Blobs:
		return nil
	}
	p.ID = rand.Text()
	for _, rest := range []string{fillingMetadata, fillingBlobs} { // of a move that was given up
		if err := os.RemoveAll(filepath.Join(dir, rest)); err != nil {
			return err
		}
	}
	return writeNote(filepath.Join(dir, moveFile), p)
}

func (p plan) target() string {
	var to []string
	if p.Table.Table != "" {
		to = append(to, fmt.Sprintf("the table %q", p.Table.Table))
	}
	if p.S3.Bucket != "" {
		to = append(to, p.S3.String())
	}
	if len(to) == 0 {
		return "the data folder"
	}
	return strings.Join(to, " and ")
}

func begunPlan(dir string) (p plan, found bool, err error) {
	path := filepath.Join(dir, moveFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err == nil && p.ID == "" {
		err = errors.New("it has no id")
	}
	if err != nil {
		return p, false, fmt.Errorf("reading of the move that was begun, in %s: %w", path, err)
	}
	return p, true, nil
}

// checkMoved refuses a table that a registry is still being copied to. If it was all there, and only the last word of
// the move of this data folder is missing, that is said.
func checkMoved(c Config, table DynamoDB, db kv.DB) error {
	ctx, cancel := startContext()
	defer cancel()
	m, err := transfer.ReadMarker(ctx, db)
	if err != nil || m.State != transfer.Filling {
		return err
	}
	noted, err := notedTable(c.DataDir)
	if err != nil {
		return err
	}
	begun, found, err := begunPlan(c.DataDir)
	if err != nil {
		return err
	}
	if !found || begun.ID != m.ID || noted.Table != table.Table {
		return fault.New(fault.Invalid, "a registry is being moved to the table %q; wait until the move has ended, or name another table (DYNAMODB_TABLE)", table.Table)
	}
	if err := transfer.Unmark(ctx, db, m.ID); err != nil {
		return err
	}
	return removeFile(filepath.Join(c.DataDir, moveFile))
}
