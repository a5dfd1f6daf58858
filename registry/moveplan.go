package registry

import (
	"cmp"
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

	Counts    bool     `json:"counts,omitzero"`    // statistics move to a table of their own, or from it
	Analytics DynamoDB `json:"analytics,omitzero"` // where they go; none: where other metadata is
}

// ends are the kinds of stores that a move goes from, or to.
type ends []string

func (e ends) has(kind string) bool { return slices.Contains(e, kind) }

// readable reports whether the kinds can be one end of a move: the data folder, or what is elsewhere; statistics may have
// a table of their own beside both.
func (e ends) readable() bool {
	return len(e) > 0 && !(e.has(wire.StoreLocal) && (e.has(wire.StoreS3) || e.has(wire.StoreDynamoDB)))
}

func (e ends) String() string {
	if len(e) == 0 {
		return "nowhere"
	}
	return strings.Join(e, ",")
}

// metadata is the store of metadata that an end names; "" for none.
func (e ends) metadata() string {
	for _, kind := range []string{wire.StoreLocal, wire.StoreDynamoDB} {
		if e.has(kind) {
			return kind
		}
	}
	return ""
}

// makePlan says what has to be moved, of what is at a place now.
func makePlan(now place, m wire.Migration) (p plan, err error) {
	from, to := ends(m.From), ends(m.To)
	for _, kind := range slices.Concat(from, to) {
		if !slices.Contains([]string{wire.StoreLocal, wire.StoreS3, wire.StoreDynamoDB, wire.StoreAnalytics}, kind) {
			return p, fault.New(fault.Invalid, "%q is no store; name local, s3, dynamodb or analytics", kind)
		}
	}
	if p = between(from, to); !p.complete(from, to) {
		return p, fault.New(fault.Invalid, "a registry moves from local to s3, dynamodb, analytics or several of these, or back, and its statistics from dynamodb to analytics, or back; not from %s to %s", from, to)
	}
	if p.Rows && to.has(wire.StoreDynamoDB) {
		if p.Table = DynamoDB(m.DynamoDB); p.Table.Table == "" || p.Table.Table == InFolder {
			return p, fault.New(fault.Invalid, "a move to dynamodb needs the name of a table; give it with --dynamodb-table (DYNAMODB_TABLE)")
		}
	}
	if p.Blobs && to.has(wire.StoreS3) {
		if p.S3 = S3(m.S3); p.S3.Bucket == "" || p.S3.Bucket == InFolder {
			return p, fault.New(fault.Invalid, "a move to s3 needs the name of a bucket; give it with --s3-bucket (S3_BUCKET)")
		}
	}
	if to.has(wire.StoreAnalytics) {
		if p.Analytics = DynamoDB(m.Analytics); p.Analytics.Table == "" || p.Analytics.Table == InFolder {
			return p, fault.New(fault.Invalid, "a move to analytics needs the name of a table; give it with --dynamodb-analytics-table (DYNAMODB_ANALYTICS_TABLE)")
		}
	}
	if p.Counts && !p.Rows { // the metadata stays where it is
		if kind := cmp.Or(from.metadata(), to.metadata()); kind != now.metadataKind() {
			return p, fault.New(fault.Invalid, "the metadata, which statistics are moved from or to, is in the store %s; name that in place of %s", now.metadataKind(), kind)
		}
	}
	return p, p.agreesWith(now)
}

// between is what moves from one end to another.
func between(from, to ends) plan {
	move := func(kind string) bool {
		return from.has(wire.StoreLocal) && to.has(kind) || from.has(kind) && to.has(wire.StoreLocal)
	}
	return plan{
		Rows: move(wire.StoreDynamoDB), Blobs: move(wire.StoreS3),
		Counts: from.has(wire.StoreAnalytics) && to.metadata() != "" || from.metadata() != "" && to.has(wire.StoreAnalytics),
	}
}

// complete reports whether every store that was named takes part.
func (p plan) complete(from, to ends) bool {
	if !from.readable() || !to.readable() || slices.ContainsFunc(from, to.has) {
		return false
	}
	all := slices.Concat(from, to)
	part := map[string]bool{
		wire.StoreLocal: p.Rows || p.Blobs || p.Counts, wire.StoreS3: p.Blobs, wire.StoreDynamoDB: p.Rows || p.Counts, wire.StoreAnalytics: p.Counts,
	}
	return !slices.ContainsFunc(all, func(kind string) bool { return !part[kind] })
}

// agreesWith refuses a move from where things are not. A part that is where it should be already stays there: that is
// how a move goes on that was killed between its parts.
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
	if p.Rows {
		p.Left = now.table
	}
	return p.countsAgreeWith(now)
}

func (p *plan) countsAgreeWith(now place) error {
	metadata := now.table.Table
	if p.Rows {
		metadata = p.Table.Table
	}
	switch to := p.Analytics.Table; {
	case p.Counts && now.counts.Table == to:
		p.Counts = false
	case p.Counts && now.counts.Table != "" && to != "":
		return fault.New(fault.Invalid, "the statistics are in the table %q and not where other metadata is; move them there first (--from analytics --to %s)", now.counts.Table, now.metadataKind())
	case p.Counts && to != "" && to == metadata:
		return fault.New(fault.Invalid, "the table %q is that of other metadata; name another one for statistics (DYNAMODB_ANALYTICS_TABLE), or none", to)
	case p.Rows && p.Table.Table != "" && !p.Counts && now.counts.Table == p.Table.Table:
		return fault.New(fault.Invalid, "the table %q has the statistics; name another one (DYNAMODB_TABLE)", now.counts.Table)
	}
	return nil
}

// begin notes the move in the data folder, or finds that it is the one that was begun before.
func (p *plan) begin(dir string) error {
	old, found, err := begunPlan(dir)
	switch {
	case err != nil:
		return err
	case found && (p.Rows && old.Table.Table != p.Table.Table || p.Blobs && !old.S3.same(p.S3) || p.Counts && old.Analytics.Table != p.Analytics.Table):
		return fault.New(fault.Invalid, "another move was begun and has not come to its end, to %s; finish it, or give it up with: registry-server migrate --abandon", old.target())
	case found:
		p.ID = old.ID
		if p.Left.Table == "" {
			p.Left = old.Left
		}
		return nil
	case p.nothing():
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

// nothing reports whether everything is there already.
func (p plan) nothing() bool { return !p.Rows && !p.Blobs && !p.Counts }

func (p plan) target() string {
	var to []string
	if p.Table.Table != "" {
		to = append(to, fmt.Sprintf("the table %q", p.Table.Table))
	}
	if p.S3.Bucket != "" {
		to = append(to, p.S3.String())
	}
	if p.Analytics.Table != "" {
		to = append(to, fmt.Sprintf("the table %q", p.Analytics.Table))
	}
	switch {
	case len(to) == 0 && !p.Rows && !p.Blobs:
		return "where other metadata is"
	case len(to) == 0:
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
