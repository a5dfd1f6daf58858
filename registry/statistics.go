package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/transfer"
	"github.com/org/registry-action/internal/wire"
)

// counting is the row of the metadata by which all its servers agree on where statistics are.
type counting struct {
	DynamoDB        // InFolder as its Table: where other metadata is
	Move     string `json:"move,omitzero"` // the move of them that is under way: nobody counts
}

func countingKey() kv.Key { return kv.Key{Partition: transfer.Partition, Sort: "statistics"} }

func readCounting(ctx context.Context, db kv.DB) (row counting, raw []byte, found bool, err error) {
	return kv.ReadJSON[counting](ctx, db, countingKey())
}

// countedIn is the row of statistics in a table; none: where other metadata is.
func countedIn(table DynamoDB) counting {
	table.Table = cmp.Or(table.Table, InFolder)
	return counting{DynamoDB: table}
}

// openStatistics opens the table of statistics if they have one of their own, and notes it in the metadata.
func (s *stores) openStatistics(c Config) error {
	ctx, cancel := startContext()
	defer cancel()
	row, _, found, err := readCounting(ctx, s.rows)
	if err != nil {
		return err
	}
	table, err := s.place.chooseCounting(c.Analytics, row, found)
	if err != nil {
		return err
	}
	s.counts, s.place.counts = s.rows, table
	var db kv.DB = s.gate
	if table.Table != "" {
		own, err := openTable(c, table)
		if err != nil {
			return fmt.Errorf("opening the table of statistics (DYNAMODB_ANALYTICS_TABLE): %w", err)
		}
		s.counts, db, s.closer = own, own, append(s.closer, own)
		if err := s.checkCounting(ctx, found); err != nil {
			return err
		}
		if !found {
			err := s.db.Apply(ctx, kv.PutNew(kv.JSON(countingKey(), countedIn(table))))
			if errors.Is(err, kv.ErrConflict) { // another server was faster
				err = s.mayCount(ctx, table)
			}
			if err := unlessMoving(err); err != nil {
				return err
			}
		}
	}
	var others func(context.Context) error
	if s.place.table.Table != "" {
		others = func(ctx context.Context) error { return s.mayCount(ctx, table) }
	}
	s.countsGate = transfer.NewGate(db, others)
	return nil
}

// chooseCounting returns the table of statistics, none if they are where other metadata is: what the server is told, else
// what was noted. Told of another place than the noted one it would count anew from nothing.
func (p place) chooseCounting(told DynamoDB, row counting, found bool) (DynamoDB, error) {
	if told.Table == p.table.Table && told.Table != "" {
		told.Table = InFolder
	}
	noted := row.DynamoDB
	switch {
	case !found && (told.Table == "" || told.Table == InFolder), found && told.Table == "" && noted.Table == InFolder, found && told.Table == InFolder && noted.Table == InFolder:
		return DynamoDB{}, nil
	case !found, told.Table == noted.Table:
		return told, nil
	case told.Table == "":
		return noted, nil
	case noted.Table == InFolder:
		return DynamoDB{}, p.countsInMetadata(told.Table)
	}
	return DynamoDB{}, fault.New(fault.Invalid, "the statistics are in the table %q, not in %s; leave DYNAMODB_ANALYTICS_TABLE out, or move them to where other metadata is with: registry-server migrate --from analytics --to %s", noted.Table, told.Table, p.metadataKind())
}

func (p place) countsInMetadata(table string) error {
	return fault.New(fault.Invalid, "the statistics are where other metadata is, not in the table %q; leave DYNAMODB_ANALYTICS_TABLE out, or move them there with: registry-server migrate --from %s --to analytics --dynamodb-analytics-table %s", table, p.metadataKind(), table)
}

// metadataKind is the kind of store that metadata is in.
func (p place) metadataKind() string {
	if p.table.Table == "" {
		return wire.StoreLocal
	}
	return wire.StoreDynamoDB
}

// checkCounting refuses a table that statistics are still being moved to. That all of them are there says the note of
// their place, if the mark of the move does not yet. It also refuses to begin with nothing where counts are left behind.
func (s *stores) checkCounting(ctx context.Context, noted bool) error {
	table := s.place.counts.Table
	m, err := transfer.ReadMarker(ctx, s.counts)
	switch {
	case err != nil:
		return err
	case noted:
		return transfer.Unmark(ctx, s.counts, m.ID)
	case m.State != "":
		return fault.New(fault.Invalid, "a registry is being moved to the table %q, or was moved from it; name another one (DYNAMODB_ANALYTICS_TABLE), or none until the move has ended", table)
	}
	begun, err := stats.Any(ctx, s.counts)
	if err != nil || begun {
		return err
	}
	left, err := stats.Any(ctx, s.rows)
	if err == nil && left {
		return s.place.countsInMetadata(table)
	}
	return err
}

// mayCount returns what a server answers that would write statistics to a table: another one may have moved them.
func (s *stores) mayCount(ctx context.Context, table DynamoDB) error {
	row, _, found, err := readCounting(ctx, s.rows)
	switch {
	case err != nil:
		return err
	case found && row.Move != "":
		return transfer.Moving()
	case found && row.Table != countedIn(table).Table:
		return transfer.Moved()
	}
	return nil
}

// holdCounting lets no server of the metadata count, until releaseCounting.
func (r *moving) holdCounting(ctx context.Context) error {
	row, raw, found, err := readCounting(ctx, r.stores.rows)
	here := countedIn(r.stores.place.counts)
	switch {
	case err != nil:
		return err
	case found && (row.Table != here.Table || row.Move != "" && row.Move != r.plan.ID):
		return fault.New(fault.Exists, "another server moves the statistics, or has moved them; restart this one")
	}
	here.Move = r.plan.ID
	return r.stores.rows.Apply(ctx, kv.Upsert(raw, found, kv.JSON(countingKey(), here)))
}

// releaseCounting lets servers count again whom a move has kept from it.
func releaseCounting(ctx context.Context, db kv.DB, id string) error {
	row, raw, found, err := readCounting(ctx, db)
	if err != nil || !found || row.Move != id {
		return err
	}
	row.Move = ""
	return db.Apply(ctx, kv.Swap(raw, kv.JSON(countingKey(), row)))
}

// noteCounting writes into metadata where statistics are after the move.
func (r *moving) noteCounting(ctx context.Context, db kv.DB) error {
	row, _, found, err := readCounting(ctx, r.stores.rows)
	switch {
	case err != nil:
		return err
	case r.plan.Counts:
		row = countedIn(r.plan.Analytics)
	case !found && r.stores.place.counts.Table == "":
		return nil
	case !found:
		row = countedIn(r.stores.place.counts)
	}
	row.Move = ""
	return db.Apply(ctx, kv.Put(kv.JSON(countingKey(), row)))
}
